"""The graphs that TensorFlow really executes, after its optimizers, and the order that is left in them."""

import collections
import contextlib
import itertools

import numpy as np
import scipy.sparse
from tensorflow.python.eager import context

READ = "ReadVariableOp"
ACCESSES = (READ, "AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp")


@contextlib.contextmanager
def executed_graphs():
    """A list that has, after the block, the optimized graph of each function that first ran in it."""
    with context.collect_graphs(optimized=True) as graphs:
        yield graphs


def unordered(graph):
    """Pairs of operations on one variable, at least one of which writes, that may run in either order.

    A step with such a pair gives another result now and then, by chance.
    """
    nodes = {node.name: node for node in graph.node}
    ancestors = _ancestors(nodes)
    accesses = collections.defaultdict(list)
    for node in graph.node:
        if node.op in ACCESSES:
            accesses[_source(nodes, node.input[0])].append(node)
    return [
        (a.name, b.name)
        for group in accesses.values()
        for a, b in itertools.combinations(group, 2)
        if (a.op, b.op) != (READ, READ) and not ancestors(a.name, b.name) and not ancestors(b.name, a.name)
    ]


def _ancestors(nodes):
    """A function of two names: whether the first node always runs before the second, or in a loop with it."""
    place = {name: i for i, name in enumerate(nodes)}
    edges = [(place[_name(i)], place[node.name]) for node in nodes.values() for i in node.input]
    begin, end = np.array(edges, int).reshape(-1, 2).T
    matrix = scipy.sparse.coo_array((np.ones(len(edges)), (begin, end)), shape=(len(nodes), len(nodes)))
    # The turns of a loop are one component, without which there are no cycles.
    _, component = scipy.sparse.csgraph.connected_components(matrix, directed=True, connection="strong")
    inputs = collections.defaultdict(set)
    for a, b in zip(component[begin], component[end], strict=True):
        if a != b:
            inputs[b].add(int(a))
    before = {}  # component -> all that it waits for, as the bits of an integer

    def found(wanted):
        waiting = [wanted]
        while waiting:
            missing = [i for i in inputs[waiting[-1]] if i not in before]
            waiting.extend(missing)
            if not missing:
                at = waiting.pop()
                before[at] = 1 << at
                for i in inputs[at]:
                    before[at] |= before[i]
        return before[wanted]

    return lambda a, b: bool(found(int(component[place[b]])) >> int(component[place[a]]) & 1)


def _name(name):
    return name.lstrip("^").split(":")[0]


def _source(nodes, name):
    """The argument that a handle of a variable comes from."""
    node = nodes[_name(name)]
    while node.op == "Identity":
        node = nodes[_name(node.input[0])]
    return node.name
