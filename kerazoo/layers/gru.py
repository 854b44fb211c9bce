"""The gated recurrent unit as Cho et al. 2014 wrote it, and as cuDNN computes it."""

import keras
import tensorflow as tf

from kerazoo.layers.recurrence import Cell, recur


@keras.saving.register_keras_serializable(package="kerazoo")
class GRUCell(Cell):  # weights files know it by the class's name
    """A layer of gated recurrent units, the reset gate applied before the candidate's matrix product:

        z, r = sigmoid(W_zr x + U_zr h + b),  h' = tanh(W x + U (r * h) + b),  h_new = (1 - z) * h + z * h'

    `reset_after=True` is the form of cuDNN, which needs one product a step where the other needs two:

        h' = tanh(W x + b + r * (U h + b_U))

    They are the functions of `keras.layers.GRU(reset_after=False)` and `(reset_after=True)`, with 1 - z for z.

    Args:
        units: int. Length of the state.
        reset_after: bool. Whether the reset gate acts behind the candidate's product. Defaults to False.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Example:
        >>> outputs, (h,) = GRUCell(8)(np.ones((2, 5, 3), "float32"))
        >>> outputs.shape, h.shape
        (TensorShape([2, 5, 8]), TensorShape([2, 8]))

    Source: Cho et al. 2014, arXiv:1406.1078, equations 5 to 8; Bahdanau et al. 2015, appendix A.1.1.
    """

    def __init__(self, units, reset_after=False, **kwargs):
        super().__init__(units, **kwargs)
        self.reset_after = reset_after

    def build(self, input_shape):
        units = self.units
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], 3 * units))
        gates, state = (
            {"name": "recurrent_gates", "shape": (units, 2 * units)},
            {"name": "recurrent", "shape": (units,) * 2},
        )
        self.recurrent_gates = self.add_weight(**gates, initializer="orthogonal")
        self.recurrent = self.add_weight(**state, initializer="orthogonal")
        self.bias = self.add_weight(name="bias", shape=(3 * units,), initializer="zeros")
        if self.reset_after:
            self.recurrent_bias = self.add_weight(name="recurrent_bias", shape=(units,), initializer="zeros")
            self.build_keras_layer(keras.layers.GRU, input_shape)
        self.built = True

    def weights_of_keras_layer(self):
        # Keras's update gate is 1 - z: the same sum with the other sign.
        signs = tf.repeat(tf.constant([-1.0, 1.0, 1.0]), self.units)
        recurrent = tf.concat([self.recurrent_gates, self.recurrent], axis=1)
        of_state = tf.concat([tf.zeros([2 * self.units]), self.recurrent_bias], axis=0)
        return [signs * self.kernel, signs * recurrent, tf.stack([signs * self.bias, of_state])]

    def weights_of_a_step(self):
        gates, candidate = self.cast(self.recurrent_gates), self.cast(self.recurrent)
        if self.reset_after:
            return tf.concat([gates, candidate], axis=1), tf.convert_to_tensor(self.recurrent_bias)
        return gates, candidate

    def advance(self, projected, state, *weights):
        (h,), units = state, self.units
        from_gates, from_candidate = projected[:, : 2 * units], projected[:, 2 * units :]
        if self.reset_after:
            kernel, bias = weights
            recurrent = recur(h, kernel)
            update, reset = tf.split(tf.sigmoid(recurrent[:, : 2 * units] + from_gates), 2, axis=-1)
            candidate = reset * (recurrent[:, 2 * units :] + bias) + from_candidate
        else:
            gates, kernel = weights
            update, reset = tf.split(tf.sigmoid(recur(h, gates) + from_gates), 2, axis=-1)
            candidate = recur(reset * h, kernel) + from_candidate
        return (h + update * (tf.tanh(candidate) - h),)

    def get_config(self):
        return {**super().get_config(), "reset_after": self.reset_after}
