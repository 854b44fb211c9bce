"""Changes of a cell's graph: each makes a cell, and the same draw the same one."""

import numpy as np
import pytest

from kerazoo.base.cell_graph import GRAPHS, INPUT, CellGraph
from kerazoo.layers.graph_cell import GraphCell
from kerazoo.training import cell_mutations
from kerazoo.training.cell_mutations import TRANSFORMATIONS, is_recurrent, mutate, renamed


@pytest.mark.parametrize("change", TRANSFORMATIONS, ids=lambda change: change.__name__)
def test_a_transformation_keeps_a_graph_whole(change):
    """Of every node of every known cell, many times: no circle, no value that there is not."""
    rng, changed = np.random.default_rng(0), 0
    for graph in GRAPHS.values():
        for name in graph.nodes:
            for _ in range(5):
                found = change(graph, name, rng)
                assert CellGraph.read(found.as_dict()) == found
                changed += found != graph
    assert changed > 50


def test_transformations_do_what_they_say():
    rng, gru = np.random.default_rng(0), GRAPHS["gru"]
    assert {cell_mutations.other_function(gru, "z", rng).nodes["z"].of for _ in range(9)} == {("z_sum",)}
    scales = {cell_mutations.other_function(gru, "z", rng).nodes["z"].scale for _ in range(60)}
    assert scales == {0.0, 0.9, 1.0, 1.1}
    assert cell_mutations.other_operation(gru, "z", rng) == gru
    ops = {cell_mutations.other_operation(gru, "step", rng).nodes["step"].op for _ in range(30)}
    assert ops == {"add", "multiply", "subtract"}
    assert cell_mutations.removed(gru, "z", rng).nodes["step"].of == ("z_sum", "change")
    assert cell_mutations.removed(gru, "step", rng) == gru
    assert cell_mutations.ancestor_instead(gru, "new", rng).after["h"] in gru.ancestors("new")
    longer = cell_mutations.function_before(gru, "z", rng)
    (fresh,) = set(longer.nodes) - set(gru.nodes)
    assert (longer.nodes["z"].of, longer.nodes[fresh].of) == ((fresh,), ("z_sum",))
    assert longer.nodes["z"].op == "sigmoid"


def test_mutations_are_cells_of_their_own_and_repeat():
    found = [mutate(GRAPHS["gru"], np.random.default_rng([0, index])) for index in range(40)]
    assert found == [mutate(GRAPHS["gru"], np.random.default_rng([0, index])) for index in range(40)]
    assert len({str(graph.as_dict()) for graph in found}) >= 39
    for graph in found:
        assert CellGraph.read(graph.as_dict()) == graph
        assert is_recurrent(graph)
        assert graph != renamed(GRAPHS["gru"])
    x = np.ones((2, 3, 4), "float32")
    for graph in found[:5]:
        outputs, _ = GraphCell(5, graph)(x)
        assert outputs.shape == (2, 3, 5)


def test_a_chain_of_mutations_stays_in_bounds():
    graph, rng = GRAPHS["lstm"], np.random.default_rng(0)
    for _ in range(100):
        graph = mutate(graph, rng)
        assert 1 <= len(graph.nodes) <= cell_mutations.LARGEST


def test_what_is_no_recurrent_network():
    graph = GRAPHS["lstm"].as_dict()
    assert is_recurrent(CellGraph.read(graph))
    graph["nodes"]["out"]["of"] = ["o", "o"]  # the cell is seen no more
    assert not is_recurrent(CellGraph.read(graph))
    deaf = {
        "format": graph["format"],
        "states": ["h"],
        "nodes": {"a": {"op": "tanh", "of": ["h"]}},
        "after": {"h": "a"},
    }
    assert not is_recurrent(CellGraph.read(deaf))
    blind = {**deaf, "nodes": {"a": {"op": "tanh", "of": [INPUT]}}}
    assert not is_recurrent(CellGraph.read(blind))
