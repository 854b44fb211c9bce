"""Cells as graphs: known ones equal their hand-written layers, broken ones are one line."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.base.cell_graph import FORMAT, GRAPHS, CellGraph
from kerazoo.layers.graph_cell import GraphCell
from kerazoo.layers.gru import GRUCell
from kerazoo.layers.mut import MUT1, MUT2, MUT3
from kerazoo.utils.errors import ConfigError, DataError

UNITS = 4
# Where the hand-written layer keeps the weights of a node: (kernel, bias), each by attribute and block of columns.
OF_H = {"z_h": "recurrent_z", "r_h": "recurrent_r", "candidate_h": "recurrent_h"}
LAYERS = {"mut1": MUT1, "mut2": MUT2, "mut3": MUT3}


def filled(layer, features, seed=0):
    """A built layer with weights that are no one's first values."""
    layer.build((None, None, features))
    rng = np.random.default_rng(seed)
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape))
    return layer


def graph_of(name, features, weights):
    """The graph's layer with weights by node: (kernel, bias or None)."""
    cell = GraphCell(UNITS, GRAPHS[name])
    cell.build((None, None, features))
    assert set(cell.kernels) == set(weights)
    for node, (kernel, bias) in weights.items():
        cell.kernels[node].assign(kernel)
        cell.biases[node].assign(np.zeros(UNITS) if bias is None else bias)
    return cell


def assert_alike(cell, layer, features):
    x = np.random.default_rng(1).normal(size=(3, 6, features)).astype("float32")
    for found, expected in zip(tf.nest.flatten(cell(x)), tf.nest.flatten(layer(x)), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def columns(weight, block):
    return weight.numpy()[..., block * UNITS : (block + 1) * UNITS]


@pytest.mark.parametrize("features", [3, UNITS])
@pytest.mark.parametrize("name", sorted(LAYERS))
def test_the_cells_that_the_search_found(name, features):
    layer = filled(LAYERS[name](UNITS), features)
    weights = {
        f"{'candidate' if block == 'h' else block}_x": [columns(layer.kernel, place), None]
        for place, block in enumerate(layer.weighted)
    }
    weights |= {node: [getattr(layer, of).numpy(), None] for node, of in OF_H.items() if of in layer.recurrent}
    for place, block in enumerate(("z", "r", "candidate")):
        weights[f"{block}_x" if f"{block}_x" in weights else f"{block}_h"][1] = columns(layer.bias, place)
    cell = graph_of(name, features, weights)
    if layer.entry is not None:
        cell.entry.assign(layer.entry)
    assert (cell.entry is None) == (layer.entry is None)
    assert_alike(cell, layer, features)


def test_the_gated_recurrent_unit():
    layer = filled(GRUCell(UNITS), 3)
    gates, kernel = layer.recurrent_gates, layer.recurrent
    of_h = {"z_h": columns(gates, 0), "r_h": columns(gates, 1), "candidate_h": kernel.numpy()}
    weights = {node: (value, None) for node, value in of_h.items()}
    for place, node in enumerate(("z_x", "r_x", "candidate_x")):
        weights[node] = columns(layer.kernel, place), columns(layer.bias, place)
    assert_alike(graph_of("gru", 3, weights), layer, 3)


def test_the_long_short_term_memory_is_keras_own():
    keras.utils.set_random_seed(0)
    layer = keras.layers.LSTM(UNITS, return_sequences=True, return_state=True)
    layer.build((None, None, 3))
    kernel, recurrent, bias = layer.cell.kernel, layer.cell.recurrent_kernel, layer.cell.bias
    bias.assign(np.random.default_rng(0).normal(size=bias.shape))
    weights = {}
    for place, gate in enumerate("ifgo"):
        weights[f"{gate}_x"] = columns(kernel, place), columns(bias, place)
        weights[f"{gate}_h"] = columns(recurrent, place), None
    assert_alike(graph_of("lstm", 3, weights), layer, 3)


def test_first_values():
    nodes = {
        "near": {"op": "linear", "of": ["h"], "scale": 0.9, "bias": 2.0},
        "seen": {"op": "add", "of": ["near", "x"]},
    }
    cell = GraphCell(5, {"format": FORMAT, "states": ["h"], "nodes": nodes, "after": {"h": "seen"}})
    cell.build((None, None, 5))
    np.testing.assert_allclose(cell.kernels["near"], 0.9 * np.eye(5), atol=0.06)
    np.testing.assert_allclose(cell.biases["near"], 2)
    forget = GraphCell(5, GRAPHS["lstm"])
    forget.build((None, None, 3))
    np.testing.assert_allclose(forget.biases["f_x"], 1)


def test_a_graph_is_the_same_after_json_and_a_cell_after_its_configuration(tmp_path):
    for graph in GRAPHS.values():
        (tmp_path / "graph.json").write_text(json.dumps(graph.as_dict()))
        assert CellGraph.read(tmp_path / "graph.json") == graph
    cell = filled(GraphCell(UNITS, GRAPHS["mut2"]), 3)
    twin = GraphCell.from_config(json.loads(json.dumps(cell.get_config())))
    twin.build((None, None, 3))
    twin.set_weights(cell.get_weights())
    assert_alike(twin, cell, 3)


def test_what_nothing_depends_on_is_no_part_of_a_cell():
    graph = GRAPHS["gru"].as_dict()
    graph["nodes"]["idle"] = {"op": "linear", "of": ["new"]}
    assert CellGraph.read(graph).pruned() == GRAPHS["gru"]
    assert "idle" not in GraphCell(3, graph).graph.nodes


def test_padding_carries_states_on_and_bfloat16_keeps_them_in_float32():
    cell = GraphCell(UNITS, GRAPHS["lstm"], dtype="mixed_bfloat16")
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    outputs, (h, _) = cell(x, mask=np.arange(5) < np.array([[3], [5]]))
    np.testing.assert_allclose(h[0], outputs[0, 2], atol=1e-6)
    assert {value.dtype for value in tf.nest.flatten((outputs, h))} == {tf.float32}


def broken(change):
    graph = GRAPHS["gru"].as_dict()
    change(graph)
    return graph


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g.update(format="dot"), "no cell; an object with"),
        (lambda g: g.pop("states"), "states: field required"),
        (lambda g: g["nodes"]["z"].update(op="cosine"), "nodes.z.op: input should be"),
        (lambda g: g["nodes"]["z"].update(of=["zsum"]), "node z takes zsum, which is no node"),
        (lambda g: g["nodes"]["z_sum"].update(of=["z_x"]), "node z_sum: values that add takes: 2, not 1"),
        (lambda g: g["nodes"]["z_x"].update(of=["new"]), "a loop without a state: .* -> "),
        (lambda g: g["nodes"].update(h={"op": "tanh", "of": ["x"]}), "h is there 2 times"),
        (lambda g: g.update(after={}), r"after: the next value of each state \(h\)"),
        (lambda g: g["after"].update(h="nowhere"), "after takes nowhere"),
        (lambda g: g["nodes"]["z"].update(scale=1.0), "node z: scale and bias are those of linear"),
        (lambda g: g["nodes"].update({"1": {"op": "tanh", "of": ["x"]}}), "nodes.1"),
    ],
)
def test_a_broken_graph_is_one_line(change, message):
    with pytest.raises(ConfigError, match=message) as caught:
        CellGraph.read(broken(change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "message"), [("{", "no JSON"), ("[" * 5000, "no JSON"), ("[]", "no cell")])
