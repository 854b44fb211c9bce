"""Layers that draw noise in training: exact on several devices, and after a resumption."""

import keras
import tensorflow as tf

from kerazoo.base.noise import NoisyLayer


class Dropout(NoisyLayer, keras.layers.Layer):
    """Dropout that takes its noise from the `ZooModel` that contains it.

    Args:
        rate: float in [0, 1). The probability that a value becomes zero in training.
        **kwargs: `name`, `dtype` of `keras.layers.Layer`.

    Example:
        >>> layer = Dropout(0.5)
        >>> layer(np.ones((1, 4), "float32")).numpy().tolist()  # without training=True
        [[1.0, 1.0, 1.0, 1.0]]

    Source: Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 15.
    """

    def __init__(self, rate, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.built = True

    def call(self, x, training=False):
        """`x`; in training, with some values set to zero and the others scaled up by 1 / (1 - rate)."""
        if not training or not self.rate:
            return x
        stream = self.next_stream()
        return self._model().apply_dropout(x, stream, rate=self.rate)

    def compute_output_shape(self, shape):
        return shape


class GaussianNoise(NoisyLayer, keras.layers.Layer):
    """Normal noise, added in training and taken from the `ZooModel` that contains the layer.

    Args:
        stddev: float, at least 0.
        **kwargs: `name`, `dtype` of `keras.layers.Layer`.
    """

    def __init__(self, stddev, **kwargs):
        super().__init__(**kwargs)
        self.stddev = stddev
        self.built = True

    def call(self, x, training=False):
        """`x`; in training, plus noise of standard deviation `stddev`."""
        if not training or not self.stddev:
            return x
        stream = self.next_stream()
        noise = self._model().noise(tf.shape(x)[0], tf.shape(x)[1:], stream=stream)
        return x + tf.cast(self.stddev * noise, x.dtype)

    def compute_output_shape(self, shape):
        return shape
