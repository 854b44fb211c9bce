"""Pooling of feature maps that leaves them their size, and the way back from smaller ones."""

import keras
import numpy as np
import tensorflow as tf


class KeepMaxima(keras.layers.Layer):
    """Feature maps with zeros everywhere but at the maximum of each 2x2 block.

    Of equal maxima the first one stays, so that in 8 bits, where many are equal, a block has one value, too. At an odd
    side's end a block is half as large.

    Args:
        **kwargs: `name`, `dtype` of `keras.layers.Layer`.

    Example:
        >>> KeepMaxima()(tf.reshape([1.0, 2.0, 3.0, 4.0], (1, 2, 2, 1))).numpy().ravel()
        array([0., 0., 0., 4.], dtype=float32)

    Source: Masci et al. 2011, "Stacked Convolutional Auto-Encoders for Hierarchical Feature Extraction", section 3.1.
    """

    def call(self, x):
        """Maps of shape `(batch, height, width, channels)`, most of them zero."""
        order = np.tile([[4, 3], [2, 1]], -(-np.array(x.shape[1:3]) // 2))[: x.shape[1], : x.shape[2], None]
        candidates = tf.where(x == self._largest(x), tf.constant(order, x.dtype), tf.zeros([], x.dtype))
        return tf.where(candidates == self._largest(candidates), x, tf.zeros([], x.dtype))

    def _largest(self, x):
        return repeat_pixels(tf.nn.max_pool2d(x, 2, 2, "SAME"), x.shape[1:3])

    def compute_output_shape(self, shape):
        return shape


class RepeatPixels(keras.layers.Layer):
    """Feature maps of twice the size: each value fills a 2x2 block.

    Args:
        size: tuple[int, int]. Height and width of the result, twice those of the input or one less.
        **kwargs: `name`, `dtype` of `keras.layers.Layer`.

    Example:
        >>> RepeatPixels((2, 3))(tf.reshape([1.0, 2.0], (1, 1, 2, 1))).numpy()[0, ..., 0]
        array([[1., 1., 2.],
               [1., 1., 2.]], dtype=float32)
    """

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, x):
        """Maps of shape `(batch, *size, channels)`."""
        return repeat_pixels(x, self.size)

    def compute_output_shape(self, shape):
        return (shape[0], *self.size, shape[3])


def repeat_pixels(x, size):
    """Each value as a 2x2 block, in the first `size` rows and columns; by operations that LiteRT has for any batch."""
    height, width, channels = x.shape[1:]
    x = tf.reshape(tf.concat([x, x], axis=3), [-1, height, 2 * width * channels])
    x = tf.reshape(tf.concat([x, x], axis=2), [-1, 2 * height, 2 * width, channels])
    return x[:, : size[0], : size[1]]
