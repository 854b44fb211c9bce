"""Every recurrent cell against its equations: a loop in NumPy, its numeric gradient, and Keras where Keras has it."""

import contextlib
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.layers.gru import GRUCell
from kerazoo.layers.lstm import LSTM
from kerazoo.layers.mut import MUT1, MUT2, MUT3
from kerazoo.layers.recurrence import Cell
from kerazoo.layers.rnn import RNN
from kerazoo.utils.litert_forms import NativeForms, serving_forms

UNITS, ROWS, STEPS = 3, 2, 4


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def s(x):
    return 1 / (1 + np.exp(-x))


# === The papers' equations: a step (w, x, state) -> state, where w has the weights by name and `x` is a batch ===


def elman(activation, w, x, state):
    return (activation(x @ w["kernel"] + state[0] @ w["recurrent_kernel"] + w["bias"]),)


def gru(reset_after, w, x, state):
    (h,) = state
    wz, wr, wh = np.split(w["kernel"], 3, axis=1)
    bz, br, bh = np.split(w["bias"], 3)
    uz, ur = np.split(w["recurrent_gates"], 2, axis=1)
    z, r = s(x @ wz + h @ uz + bz), s(x @ wr + h @ ur + br)
    if reset_after:
        new = np.tanh(x @ wh + bh + r * (h @ w["recurrent"] + w["recurrent_bias"]))
    else:
        new = np.tanh(x @ wh + bh + (r * h) @ w["recurrent"])
    return ((1 - z) * h + z * new,)


def blocks(w, x, names):
    """W x of the named blocks, and the biases of z, r and h."""
    products = np.split(x @ w["kernel"], len(names), axis=1)
    return {
        **dict(zip(names, products, strict=True)),
        **dict(zip(["bz", "br", "bh"], np.split(w["bias"], 3), strict=True)),
    }


def bare(w, x):
    return x @ w["entry"] if "entry" in w else x


def mut1(w, x, state):
    (h,), b = state, blocks(w, x, "zr")
    z = s(b["z"] + b["bz"])
    r = s(b["r"] + h @ w["recurrent_r"] + b["br"])
    return (np.tanh((r * h) @ w["recurrent_h"] + np.tanh(bare(w, x)) + b["bh"]) * z + h * (1 - z),)


def mut2(w, x, state):
    (h,), b = state, blocks(w, x, "zh")
    z = s(b["z"] + h @ w["recurrent_z"] + b["bz"])
    r = s(bare(w, x) + h @ w["recurrent_r"] + b["br"])
    return (np.tanh((r * h) @ w["recurrent_h"] + b["h"] + b["bh"]) * z + h * (1 - z),)


def mut3(w, x, state):
    (h,), b = state, blocks(w, x, "zrh")
    z = s(b["z"] + np.tanh(h) @ w["recurrent_z"] + b["bz"])
    r = s(b["r"] + h @ w["recurrent_r"] + b["br"])
    return (np.tanh((r * h) @ w["recurrent_h"] + b["h"] + b["bh"]) * z + h * (1 - z),)


def greff(variant, w, x, state):
    """Greff et al. 2017, section 2 and appendix A, in their order: block input, gates, cell, block output."""
    h, c, *before = state
    names = {"nig": "fgo", "nfg": "igo", "nog": "ifg", "cifg": "igo"}.get(variant, "ifgo")
    sums = x @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"]
    a = dict(zip(names, np.split(sums, len(names), axis=1), strict=True))
    gates = [name for name in names if name != "g"]
    p = dict(zip(gates, w.get("peephole", np.zeros((3, UNITS))), strict=False))
    if variant == "fgr":
        for place, name in enumerate("ifo"):
            matrices = w["gate_kernel"][:, place * UNITS : (place + 1) * UNITS].reshape(3, UNITS, UNITS)
            a[name] = a[name] + sum(gate @ matrix for gate, matrix in zip(before, matrices, strict=True))
    one = np.ones_like(c)
    z = a["g"] if variant == "niaf" else np.tanh(a["g"])
    i = one if variant == "nig" else s(a["i"] + p["i"] * c)
    f = {"nfg": lambda: one, "cifg": lambda: one - i}.get(variant, lambda: s(a["f"] + p["f"] * c))()
    c = z * i + c * f
    o = one if variant == "nog" else s(a["o"] + p["o"] * c)
    y = (c if variant == "noaf" else np.tanh(c)) * o
    return (y, c, i, f, o) if variant == "fgr" else (y, c)


