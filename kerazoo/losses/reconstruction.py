"""Distances of examples from what is made of them."""

import tensorflow as tf


def mean_squared_error(outputs, targets):
    """The squared error of each example, averaged over its numbers.

    Args:
        outputs: tf.Tensor. Shape `(batch, ...)`.
        targets: tf.Tensor or float. Of the same shape, or one number for all.

    Returns:
        tf.Tensor. float32, shape `(batch,)`.

    Example:
        >>> mean_squared_error(tf.ones((2, 3, 3)), 3.0).numpy()
        array([4., 4.], dtype=float32)
    """
    squares = tf.square(tf.cast(outputs, tf.float32) - targets)
    return tf.reduce_mean(tf.reshape(squares, [tf.shape(outputs)[0], -1]), axis=1)
