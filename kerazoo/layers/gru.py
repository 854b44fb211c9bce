"""The gated recurrent unit as Cho et al. 2014 wrote it, with the input's part computed for all steps at once."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="kerazoo")
class GRUCell(keras.layers.Layer):
    """One step of a gated recurrent unit, the reset gate applied before the candidate's matrix product:

        z, r = sigmoid(W_zr x + U_zr h + b),  h' = tanh(W x + U (r * h) + b),  h_new = (1 - z) * h + z * h'

    `keras.layers.GRUCell(reset_after=False)` is the same function with 1 - z for z. Here the products with x are
    separate (`project`), so that they are computed for all steps at once. States are float32 in every precision.

    Args:
        units: int. Length of the state.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Example:
        >>> cell, x = GRUCell(8), np.ones((2, 5, 3), "float32")
        >>> cell.build((None, 3))
        >>> cell.step(cell.project(x)[:, 0], tf.zeros((2, 8))).shape
        TensorShape([2, 8])

    Source: Cho et al. 2014, arXiv:1406.1078, equations 5 to 8; Bahdanau et al. 2015, appendix A.1.1.
    """

    def __init__(self, units, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.units = units

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

    def project(self, x):
        """The inputs' contribution to both gates and to the candidate.

        Args:
            x: tensor, shape `(..., features)`.

        Returns:
            tf.Tensor. float32, shape `(..., 3 * units)`.
        """
        return matmul(x, self.kernel, self.compute_dtype) + tf.cast(self.bias, tf.float32)

    def step(self, projected, state):
        """One step.

        Args:
            projected: tensor, float32, shape `(batch, 3 * units)`. One step of `project`.
            state: tensor, float32, shape `(batch, units)`. The state before.

        Returns:
            tf.Tensor. The next state, float32, shape `(batch, units)`.
        """
        units = self.units
        gates = matmul(state, self.recurrent_gates, self.compute_dtype) + projected[:, : 2 * units]
        update, reset = tf.split(tf.sigmoid(gates), 2, axis=-1)
        candidate = matmul(reset * state, self.recurrent, self.compute_dtype) + projected[:, 2 * units :]
        return state + update * (tf.tanh(candidate) - state)

    def call(self, inputs, state):
        """One step, from inputs that have not been projected.

        Args:
            inputs: tensor, shape `(batch, features)`.
            state: tensor, float32, shape `(batch, units)`. The state before.

        Returns:
            tf.Tensor. The next state, float32, shape `(batch, units)`.
        """
        return self.step(self.project(inputs), state)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def matmul(x, kernel, dtype):
    """`x @ kernel` over the last axis, computed in `dtype` and returned in float32."""
    # Not tf.matmul, whose gradient for a kernel of fewer axes is one matrix for each example, summed at the end.
    return tf.cast(tf.tensordot(tf.cast(x, dtype), tf.cast(kernel, dtype), 1), tf.float32)
