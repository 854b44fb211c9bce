"""Attention's scores against the papers' equations in NumPy; the GRU against Keras's."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerazoo.layers.attention import SCORES, Attention, masked_softmax
from kerazoo.layers.gru import GRUCell
from kerazoo.layers.recurrence import scan_time
from kerazoo.utils.errors import ConfigError

RNG = np.random.default_rng(0)
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 1, 0]], bool)


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def weights_of(layer):
    return {variable.name: variable.numpy() for variable in layer.weights}


def score(name, w, s, h):
    """The score of one query and one annotation, as the papers write it."""
    if name in ("bahdanau", "concat"):
        return np.tanh(s @ w["query"] + h @ w["key"]) @ w["vector"][:, 0]
    return s @ h if name == "dot" else s @ (h @ w["kernel"])


@pytest.mark.parametrize("name", SCORES)
def test_context_and_weights_are_the_papers_equations(name):
    query, keys = normal(3, 4), normal(3, 5, 4 if name == "dot" else 6)
    layer = Attention(name, units=7)
    context, weights = layer(query, keys, MASK)
    w = weights_of(layer)
    for b in range(3):
        length = MASK[b].sum()
        e = np.exp([score(name, w, query[b], keys[b, j]) for j in range(length)])
        np.testing.assert_allclose(weights[b, :length], e / e.sum(), rtol=1e-5)
        np.testing.assert_array_equal(weights[b, length:], 0)
        np.testing.assert_allclose(context[b], e / e.sum() @ keys[b, :length], rtol=1e-4, atol=1e-6)


def test_concat_is_one_matrix_over_query_and_annotation():
    query, keys = normal(3, 4), normal(3, 5, 6)
    layer = Attention("concat", units=7)
    _, weights = layer(query, keys)
    w = weights_of(layer)
    both = np.concatenate([np.repeat(query[:, None], 5, axis=1), keys], axis=-1)
    scores = np.tanh(both @ np.concatenate([w["query"], w["key"]])) @ w["vector"][:, 0]
    np.testing.assert_allclose(weights, tf.nn.softmax(scores), rtol=1e-5)


def test_general_with_the_identity_is_dot():
    query, keys = normal(3, 4), normal(3, 5, 4)
    general = Attention("general")
    general.build((None, 4), (None, None, 4))
    general.set_weights([np.eye(4)])
    np.testing.assert_allclose(general(query, keys, MASK)[1], Attention("dot")(query, keys, MASK)[1], rtol=1e-6)


def test_dot_agrees_with_keras():
    query, keys = normal(3, 4), normal(3, 5, 4)
    context, weights = Attention("dot")(query, keys, MASK)
    theirs, their_weights = keras.layers.Attention()(
        [query[:, None], keys], mask=[None, tf.constant(MASK)], return_attention_scores=True
    )
    np.testing.assert_allclose(context, theirs[:, 0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(weights, their_weights[:, 0], rtol=1e-5, atol=1e-6)


def test_projected_keys_may_be_computed_once():
    query, keys = normal(3, 4), normal(3, 5, 6)
    layer = Attention("bahdanau", units=7)
    expected = layer(query, keys, MASK)
    found = layer(query, keys, MASK, projected=layer.project(tf.constant(keys)))
    tf.nest.map_structure(np.testing.assert_array_equal, found, expected)


def test_masked_softmax_is_exact_and_finite():
    weights = masked_softmax(
        tf.constant([[1e4, 2.0, 3.0], [1.0, 2.0, 3.0]], tf.float32), [[False, True, True], [False] * 3]
    )
    np.testing.assert_allclose(weights[0], [0, *(np.exp([2, 3]) / np.exp([2, 3]).sum())], rtol=1e-6)
    np.testing.assert_array_equal(weights[1], 0)


def test_half_precision_weights_still_sum_to_one():
    layer = Attention("bahdanau", units=7, dtype="mixed_bfloat16")
    context, weights = layer(normal(3, 4), normal(3, 5, 6), MASK)
    assert (context.dtype, weights.dtype) == (tf.bfloat16, tf.float32)
    np.testing.assert_allclose(np.sum(weights, axis=1), 1, rtol=1e-6)


def test_errors_of_one_line():
    with pytest.raises(ConfigError, match="score = 'cosine': one of bahdanau, dot, general, concat is expected"):
        Attention("cosine")
    with pytest.raises(ConfigError, match="the query has 4 numbers, an annotation 6; use 'general'"):
        Attention("dot")(normal(3, 4), normal(3, 5, 6))


def test_attention_is_rebuilt_from_its_configuration():
    twin = Attention.from_config(Attention("concat", units=7).get_config())
    assert (twin.score, twin.units) == ("concat", 7)


# === GRU ===


def as_keras(cell):
    """Keras's cell with the same weights: its update gate is one minus ours, that is the sigmoid of the negative."""
    w, units = weights_of(cell), cell.units
    sign = np.concatenate([-np.ones(units), np.ones(2 * units)]).astype("float32")
    twin = keras.layers.GRU(units, reset_after=False, return_sequences=True, return_state=True)
    twin.build((None, None, w["kernel"].shape[0]))
    recurrent = np.concatenate([w["recurrent_gates"], w["recurrent"]], axis=1)
    twin.set_weights([w["kernel"] * sign, recurrent * sign, w["bias"] * sign])
    return twin


@pytest.mark.parametrize("reverse", [False, True])
def test_gru_over_padded_rows_is_keras_over_each_row_alone(reverse):
    cell = GRUCell(4)
    cell.build((None, 3))
    cell.bias.assign(normal(12))
    x = normal(3, 5, 3)
    outputs, (last,) = cell(x, mask=tf.constant(MASK), reverse=reverse)
    twin = as_keras(cell)
    for b in range(3):
        row = x[b, : MASK[b].sum()]
        theirs, their_last = twin((row[::-1] if reverse else row)[None])
        theirs = theirs.numpy()[0]
        np.testing.assert_allclose(outputs[b, : len(row)], theirs[::-1] if reverse else theirs, atol=1e-5)
        np.testing.assert_allclose(last[b], their_last[0], atol=1e-5)


def test_scan_time_gives_the_gradient_of_the_loop_written_out():
    cell = GRUCell(4)
    cell.build((None, 3))
    x = tf.constant(normal(2, 6, 3))

    def loss(states):
        return tf.reduce_sum(tf.stack(states, axis=1) ** 2)

    with tf.GradientTape() as tape:
        states = [tf.zeros((2, 4))]
        for t in range(6):
            states.append(cell.step(cell.project(x[:, t]), (states[-1],))[0])
        expected = loss(states[1:])
    expected_gradients = tape.gradient(expected, cell.trainable_variables)

    @tf.function
    def scanned():
        with tf.GradientTape() as tape:
            outputs, _ = scan_time(cell.step, cell.project(x), cell.zero_state(2))
            found = loss(tf.unstack(outputs, num=6, axis=1))
        return found, tape.gradient(found, cell.trainable_variables)

    found, gradients = scanned()
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    for a, b in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
