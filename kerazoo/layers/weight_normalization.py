"""Dense layers whose weights have a length apart from their direction."""

import keras
import tensorflow as tf

_EPSILON = 1e-6


@keras.saving.register_keras_serializable(package="kerazoo")
class WeightNormalizedDense(keras.layers.Layer):
    """Dense layer with the weight vectors w = g v / |v| and a bias: `activation(x w + b)`.

    `initialize` sets g and b from data, so that what the layer gives before its activation has mean 0 and variance 1.

    Args:
        units: int. Length of an output.
        activation: str or None. Defaults to None, linear.
        learn_scale: bool. Whether g is learned; otherwise it stays as it begins, or as `initialize` sets it. Defaults
            to True.
        **kwargs: `name`, `dtype` of `keras.layers.Layer`.

    Example:
        >>> layer = WeightNormalizedDense(3)
        >>> x = np.random.default_rng(0).random((100, 5), "float32")
        >>> layer.initialize(x)
        >>> outputs = layer(x).numpy()
        >>> bool(np.allclose(outputs.mean(axis=0), 0, atol=1e-4)), bool(np.allclose(outputs.std(axis=0), 1, atol=1e-4))
        (True, True)

    Source: Salimans and Kingma 2016, "Weight Normalization: A Simple Reparameterization to Accelerate Training of Deep
    Neural Networks", arXiv:1602.07868, equations 2, 5 and 6.
    """

    def __init__(self, units, activation=None, *, learn_scale=True, **kwargs):
        super().__init__(autocast=False, **kwargs)  # lengths are float32 in every precision
        self.units, self.learn_scale = units, learn_scale
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        normal = keras.initializers.RandomNormal(stddev=0.05)
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.units), initializer=normal)
        learned = {"trainable": self.learn_scale}
        self.scale = self.add_weight(name="scale", shape=(self.units,), initializer="ones", **learned)
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")

    def call(self, x):
        """`(batch, num_inputs)` -> `(batch, units)`."""
        weights = tf.cast(self.scale * self._directions(), self.compute_dtype)
        outputs = tf.matmul(tf.cast(x, self.compute_dtype), weights)
        return self.activation(outputs + tf.cast(self.bias, self.compute_dtype))

    def initialize(self, x):
        """Set g and b from examples of the layer's inputs, shape `(num, num_inputs)`."""
        x = tf.cast(x, tf.float32)
        if not self.built:
            self.build(x.shape)
        mean, variance = tf.nn.moments(tf.matmul(x, self._directions()), axes=[0])
        self.scale.assign(tf.math.rsqrt(variance + _EPSILON))
        self.bias.assign(-mean * tf.math.rsqrt(variance + _EPSILON))

    def _directions(self):
        v = tf.convert_to_tensor(self.kernel)
        return v * tf.math.rsqrt(tf.reduce_sum(tf.square(v), axis=0) + _EPSILON)

    def compute_output_shape(self, input_shape):
        return *input_shape[:-1], self.units

    def get_config(self):
        activation = keras.activations.serialize(self.activation)
        return {**super().get_config(), "units": self.units, "activation": activation, "learn_scale": self.learn_scale}
