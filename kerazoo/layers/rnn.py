"""The recurrent network of Elman 1990, whose state is a nonlinear function of the input and of the state before."""

import keras
import tensorflow as tf

from kerazoo.layers.recurrence import Cell, recur

ACTIVATIONS = {"tanh": tf.tanh, "relu": tf.nn.relu}


@keras.saving.register_keras_serializable(package="kerazoo")
class RNN(Cell):
    """A recurrent layer without gates:

        h_new = activation(W x + U h + b)

    It is the same function of the same weights as `keras.layers.SimpleRNN`. With the identity for U at the start, and
    rectified linear units, the state is carried on unchanged where nothing comes in (Le et al. 2015).

    Args:
        units: int. Length of the state.
        activation: `"tanh"` or `"relu"`. Defaults to `"tanh"`.
        identity_start: bool. Whether U begins as the identity, not as an orthogonal matrix. Defaults to False.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Example:
        >>> outputs, (h,) = RNN(8)(np.ones((2, 5, 3), "float32"))
        >>> outputs.shape, h.shape
        (TensorShape([2, 5, 8]), TensorShape([2, 8]))

    Source: Elman 1990, "Finding Structure in Time", Cognitive Science 14(2); Le, Jaitly and Hinton 2015, "A Simple Way
    to Initialize Recurrent Networks of Rectified Linear Units", arXiv:1504.00941.
    """

    def __init__(self, units, activation="tanh", identity_start=False, **kwargs):
        super().__init__(units, **kwargs)
        self.activation = activation
        self.identity_start = identity_start

    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.units))
        start = "identity" if self.identity_start else "orthogonal"
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel", shape=(self.units, self.units), initializer=start
        )
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
        self.built = True

    def advance(self, projected, state, recurrent_kernel):
        (h,) = state
        return (ACTIVATIONS[self.activation](projected + recur(h, recurrent_kernel)),)

    def get_config(self):
        return {**super().get_config(), "activation": self.activation, "identity_start": self.identity_start}
