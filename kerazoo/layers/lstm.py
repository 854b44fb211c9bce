"""Long short-term memory, one layer or several, with the input's part computed for all steps at once."""

import keras
import tensorflow as tf

from kerazoo.layers.recurrence import no_dropout, scan_time


@keras.saving.register_keras_serializable(package="kerazoo")
class LSTM(keras.layers.Layer):
    """A layer of long short-term memory with a forget gate, whose state may be given and is returned:

        i, f, g, o = W x + U h + b,  c_new = sigmoid(f) * c + sigmoid(i) * tanh(g),  h_new = sigmoid(o) * tanh(c_new)

    It is the same function of the same weights as `keras.layers.LSTM`. The products with x are separate (`project`), so
    that they are computed for all steps at once; the steps (`step`) run in a loop of the graph, for any length. Gates
    and states are float32 in every precision; the matrix products use the layer's compute dtype.

    Args:
        units: int. Length of h and of c.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Example:
        >>> outputs, (h, c) = LSTM(8)(np.ones((2, 5, 3), "float32"))
        >>> outputs.shape, h.shape, c.shape
        (TensorShape([2, 5, 8]), TensorShape([2, 8]), TensorShape([2, 8]))

    Source: Hochreiter and Schmidhuber 1997, Neural Computation 9(8); the forget gate is that of Gers, Schmidhuber and
    Cummins 2000, Neural Computation 12(10), its bias of 1 at the start as in Jozefowicz et al. 2015.
    """

    def __init__(self, units, **kwargs):
        super().__init__(autocast=False, **kwargs)  # states stay float32
        self.supports_masking = True
        self.units = units

    def build(self, input_shape):
        units = self.units
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], 4 * units))
        shape = {"shape": (units, 4 * units), "initializer": "orthogonal"}
        self.recurrent_kernel = self.add_weight(name="recurrent_kernel", **shape)
        self.bias = self.add_weight(name="bias", shape=(4 * units,), initializer=_forget_bias)
        self.built = True

    def zero_state(self, rows):
        """The state before a sequence.

        Args:
            rows: int or scalar tensor. How many sequences.

        Returns:
            tuple of tf.Tensor. (h, c), zeros, float32, shape `(rows, units)` each.
        """
        return tf.zeros([rows, self.units]), tf.zeros([rows, self.units])

    def project(self, x):
        """W x of every step.

        Args:
            x: tensor, shape `(..., features)`.

        Returns:
            tf.Tensor. Shape `(..., 4 * units)`, in the layer's compute dtype.
        """
        return tf.matmul(tf.cast(x, self.compute_dtype), self._cast(self.kernel))

    def step(self, projected, state):
        """One step.

        Args:
            projected: tensor, shape `(batch, 4 * units)`. One step of `project`.
            state: tuple of tensors (h, c), float32, shape `(batch, units)` each.

        Returns:
            tuple. The output h, and the next state (h, c).
        """
        return self._step(projected, state, self._cast(self.recurrent_kernel), tf.convert_to_tensor(self.bias))

    def _step(self, projected, state, recurrent_kernel, bias):
        h, c = state
        recurrent = tf.matmul(tf.cast(h, self.compute_dtype), recurrent_kernel)
        gates = tf.cast(projected, tf.float32) + tf.cast(recurrent, tf.float32) + bias
        i, f, g, o = tf.split(gates, 4, axis=-1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        return h, (h, c)

    def _cast(self, weight):
        return tf.cast(weight, self.compute_dtype)

    def call(self, inputs, initial_state=None, mask=None):
        """Run over a sequence.

        Args:
            inputs: tensor, shape `(batch, steps, features)`.
            initial_state: tuple of tensors (h, c), shape `(batch, units)` each, or None for zeros. Defaults to None.
            mask: boolean tensor, shape `(batch, steps)`, or None. Where it is False the state is carried on unchanged.
                Defaults to None.

        Returns:
            tuple. The outputs h of every step, float32, shape `(batch, steps, units)`, and the last state (h, c).
        """
        state = self.zero_state(tf.shape(inputs)[0]) if initial_state is None else tuple(initial_state)
        weights = self._cast(self.recurrent_kernel), tf.convert_to_tensor(self.bias)  # once, not in the loop
        return scan_time(lambda x, state: self._step(x, state, *weights), self.project(inputs), state, mask)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def _forget_bias(shape, dtype=None):
    """Zeros, and ones for the forget gate."""
    return tf.repeat(tf.constant([0.0, 1.0, 0.0, 0.0], dtype), shape[0] // 4)


@keras.saving.register_keras_serializable(package="kerazoo")
class StackedLSTM(keras.layers.Layer):
    """Layers of LSTM on top of each other, with all states in one tensor and dropout between the layers.

    Dropout acts between layers and on the output of the last one, never between steps (Zaremba et al. 2014, equation
    3).

    Args:
        units: int. Units of each layer.
        num_layers: int. Number of layers.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Example:
        >>> stack = StackedLSTM(8, num_layers=2)
        >>> outputs, state = stack(np.ones((3, 5, 4), "float32"), stack.zero_state(3))
        >>> outputs.shape, state.shape
        (TensorShape([3, 5, 8]), TensorShape([3, 2, 2, 8]))

    Source: Zaremba, Sutskever and Vinyals 2014, "Recurrent Neural Network Regularization", arXiv:1409.2329.
    """

    def __init__(self, units, num_layers, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.supports_masking = True
        self.units = units
        self.num_layers = num_layers
        names = [f"lstm_{index}" for index in range(num_layers)]
        self.lstms = [LSTM(units, name=name, dtype=self.dtype_policy) for name in names]

    def build(self, input_shape, *_):
        for lstm, width in zip(self.lstms, [input_shape[-1], *[self.units] * (self.num_layers - 1)], strict=True):
            lstm.build((None, None, width))
        self.built = True

    @property
    def state_shape(self):
        """Shape of one row's state: layers, (h, c), units."""
        return (self.num_layers, 2, self.units)

    def zero_state(self, rows):
        """The state before a sequence.

        Args:
            rows: int or scalar tensor. How many sequences.

        Returns:
            tf.Tensor. Zeros, float32, shape `(rows, num_layers, 2, units)`.
        """
        return tf.zeros([rows, *self.state_shape])

    def call(self, inputs, state, mask=None, dropout=no_dropout):
        """Run over a sequence.

        Args:
            inputs: tensor, shape `(batch, steps, features)`.
            state: tensor, shape `(batch, num_layers, 2, units)`. From `zero_state`, or the last state of an earlier
                call.
            mask: boolean tensor, shape `(batch, steps)`, or None. As for `LSTM.call`. Defaults to None.
            dropout: callable `(tensor, stream) -> tensor`, such as `ZooModel.apply_dropout` with a rate. Defaults to no
                dropout.

        Returns:
            tuple. The last layer's outputs, float32, shape `(batch, steps, units)`, and the state after the last step.
        """
        x, after = inputs, []
        for index, lstm in enumerate(self.lstms):
            x, last = lstm(x, (state[:, index, 0], state[:, index, 1]), mask)
            x = dropout(x, f"above_{lstm.name}")
            after.append(tf.stack(last, axis=1))
        return x, tf.stack(after, axis=1)

    def step(self, x, state):
        """A single step.

        Args:
            x: tensor, shape `(batch, features)`.
            state: tensor, shape `(batch, num_layers, 2, units)`. The state before.

        Returns:
            tuple. The last layer's output, float32, shape `(batch, units)`, and the next state, shape of `state`.
        """
        after = []
        for index, lstm in enumerate(self.lstms):
            x, last = lstm.step(lstm.project(x), (state[:, index, 0], state[:, index, 1]))
            after.append(tf.stack(last, axis=1))
        return x, tf.stack(after, axis=1)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "num_layers": self.num_layers}
