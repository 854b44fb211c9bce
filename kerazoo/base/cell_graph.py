"""Recurrent cells as graphs of nodes, which can be read, drawn, changed and searched."""

from collections import Counter
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kerazoo.utils.errors import ConfigError, DataError
from kerazoo.utils.reading import parse_json, read_text

FORMAT = "kerazoo cell graph 1"
INPUT = "x"
ACTIVATIONS, ARITHMETIC = ("tanh", "sigmoid", "relu", "linear"), ("add", "multiply", "subtract")
LARGEST, MAX_BYTES = 1000, 2**20  # nodes, and bytes of a file
Name = Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9_]*$", max_length=40)]


class Node(BaseModel):
    """One operation.

    Attributes:
        op: str. `"tanh"`, `"sigmoid"`, `"relu"`, `"linear"` of one value; `"add"`, `"multiply"`, `"subtract"` of two.
        of: tuple[str, ...]. The values it takes: nodes, states, or `"x"`, the inputs of a step.
        scale: float. Of `"linear"`, W v + b: what is added to the diagonal of W at the start. Defaults to 0.
        bias: float. Of `"linear"`: b at the start. Defaults to 0.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    op: Literal["tanh", "sigmoid", "relu", "linear", "add", "multiply", "subtract"]
    of: tuple[str, ...]
    scale: float = 0.0
    bias: float = 0.0


class CellGraph(BaseModel):
    """A cell: vectors of a state, the nodes of a step, and which of them are the state after it.

    `CellGraph.read` takes a file or a dict, and refuses what is no cell in one line.

    Attributes:
        format: `"kerazoo cell graph 1"`.
        states: tuple[str, ...]. Names of the state's vectors; the first one is the output.
        nodes: dict[str, Node]. By name.
        after: dict[str, str]. State -> the node that is its next value.

    Example:
        >>> nodes = {"a": {"op": "linear", "of": ["x"]}, "b": {"op": "linear", "of": ["h"]}}
        >>> nodes |= {"sum": {"op": "add", "of": ["a", "b"]}, "new": {"op": "tanh", "of": ["sum"]}}
        >>> graph = CellGraph.read({"format": FORMAT, "states": ["h"], "nodes": nodes, "after": {"h": "new"}})
        >>> graph.order()
        ['a', 'b', 'sum', 'new']

    Source: Jozefowicz, Zaremba and Sutskever 2015, "An Empirical Exploration of Recurrent Network Architectures", ICML,
    section 3.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    format: Literal["kerazoo cell graph 1"]
    states: Annotated[tuple[Name, ...], Field(min_length=1, max_length=8)]
    nodes: Annotated[dict[Name, Node], Field(max_length=LARGEST)]
    after: dict[str, str]

    @classmethod
    def read(cls, graph):
        """A checked graph of a file's path, of a dict, or of a graph.

        Args:
            graph: str, Path, dict or CellGraph.

        Returns:
            CellGraph.

        Raises:
            ConfigError: no cell: another format, a node that there is not, a loop that no state is part of, ...
            DataError: a file that cannot be read.
        """
        if isinstance(graph, cls):
            return graph
        where = "the graph" if isinstance(graph, dict) else str(graph)
        if not isinstance(graph, dict):
            text = read_text(graph, error=DataError, max_bytes=MAX_BYTES)
            try:
                graph = parse_json(text)
            except ValueError as error:
                raise DataError(f"{where}: no JSON ({error})") from None
        if not isinstance(graph, dict) or graph.get("format") != FORMAT:
            raise ConfigError(f'{where}: no cell; an object with "format": "{FORMAT}" is expected')
        try:
            found = cls.model_validate(graph)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise ConfigError(f"{where}: {place}: {first['msg'][0].lower()}{first['msg'][1:]}") from None
        try:
            found._check()
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None
        return found

    def _check(self):
        given = {INPUT, *self.states}
        names = Counter([INPUT, *self.states, *self.nodes])
        name, count = names.most_common(1)[0]
        if count > 1:
            raise ConfigError(f"{name} is there {count} times; x, states and nodes have names of their own")
        if set(self.after) != set(self.states):
            states = ", ".join(self.states)
            raise ConfigError(f"after: the next value of each state ({states}) is expected, and of no other")
        for name, node in self.nodes.items():
            wanted = 2 if node.op in ARITHMETIC else 1
            if len(node.of) != wanted:
                raise ConfigError(f"node {name}: values that {node.op} takes: {wanted}, not {len(node.of)}")
            if node.op != "linear" and (node.scale or node.bias):
                raise ConfigError(f"node {name}: scale and bias are those of linear, not of {node.op}")
        takes = {**{f"node {name}": node.of for name, node in self.nodes.items()}, "after": self.after.values()}
        for taker, values in takes.items():
            missing = [value for value in values if value not in self.nodes and value not in given]
            if missing:
                raise ConfigError(f"{taker} takes {missing[0]}, which is no node, no state and not x")
        self.order()

    def order(self):
        """Names of the nodes, each behind those that it takes.

        Raises:
            ConfigError: nodes take each other in a circle, which only a state can be part of.
        """
        takes = {name: [value for value in node.of if value in self.nodes] for name, node in self.nodes.items()}
        try:
            return list(TopologicalSorter(takes).static_order())
        except CycleError as error:
            circle = " -> ".join(error.args[1])
            raise ConfigError(f"a loop without a state: {circle}; what comes from the step before is a state") from None

    def ancestors(self, name):
        """All values that a node, or another value, depends on in a step, itself not among them: set[str]."""
        found, open_ = set(), [name]
        while open_:
            node = self.nodes.get(open_.pop())
            for value in node.of if node else ():
                if value not in found:
                    found.add(value)
                    open_.append(value)
        return found

    def pruned(self):
        """The graph without nodes that no next state depends on."""
        used = {value for end in self.after.values() for value in (end, *self.ancestors(end))}
        return self.model_copy(update={"nodes": {name: node for name, node in self.nodes.items() if name in used}})

    def as_dict(self):
        """The graph as `read` takes it, of lists, dicts, texts and numbers; what is at its default is left out."""
        return self.model_dump(mode="json", exclude_defaults=True)


