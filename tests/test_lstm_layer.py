"""The LSTM layer against `keras.layers.LSTM`: the same function of the same weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerazoo.layers.lstm import LSTM
from kerazoo.layers.stack import StackedLSTM

UNITS, FEATURES, STEPS, ROWS = 5, 3, 7, 4


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


@pytest.fixture(scope="module")
def layers():
    """Our layer and Keras's, with one set of weights."""
    keras.utils.set_random_seed(0)
    ours = LSTM(UNITS)
    ours.build((None, None, FEATURES))
    ours.bias.assign(ours.bias + random(4 * UNITS))
    theirs = keras.layers.LSTM(UNITS, return_sequences=True, return_state=True)
    theirs.build((None, None, FEATURES))
    theirs.set_weights(ours.get_weights())
    return ours, theirs


@pytest.mark.parametrize("given", [False, True])
def test_outputs_and_states_are_those_of_keras(layers, given):
    ours, theirs = layers
    x, state = random(ROWS, STEPS, FEATURES), [random(ROWS, UNITS, seed=i) for i in (1, 2)] if given else None
    outputs, (h, c) = ours(x, state)
    expected = theirs(x, initial_state=state)
    for found, wanted in zip((outputs, h, c), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_gradients_are_those_of_keras(layers):
    ours, theirs = layers
    x, state = tf.constant(random(ROWS, STEPS, FEATURES)), [tf.constant(random(ROWS, UNITS, seed=i)) for i in (1, 2)]

    def gradients(layer, variables):
        @tf.function
        def compute():
            with tf.GradientTape() as tape:
                tape.watch([x, *state])
                outputs, *last = tf.nest.flatten(layer(x, initial_state=state))
                loss = tf.reduce_sum(outputs**2) + tf.reduce_sum(last[0] * 3.0) + tf.reduce_sum(last[1] ** 3)
            return tape.gradient(loss, [x, *state, *[variable.value for variable in variables]])

        return compute()

    found, expected = gradients(ours, ours.weights), gradients(theirs, theirs.weights)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_a_mask_holds_the_state(layers):
    x = random(ROWS, STEPS, FEATURES)
    lengths = np.array([7, 4, 1, 5])
    _, (h, c) = layers[0](x, mask=np.arange(STEPS) < lengths[:, None])
    for row, length in enumerate(lengths):
        _, (h_alone, c_alone) = layers[0](x[row : row + 1, :length])
        np.testing.assert_allclose(h[row], h_alone[0], atol=1e-6)
        np.testing.assert_allclose(c[row], c_alone[0], atol=1e-6)


def test_the_bias_of_a_fresh_layer_is_one_for_the_forget_gate_alone():
    layer = LSTM(2)
    layer.build((None, None, 3))
    np.testing.assert_array_equal(layer.bias, [0, 0, 1, 1, 0, 0, 0, 0])


def test_states_stay_float32_in_mixed_precision():
    stack = StackedLSTM(UNITS, 2, dtype="mixed_bfloat16")
    outputs, state = stack(random(ROWS, STEPS, FEATURES), stack.zero_state(ROWS))
    assert outputs.dtype == state.dtype == tf.float32
    assert {weight.dtype for weight in stack.weights} == {"float32"}


def test_a_sequence_in_two_parts_or_step_by_step_is_the_same_sequence():
    stack, x = StackedLSTM(UNITS, 2), random(ROWS, STEPS, FEATURES)
    outputs, last = stack(x, stack.zero_state(ROWS))
    first, between = stack(x[:, :3], stack.zero_state(ROWS))
    second, after = stack(x[:, 3:], between)
    np.testing.assert_allclose(tf.concat([first, second], axis=1), outputs, atol=1e-6)
    np.testing.assert_allclose(after, last, atol=1e-6)
    state = stack.zero_state(ROWS)
    for time in range(STEPS):
        output, state = stack.step(x[:, time], state)
        np.testing.assert_allclose(output, outputs[:, time], atol=1e-6)
    np.testing.assert_allclose(state, last, atol=1e-6)


def test_dropout_acts_between_layers_and_on_the_outputs_never_on_the_state():
    stack, x = StackedLSTM(UNITS, 3), random(ROWS, STEPS, FEATURES)
    seen = []

    def drop(values, stream):
        seen.append((stream, values.shape))
        return tf.zeros_like(values)

    outputs, state = stack(x, stack.zero_state(ROWS), dropout=drop)
    assert seen == [(f"above_lstm_{index}", (ROWS, STEPS, UNITS)) for index in range(3)]
    assert not np.any(outputs)
    _, (h, c) = stack.lstms[0](x)
    np.testing.assert_allclose(state[:, 0], tf.stack([h, c], axis=1), atol=1e-6)


def test_layers_come_back_from_their_configuration():
    stack = StackedLSTM(UNITS, 2, dtype="mixed_bfloat16")
    assert StackedLSTM.from_config(stack.get_config()).get_config() == stack.get_config()
