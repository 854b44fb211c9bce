"""Changes of a cell's graph, by which a search finds new cells (Jozefowicz et al. 2015)."""

from kerazoo.base.cell_graph import ACTIVATIONS, ARITHMETIC, INPUT, Node

# The paper's activation functions: Linear(a, x) adds a to the diagonal of a small random matrix.
LINEAR = tuple({"op": "linear", "scale": scale} for scale in (0.0, 1.0, 0.9, 1.1))
FUNCTIONS = ({"op": "tanh"}, {"op": "sigmoid"}, {"op": "relu"}, *LINEAR)
LARGEST = 60  # nodes of a cell that is worth a training
TRIALS = 1000


def mutate(graph, rng):
    """A cell near another one.

    A probability is drawn, and with it each node goes through one of the paper's transformations: another activation
    function, another element-wise operation, an activation function or an operation put before it, its removal, an
    ancestor in its place, or the sum, product or difference of an ancestor of its own and one of another node. What is
    no recurrent network any more, too large or the same is drawn again.

    Args:
        graph: CellGraph.
        rng: np.random.Generator. The same state gives the same cell.

    Returns:
        CellGraph. Without nodes that nothing depends on.

    Example:
        >>> from kerazoo.base.cell_graph import GRAPHS
        >>> mutate(GRAPHS["gru"], np.random.default_rng(0)) == GRAPHS["gru"]
        False

    Source: Jozefowicz, Zaremba and Sutskever 2015, "An Empirical Exploration of Recurrent Network Architectures", ICML,
    section 3.3.
    """
    for _ in range(TRIALS):
        probability, changed = rng.random(), graph
        for name in graph.nodes:
            if name in changed.nodes and rng.random() < probability:
                changed = TRANSFORMATIONS[rng.integers(len(TRANSFORMATIONS))](changed, name, rng)
        changed = renamed(changed.pruned())
        if changed != renamed(graph) and is_recurrent(changed) and len(changed.nodes) <= LARGEST:
            return changed
    raise AssertionError(f"no change in {TRIALS} trials")


def is_recurrent(graph):
    """Whether the inputs and every vector of the state reach the output, at once or over further steps."""
    reached, open_ = set(), [graph.states[0]]
    while open_:
        end = graph.after[open_.pop()]
        for value in {end, *graph.ancestors(end)} - reached:
            reached.add(value)
            open_ += [value] if value in graph.states else []
    return reached >= {INPUT, *graph.states}


def renamed(graph):
    """The graph whose nodes are called n1, n2, ... in their order, so that equal cells are equal graphs."""
    names = {old: f"n{index + 1}" for index, old in enumerate(graph.order())}
    nodes = {
        new: graph.nodes[old].model_copy(update={"of": tuple(names.get(value, value) for value in graph.nodes[old].of)})
        for old, new in names.items()
    }
    return _with(graph, nodes, {state: names.get(end, end) for state, end in graph.after.items()})


# === Transformations of one node; a node that one does not fit stays as it is ===


def other_function(graph, name, rng):
    """(a) Another activation function."""
    node = graph.nodes[name]
    return _replaced(graph, name, _function(node.of, rng)) if node.op in ACTIVATIONS else graph


def other_operation(graph, name, rng):
    """(b) Another element-wise operation."""
    node = graph.nodes[name]
    return _replaced(graph, name, _operation(node.of, rng)) if node.op in ARITHMETIC else graph


def function_before(graph, name, rng):
    """(c) An activation function between the node and one of its parents."""
    return _put_before(graph, name, rng, lambda parent: _function((parent,), rng))


def operation_before(graph, name, rng):
    """(d) An element-wise operation, with an ancestor, between the node and one of its parents."""
    return _put_before(graph, name, rng, lambda parent: _operation((parent, _ancestor(graph, name, rng)), rng))


def removed(graph, name, rng):
    """(e) No node, if it has one parent, which takes its place."""
    node = graph.nodes[name]
    return _redirected(graph, name, node.of[0]) if len(node.of) == 1 else graph


def ancestor_instead(graph, name, rng):
    """(f) An ancestor in the node's place."""
    return _redirected(graph, name, _ancestor(graph, name, rng))


def combination_instead(graph, name, rng):
    """(g) The sum, product or difference of two ancestors, its own and another node's that does not depend on it."""
    other = sorted(graph.nodes)[rng.integers(len(graph.nodes))]
    free = [v for v in sorted(graph.ancestors(other)) if v != name and name not in graph.ancestors(v)]
    second = free[rng.integers(len(free))] if free else INPUT
    return _replaced(graph, name, _operation((_ancestor(graph, name, rng), second), rng))


TRANSFORMATIONS = (
    other_function,
    other_operation,
    function_before,
    operation_before,
    removed,
    ancestor_instead,
    combination_instead,
)


def _function(of, rng):
    return Node(**FUNCTIONS[rng.integers(len(FUNCTIONS))], of=of)


def _operation(of, rng):
    return Node(op=ARITHMETIC[rng.integers(len(ARITHMETIC))], of=of)


def _ancestor(graph, name, rng):
    ancestors = sorted(graph.ancestors(name))
    return ancestors[rng.integers(len(ancestors))]


def _put_before(graph, name, rng, make):
    node, fresh = graph.nodes[name], f"m{len(graph.nodes)}{name}"[:40]
    place = rng.integers(len(node.of))
    of = tuple(fresh if index == place else value for index, value in enumerate(node.of))
    nodes = {**graph.nodes, fresh: make(node.of[place]), name: node.model_copy(update={"of": of})}
    return _with(graph, nodes, graph.after)


def _replaced(graph, name, node):
    return _with(graph, {**graph.nodes, name: node}, graph.after)


def _redirected(graph, name, to):
    """The graph in which all that took a node takes another value."""
    nodes = {
        other: node.model_copy(update={"of": tuple(to if value == name else value for value in node.of)})
        for other, node in graph.nodes.items()
        if other != name
    }
    return _with(graph, nodes, {state: to if end == name else end for state, end in graph.after.items()})


def _with(graph, nodes, after):
    return graph.model_copy(update={"nodes": nodes, "after": dict(after)})
