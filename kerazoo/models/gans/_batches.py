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