def of_lstm(variant, peepholes):
    return functools.partial(LSTM, variant=variant, peepholes=peepholes), functools.partial(greff, variant)


CELLS = {
    "rnn": (RNN, functools.partial(elman, np.tanh)),
    "rnn relu": (functools.partial(RNN, activation="relu"), functools.partial(elman, lambda x: np.maximum(x, 0))),
    "gru": (GRUCell, functools.partial(gru, False)),
    "gru cudnn": (functools.partial(GRUCell, reset_after=True), functools.partial(gru, True)),
    "mut1": (MUT1, mut1),
    "mut2": (MUT2, mut2),
    "mut3": (MUT3, mut3),
    "lstm 1997": of_lstm("nfg", False),
    "lstm": of_lstm(None, False),
    "vanilla": of_lstm(None, True),
    **{name: of_lstm(name, True) for name in ("nig", "nfg", "nog", "niaf", "noaf", "cifg", "fgr")},
}


def built(make, features):
    """A cell whose weights are all random, and they by name, in float64."""
    keras.utils.set_random_seed(0)
    cell = make(UNITS)
    cell.build((None, None, features))
    for index, weight in enumerate(cell.weights):
        weight.assign(0.7 * random(*weight.shape, seed=index))
    return cell, {weight.name: weight.numpy().astype("float64") for weight in cell.weights}


def loop(step, weights, x, state):
    """The outputs of every step, and the last state."""
    outputs = []
    for time in range(x.shape[1]):
        state = step(weights, x[:, time], state)
        outputs.append(state[0])
    return np.stack(outputs, axis=1), state


def loss_of(outputs, state):
    return sum((array**2).sum() for array in (outputs, *state))