# === The known cells ===


def _graph(states, after, **nodes):
    """A graph of nodes in short form: `"add a b"`."""
    whole = {}
    for name, text in nodes.items():
        op, *of = text.split()
        bias = float(of.pop().removeprefix("bias=")) if of[-1].startswith("bias=") else 0.0
        whole[name] = {"op": op, "of": of, "bias": bias}
    return CellGraph.read({"format": FORMAT, "states": states, "nodes": whole, "after": after})


def _gate(name, nonlinearity, of_state="h", bias=0.0):
    """Nodes of nonlinearity(W x + U h + b)."""
    return {
        f"{name}_x": f"linear x bias={bias}",
        f"{name}_h": f"linear {of_state}",
        f"{name}_sum": f"add {name}_x {name}_h",
        name: f"{nonlinearity} {name}_sum",
    }


# h + z (candidate - h), of a GRU and what was found from it
_UPDATE = {"change": "subtract candidate h", "step": "multiply z change", "new": "add h step"}
_RESET = {"kept": "multiply r h"}
_BEHIND_GATES = {**_RESET, **_gate("candidate", "tanh", "kept"), **_UPDATE}  # of a GRU, MUT2 and MUT3

GRAPHS = {
    "lstm": _graph(
        ["h", "c"],
        {"h": "out", "c": "cell"},
        **_gate("i", "sigmoid"),
        **_gate("f", "sigmoid", bias=1.0),
        **_gate("g", "tanh"),
        **_gate("o", "sigmoid"),
        remembered="multiply f c",
        written="multiply i g",
        cell="add remembered written",
        shown="tanh cell",
        out="multiply o shown",
    ),
    "gru": _graph(["h"], {"h": "new"}, **_gate("z", "sigmoid"), **_gate("r", "sigmoid"), **_BEHIND_GATES),
    "mut1": _graph(
        ["h"],
        {"h": "new"},
        z_x="linear x",
        z="sigmoid z_x",
        **_gate("r", "sigmoid"),
        **_RESET,
        seen="tanh x",
        candidate_h="linear kept",
        candidate_sum="add candidate_h seen",
        candidate="tanh candidate_sum",
        **_UPDATE,
    ),
    "mut2": _graph(
        ["h"],
        {"h": "new"},
        **_gate("z", "sigmoid"),
        r_h="linear h",
        r_sum="add x r_h",
        r="sigmoid r_sum",
        **_BEHIND_GATES,
    ),
    "mut3": _graph(
        ["h"],
        {"h": "new"},
        squashed="tanh h",
        **_gate("z", "sigmoid", "squashed"),
        **_gate("r", "sigmoid"),
        **_BEHIND_GATES,
    ),
}
