"""Sums and noise over the global batch: a batch split over replicas must train like the same batch on one device."""

import tensorflow as tf


def global_rows(values):
    """The number of rows of `values` over all replicas, as a float32 scalar."""
    rows = tf.cast(tf.shape(values)[0], tf.float32)
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return rows
    return context.all_reduce(tf.distribute.ReduceOp.SUM, rows)


def row_noise(num_rows, shape, seed, distribution):
    """Noise for this replica's rows of the global batch.

    Every replica draws the noise of the whole global batch and takes its own rows, so that replicas never share noise
    and each example gets what it would get on one device, also where the batch does not divide evenly.

    Args:
        num_rows: int or tf.Tensor. Rows on this replica.
        shape: tuple[int, ...]. Shape of one row.
        seed: tf.Tensor. int32, shape `(2,)`, equal on all replicas.
        distribution: str. A name in `DRAWS`.

    Returns:
        tf.Tensor. float32, shape `(num_rows, *shape)`.
    """
    total, offset = _rows_and_offset(num_rows)
    values = DRAWS[distribution](tf.concat([[total], shape], axis=0), seed)
    return values[offset : offset + num_rows]


def gather_rows(values):
    """The rows of the global batch, in order, on every replica.

    Args:
        values: tf.Tensor. This replica's rows, shape `(n, ...)`.

    Returns:
        tf.Tensor. Shape `(N, ...)`, N the sum of all n; `values` itself on one device.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    rows = tf.shape(values)[0]
    total, offset = _rows_and_offset(rows)
    around = [[offset, total - offset - rows], *[[0, 0]] * (len(values.shape) - 1)]
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.pad(values, around))


def local_rows(values, num_rows):
    """This replica's rows of a tensor that holds those of the global batch.

    Args:
        values: tf.Tensor. Shape `(N, ...)`, equal on all replicas.
        num_rows: int or tf.Tensor. How many of them are this replica's.

    Returns:
        tf.Tensor. Shape `(num_rows, ...)`; its first `num_rows` rows on one device.
    """
    _, offset = _rows_and_offset(num_rows)
    return values[offset : offset + num_rows]


def _rows_and_offset(num_rows):
    """The rows of all replicas together, and how many stand before this one's."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return num_rows, 0
    replica = context.replica_id_in_sync_group
    mine = tf.one_hot(replica, context.num_replicas_in_sync, on_value=num_rows, off_value=0, dtype=tf.int32)
    counts = context.all_reduce(tf.distribute.ReduceOp.SUM, mine)
    return tf.reduce_sum(counts), tf.reduce_sum(counts[:replica])


DRAWS = {
    "normal": tf.random.stateless_normal,
    "uniform": lambda shape, seed: tf.random.stateless_uniform(shape, seed, -1.0, 1.0),
}
