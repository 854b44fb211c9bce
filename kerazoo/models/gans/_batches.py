"""Losses that compare batches instead of single examples."""

import tensorflow as tf

from kerazoo.base.replicas import gather_rows


def of_whole_batch(function, *rows):
    """A function of the global batch, given this replica's rows of it: its value for each of them.

    Args:
        function: callable. From tensors with all rows to a scalar.
        *rows: tf.Tensor. This replica's rows, of the same number.

    Returns:
        tf.Tensor. float32, shape `(rows,)`, the scalar again and again; gradients reach the rows of every replica.
    """
    value = function(*(gather_rows(values, so_far=False) for values in rows))
    return tf.fill([tf.shape(rows[0])[0]], value)


def feature_matching_loss(real_features, fake_features):
    """The mean square difference of the average features of real and of generated examples.

    Args:
        real_features, fake_features: tf.Tensor. Activations of a layer of the discriminator, shape `(batch, n)`.

    Returns:
        tf.Tensor. float32, shape `(batch,)`: for each generated example the same value, of the global batch.

    Example:
        >>> feature_matching_loss(tf.constant([[1.0], [3.0]]), tf.constant([[5.0], [5.0]])).numpy()  # (2 - 5)^2
        array([9., 9.], dtype=float32)

    Source: Salimans et al. 2016, "Improved Techniques for Training GANs", section 3.1; the square norm is divided by
    the number of features as in the authors' code.
    """
    return of_whole_batch(_distance_of_means, *(tf.cast(rows, tf.float32) for rows in (fake_features, real_features)))


def _distance_of_means(*batches):
    return tf.reduce_mean(tf.math.squared_difference(*(tf.reduce_mean(rows, axis=0) for rows in batches)))
