"""Recurrences: the base of the cells, and the loop over time that runs them in the graph."""

import keras
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


class Cell(keras.layers.Layer):
    """Base of the recurrent cells: a cell is its equations, the vectors of its state and its first values.

    A subclass makes its weights in `build`, and writes `advance`, the equations of a step; `weights_of_a_step`, what
    they take besides the inputs and the state; `state_names`, if there is more than h; and `project`, where the inputs
    contribute something else than W x + b. The rest is here: products with x are computed for all steps at once, the
    steps run in `scan_time`, for any length, in either direction, over padded rows. States are float32 in every
    precision; the matrix products use the layer's compute dtype. On a GPU a cell that Keras has, too, runs by cuDNN in
    float32, over rows without padding (`build_keras_layer`); what is exported never does.

    Args:
        units: int. Length of each vector of the state.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.
    """

    state_names: tuple[str, ...] = ("h",)  # the first one is the output
    keras_layer = None

    def __init__(self, units, **kwargs):
        super().__init__(autocast=False, **kwargs)  # states stay float32
        self.supports_masking = True
        self.units = units

    def add_weight(self, *args, **kwargs):
        """As `keras.layers.Layer.add_weight`, of a weight that is cast only where a product takes it."""
        return super().add_weight(*args, autocast=False, **kwargs)

    def zero_state(self, rows):
        """The state before a sequence.

        Args:
            rows: int or scalar tensor. How many sequences.

        Returns:
            tuple of tf.Tensor. One of `state_names` each: zeros, float32, shape `(rows, units)`.
        """
        return tuple(tf.zeros([rows, self.units]) for _ in self.state_names)

    def project(self, x):
        """What the inputs contribute to a step, for all steps at once.

        Args:
            x: tensor, shape `(..., features)`.

        Returns:
            tf.Tensor. W x + b, float32, shape `(..., width)`.
        """
        return matmul(x, self.kernel, self.compute_dtype) + tf.cast(self.bias, tf.float32)

    def weights_of_a_step(self):
        """The weights that a step takes, cast: once for all steps of a loop."""
        return (self.cast(self.recurrent_kernel),)

    def build_keras_layer(self, kind, input_shape):
        """Where there is a GPU, have a layer of Keras at hand, which computes the same function by cuDNN.

        A subclass calls this at the end of `build`, if Keras has such a layer, and writes `weights_of_keras_layer`.

        Args:
            kind: type. `keras.layers.LSTM` or `keras.layers.GRU`.
            input_shape: tuple.
        """
        if forms().has_gpu() and self.compute_dtype == "float32":
            layer = kind(self.units, return_sequences=True, return_state=True, dtype="float32")
            layer.build(input_shape)
            self.supports_jit = False  # XLA has no cuDNN
            self.keras_layer = lambda: layer  # behind a function Keras does not count its weights as ours

    def weights_of_keras_layer(self):
        """This cell's weights in the form that the layer of `build_keras_layer` has: a list of tensors."""
        raise NotImplementedError(f"{type(self).__name__} has no layer of Keras")

    def run_keras_layer(self, inputs, state, reverse=False):
        """Run over a sequence with the layer of Keras; arguments and results as for `call`."""
        layer = self.keras_layer()
        weights, unused = self.weights_of_keras_layer(), layer.non_trainable_variables  # a seed of dropout
        ordered = tf.reverse(inputs, [1]) if reverse else inputs
        (outputs, *state), _ = layer.stateless_call(weights, unused, ordered, initial_state=list(state))
        return tf.reverse(outputs, [1]) if reverse else outputs, tuple(state)

    def advance(self, projected, state, *weights):
        """The equations of a step.

        Args:
            projected: tensor, shape `(batch, width)`. One step of `project`.
            state: tuple of tensors, float32, shape `(batch, units)` each. The state before.
            *weights: tensors. Those of `weights_of_a_step`.

        Returns:
            tuple of tensors. The state after, like `state`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no equations")

    def step(self, projected, state):
        """One step alone.

        Args:
            projected: tensor, shape `(batch, width)`. One step of `project`.
            state: tuple of tensors, float32, shape `(batch, units)` each. The state before.

        Returns:
            tuple. The output, which is the first vector of the state, and the state after the step.
        """
        state = self.advance(projected, state, *self.weights_of_a_step())
        return state[0], state

    def call(self, inputs, initial_state=None, mask=None, reverse=False, truncation=None):
        """Run over a sequence.

        Args:
            inputs: tensor, shape `(batch, steps, features)`.
            initial_state: tuple of tensors, shape `(batch, units)` each, or None for zeros. Defaults to None.
            mask: boolean tensor, shape `(batch, steps)`, or None. Where it is False the state is carried on unchanged.
                Defaults to None.
            reverse: bool. Whether to go from the last step to the first. Defaults to False.
            truncation: int or None. Number of steps after which the gradient stops, while the state goes on. Defaults
                to None, it flows through all.

        Returns:
            tuple. The output of every step, float32, shape `(batch, steps, units)`, and the last state.
        """
        state = self.zero_state(tf.shape(inputs)[0]) if initial_state is None else tuple(initial_state)
        if self.keras_layer and forms().has_gpu() and mask is None and truncation is None:
            return self.run_keras_layer(inputs, state, reverse)
        weights = self.weights_of_a_step()

        def step(projected, state):
            state = self.advance(projected, state, *weights)
            return state[0], state

        projected = self.project(inputs)
        if truncation is None:
            return scan_time(step, projected, state, mask, reverse=reverse)
        return scan_time(_cut_off(step), (projected, _cuts(projected, truncation)), state, mask, reverse=reverse)

    def cast(self, weight):
        """A weight in the compute dtype."""
        return tf.cast(weight, self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def _cuts(projected, truncation):
    """Whether each step begins a window of `truncation` steps: bool `(batch, steps, 1)`."""
    rows, steps = tf.shape(projected)[0], tf.shape(projected)[1]
    return tf.tile((tf.range(steps) % truncation == 0)[None, :, None], [rows, 1, 1])


def _cut_off(step):
    """`step`, whose inputs are joined by whether the gradient stops before it."""

    def cut(inputs, state):
        projected, here = inputs
        return step(projected, tuple(tf.where(here, tf.stop_gradient(part), part) for part in state))

    return cut


def matmul(x, kernel, dtype):
    """`x @ kernel` over the last axis, computed in `dtype` and returned in float32."""
    # Not tf.matmul, whose gradient for a kernel of fewer axes is one matrix for each example, summed at the end.
    return tf.cast(tf.tensordot(tf.cast(x, dtype), tf.cast(kernel, dtype), 1), tf.float32)


def recur(vector, kernel):
    """The product of a state's vector `(batch, units)` and a cast weight, returned in float32."""
    return tf.cast(tf.matmul(tf.cast(vector, kernel.dtype), kernel), tf.float32)