def numeric_gradients(step, weights, x, state):
    """By central differences, in float64."""
    found, epsilon = {}, 1e-5
    for name, weight in weights.items():
        found[name] = np.zeros_like(weight)
        for place in np.ndindex(weight.shape):
            sides = []
            for change in (epsilon, -epsilon):
                moved = weight.copy()
                moved[place] += change
                sides.append(loss_of(*loop(step, {**weights, name: moved}, x, state)))
            found[name][place] = (sides[0] - sides[1]) / (2 * epsilon)
    return found


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("features", [UNITS, 2])
def test_a_cell_is_its_equations_and_its_gradient_the_numeric_one(name, features):
    make, step = CELLS[name]
    cell, weights = built(make, features)
    x, state = random(ROWS, STEPS, features, seed=20), cell.zero_state(ROWS)
    given = tuple(random(*vector.shape, seed=21 + index) for index, vector in enumerate(state))
    expected, expected_state = loop(step, weights, x, given)
    with tf.GradientTape() as tape:
        outputs, last = cell(x, given)
        loss = sum(tf.reduce_sum(array**2) for array in (outputs, *last))
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    np.testing.assert_allclose(tf.stack(last), expected_state, atol=1e-5)
    gradients = tape.gradient(loss, [weight.value for weight in cell.weights])
    numeric = numeric_gradients(step, weights, x.astype("float64"), given)
    for weight, gradient in zip(cell.weights, gradients, strict=True):
        scale = np.abs(numeric[weight.name]).max()
        np.testing.assert_allclose(gradient / scale, numeric[weight.name] / scale, atol=1e-5)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_rnn_is_that_of_keras(activation):
    cell, _ = built(functools.partial(RNN, activation=activation), 2)
    twin = keras.layers.SimpleRNN(UNITS, activation=activation, return_sequences=True, return_state=True)
    twin.build((None, None, 2))
    twin.set_weights(cell.get_weights())
    x = random(ROWS, STEPS, 2)
    for found, expected in zip((cell(x)[0], *cell(x)[1]), twin(x), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("reset_after", [False, True])
def test_gru_is_that_of_keras(reset_after):
    """Keras's update gate is one minus ours, the sigmoid of the negative; its second bias of the gates is one with the
    first."""
    cell, weights = built(functools.partial(GRUCell, reset_after=reset_after), 2)
    sign = np.repeat([-1, 1, 1], UNITS)
    recurrent = np.concatenate([weights["recurrent_gates"], weights["recurrent"]], axis=1)
    bias = weights["bias"] * sign
    if reset_after:
        bias = np.stack([bias, np.concatenate([np.zeros(2 * UNITS), weights["recurrent_bias"]])])
    twin = keras.layers.GRU(UNITS, reset_after=reset_after, return_sequences=True, return_state=True)
    twin.build((None, None, 2))
    twin.set_weights([weights["kernel"] * sign, recurrent * sign, bias])
    x = random(ROWS, STEPS, 2)
    for found, expected in zip((cell(x)[0], *cell(x)[1]), twin(x), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


KERAS = {"lstm": (LSTM, keras.layers.LSTM), "gru": (functools.partial(GRUCell, reset_after=True), keras.layers.GRU)}


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Cells are built and run as on a GPU; without one the layers of Keras, which find no cuDNN, run their loops."""
    monkeypatch.setattr(NativeForms, "has_gpu", staticmethod(lambda: True))


@pytest.mark.parametrize("name", KERAS)
@pytest.mark.parametrize("reverse", [False, True])
def test_the_layer_of_keras_that_a_gpu_runs_is_the_same_function(name, reverse, as_on_a_gpu):
    make, layer = KERAS[name]
    cell, _ = built(make, 2)
    assert isinstance(cell.keras_layer(), layer)
    assert [weight.name for weight in cell.weights] == [weight.name for weight in cell.trainable_variables]
    assert not cell.supports_jit
    x = random(ROWS, STEPS, 2, seed=20)
    given = tuple(random(ROWS, UNITS, seed=21 + index) for index in range(len(cell.state_names)))
    found = []
    for context in (contextlib.nullcontext, serving_forms):
        with context(), tf.GradientTape() as tape:
            outputs, last = cell(x, given, reverse=reverse)
            loss = sum(tf.reduce_sum(array**2) for array in (outputs, *last))
        found.append((outputs, *last, *tape.gradient(loss, [weight.value for weight in cell.weights])))
    for by_keras, own in zip(*found, strict=True):
        np.testing.assert_allclose(by_keras, own, atol=1e-5 * np.abs(own).max())


def test_a_model_trains_by_the_layers_of_keras_unless_it_is_traced_for_other_machines(as_on_a_gpu, monkeypatch):
    run, by_keras, losses = Cell.run_keras_layer, [], []
    monkeypatch.setattr(Cell, "run_keras_layer", lambda cell, *given: by_keras.append(cell.name) or run(cell, *given))
    for context, expected in ((contextlib.nullcontext, {"lstm_0", "lstm_1"}), (serving_forms, set())):
        by_keras.clear()
        with context():
            model = kerazoo.create("lstm_char_lm", vocabulary=list("ab"), units=4, sequence_length=4)
            for index, weight in enumerate(model.weights):
                weight.assign(random(*weight.shape, seed=index))
            model.compile(seed=0)
            losses.append(
                model.fit(["abbabaab" * 20], batch_size=4, epochs=2, verbose=0).history["language_model_loss"]
            )
        assert set(by_keras) == expected
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_first_values():
    cells = {
        "irnn": RNN(2, activation="relu", identity_start=True),
        "forget": LSTM(2, forget_bias=3.0),
        "cifg": LSTM(2, variant="cifg", peepholes=True),
        "nig": LSTM(2, variant="nig"),
    }
    for cell in cells.values():
        cell.build((None, None, 3))
    np.testing.assert_array_equal(cells["irnn"].recurrent_kernel, np.eye(2))
    np.testing.assert_array_equal(cells["forget"].bias, [0, 0, 3, 3, 0, 0, 0, 0])
    np.testing.assert_array_equal(cells["cifg"].bias, np.zeros(6))
    np.testing.assert_array_equal(cells["cifg"].peephole, np.zeros((2, 2)))
    np.testing.assert_array_equal(cells["nig"].bias, [1, 1, 0, 0, 0, 0])


def test_inputs_as_long_as_the_state_enter_a_mut_cell_as_they_are():
    names = [
        {weight.name for weight in built(make, features)[0].weights} for make in (MUT1, MUT2) for features in (3, 2)
    ]
    assert ["entry" in found for found in names] == [False, True, False, True]


@pytest.mark.parametrize("name", CELLS)
def test_states_stay_float32_and_close_in_mixed_precision(name):
    make, step = CELLS[name]
    cell, weights = built(functools.partial(make, dtype="mixed_bfloat16"), 2)
    x = random(ROWS, STEPS, 2)
    outputs, state = cell(x)
    assert {array.dtype for array in (outputs, *state)} == {tf.float32}
    np.testing.assert_allclose(outputs, loop(step, weights, x, cell.zero_state(ROWS))[0], atol=0.1)


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_comes_back_from_its_configuration(name):
    cell = CELLS[name][0](UNITS)
    assert type(cell).from_config(cell.get_config()).get_config() == cell.get_config()