def test_a_file_that_holds_no_graph_is_one_line(text, message, tmp_path):
    (tmp_path / "graph.json").write_text(text)
    with pytest.raises((ConfigError, DataError), match=message):
        CellGraph.read(tmp_path / "graph.json")
    with pytest.raises(DataError, match=r"nothing\.json"):
        CellGraph.read(tmp_path / "nothing.json")


def test_a_language_model_takes_a_graph_and_holds_it(tmp_path):
    (tmp_path / "graph.json").write_text(json.dumps(GRAPHS["mut1"].as_dict()))
    arguments = {"vocabulary": list("abc"), "units": 6, "num_layers": 2, "sequence_length": 5}
    model = kerazoo.create("lstm_char_lm", cell=str(tmp_path / "graph.json"), **arguments)
    model.compile(seed=0)
    losses = model.fit(["abcab" * 30], batch_size=2, epochs=3, verbose=0).history["language_model_loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    (tmp_path / "graph.json").unlink()
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert CellGraph.read(loaded.cell) == GRAPHS["mut1"]
    assert loaded.generate("ab", 20, seed=0) == model.generate("ab", 20, seed=0)
    with pytest.raises(ConfigError, match=r"cell = .*graph\.json"):
        kerazoo.create("lstm_char_lm", cell=str(tmp_path / "graph.json"), **arguments)
    with pytest.raises(ConfigError, match=r"cell = .*no cell"):
        kerazoo.create("lstm_char_lm", cell={"nodes": {}}, **arguments)
