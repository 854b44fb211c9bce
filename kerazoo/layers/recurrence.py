"""Running a recurrence over time, in the graph."""

import tensorflow as tf

from kerazoo.utils.litert_forms import forms, size_of


def no_dropout(x, stream):
    """Dropout outside of training: the identity."""
    return x


def scan_time(step, inputs, state, mask=None, *, reverse=False):
    """Run a recurrence over the second axis, in the graph and for any length.

    Args:
        step: callable `(inputs of one step, state) -> (outputs of that step, state)`; nests of tensors.
        inputs: nest of tensors, shape `(batch, steps, ...)`.
        state: nest of tensors, shape `(batch, ...)`. The state before the first step.
        mask: boolean tensor, shape `(batch, steps)`, or None. Where it is False the state is carried on unchanged.
            Defaults to None.
        reverse: bool. Whether to go from the last step to the first. A row's padding comes first then, and leaves it
            in its first state. Defaults to False.

    Returns:
        tuple. The outputs, a nest of `(batch, steps, ...)` in the order of the inputs, and the last state.
    """
    num_steps = size_of(tf.nest.flatten(inputs)[0], 1)
    masks = () if mask is None else (tf.expand_dims(mask, -1),)
    given = tf.nest.map_structure(lambda x: forms().array_of(_swap(x)), (inputs, masks))
    # One step outside of the loop shows the outputs' structure; the graph drops its computation.
    example = step(tf.nest.map_structure(lambda x: x[:, 0], inputs), state)[0]
    outputs = tf.nest.map_structure(lambda x: forms().array_like(x, num_steps), example)

    def body(index, state, outputs):
        time = num_steps - 1 - index if reverse else index
        now, keep = tf.nest.map_structure(lambda array: array.read(time), given)
        output, new = step(now, state)
        for alive in keep:
            new = tf.nest.map_structure(lambda a, b, alive=alive: tf.where(alive, a, b), new, state)
        outputs = tf.nest.map_structure(lambda array, value: array.write(time, value), outputs, output)
        return index + 1, new, outputs

    _, state, outputs = tf.while_loop(
        lambda index, *_: index < num_steps, body, (0, state, outputs), maximum_iterations=num_steps
    )
    return tf.nest.map_structure(lambda array: _swap(array.stack()), outputs), state


def _swap(x):
    return tf.transpose(x, [1, 0, *range(2, len(x.shape))])
