"""Stacks of recurrent layers: skips, both directions, rows of unequal length, a state that is carried."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerazoo.layers.stack import CELLS, Stack

UNITS, FEATURES, STEPS, ROWS = 4, 3, 6, 3
LENGTHS = np.array([6, 1, 4])
MASK = np.arange(STEPS) < LENGTHS[:, None]


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def new(cell="gru", num_layers=2, **arguments):
    keras.utils.set_random_seed(0)
    stack = Stack(cell, UNITS, num_layers, **arguments)
    stack.build((None, None, FEATURES))
    return stack


def test_with_skips_every_layer_sees_the_inputs_and_the_output_sees_every_layer():
    stack, x = new(num_layers=3, skip_connections=True), random(ROWS, STEPS, FEATURES)
    outputs, state = stack(x, stack.zero_state(ROWS))
    first, _ = stack.cells[0](x)
    second, _ = stack.cells[1](tf.concat([first, x], axis=-1))
    third, (last,) = stack.cells[2](tf.concat([second, x], axis=-1))
    assert stack.output_dim == 3 * UNITS
    np.testing.assert_allclose(outputs, tf.concat([first, second, third], axis=-1), atol=1e-6)
    np.testing.assert_allclose(state[:, 2, 0], last, atol=1e-6)


def test_both_directions_are_those_of_keras():
    stack, x = new("lstm", 1, bidirectional=True), random(ROWS, STEPS, FEATURES)
    outputs, state = stack(x, stack.zero_state(ROWS))
    twin = keras.layers.Bidirectional(keras.layers.LSTM(UNITS, return_sequences=True, return_state=True))
    twin.build((None, None, FEATURES))
    twin.set_weights([weight for cell in stack.cells for weight in cell.get_weights()])
    expected, *last = twin(x)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    np.testing.assert_allclose(tf.reshape(state, (ROWS, -1)), tf.concat(last, axis=-1), atol=1e-5)


@pytest.mark.parametrize("skip_connections", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_a_padded_row_is_the_row_alone(cell, skip_connections):
    stack, x = new(cell, bidirectional=True, skip_connections=skip_connections), random(ROWS, STEPS, FEATURES)
    outputs, state = stack(x, stack.zero_state(ROWS), MASK)
    assert outputs.shape == (ROWS, STEPS, stack.output_dim)
    for row, length in enumerate(LENGTHS):
        alone, last = stack(x[row : row + 1, :length], stack.zero_state(1))
        np.testing.assert_allclose(outputs[row : row + 1, :length], alone, atol=1e-6)
        np.testing.assert_allclose(state[row : row + 1], last, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_a_sequence_in_two_parts_or_step_by_step_is_the_same_sequence(cell):
    stack, x = new(cell, skip_connections=True), random(ROWS, STEPS, FEATURES)
    outputs, last = stack(x, stack.zero_state(ROWS))
    first, between = stack(x[:, :2], stack.zero_state(ROWS))
    second, after = stack(x[:, 2:], between)
    np.testing.assert_allclose(tf.concat([first, second], axis=1), outputs, atol=1e-6)
    np.testing.assert_allclose(after, last, atol=1e-6)
    state = stack.zero_state(ROWS)
    assert state.shape == last.shape
    for time in range(STEPS):
        output, state = stack.step(x[:, time], state)
        np.testing.assert_allclose(output, outputs[:, time], atol=1e-6)
    np.testing.assert_allclose(state, last, atol=1e-6)


def test_dropout_acts_above_every_layer_on_both_directions_at_once_and_never_between_steps():
    stack, x = new(bidirectional=True), random(ROWS, STEPS, FEATURES)
    seen = []

    def drop(values, stream):
        seen.append((stream, values.shape))
        return tf.zeros_like(values)

    outputs, state = stack(x, stack.zero_state(ROWS), dropout=drop)
    assert seen == [(f"above_gru_{layer}", (ROWS, STEPS, 2 * UNITS)) for layer in (0, 1)]
    assert not np.any(outputs)
    for direction in (0, 1):
        _, (last,) = stack.cells[direction](x, reverse=bool(direction))
        np.testing.assert_allclose(state[:, direction, 0], last, atol=1e-6)


def test_options_reach_every_cell_and_the_configuration():
    stack = new("lstm", options={"variant": "fgr", "peepholes": True, "forget_bias": 2.0}, dtype="mixed_bfloat16")
    assert stack.state_shape == (2, 5, UNITS)
    assert [(cell.variant, cell.forget_bias, cell.compute_dtype) for cell in stack.cells] == [
        ("fgr", 2.0, "bfloat16")
    ] * 2
    assert Stack.from_config(stack.get_config()).get_config() == stack.get_config()
