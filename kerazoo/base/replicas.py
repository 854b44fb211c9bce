"""Sums and noise over the global batch: a batch split over replicas must train like the same batch on one device.

A replica may work on its rows in several parts, one after another (`parts`); within a part these functions count all
rows, too, and know the place of the part's rows among them.
"""

import contextlib
import itertools
import threading

import tensorflow as tf

_HERE = threading.local()  # the part in progress; strategies trace each replica in a thread of its own


class Part:
    """Some of the rows of this replica's batch, as a context: what is computed within belongs to these rows.

    Args:
        begin: int or tf.Tensor. Rows of this replica's batch before these.
        num_rows: int or tf.Tensor. All rows of this replica's batch.
        gathered: list. Shared by the parts of a batch: for each call of `gather_rows`, the rows of the parts so far.
    """

    def __init__(self, begin, num_rows, gathered):
        self.begin = begin
        self.num_rows = num_rows
        self._gathered = gathered
        self._calls = itertools.count()

    def __enter__(self):
        _HERE.part = self

    def __exit__(self, *error):
        _HERE.part = None

    def so_far(self, values):
        """`values` behind those that the parts before this one gave at the same place of the computation."""
        call = next(self._calls)
        if call == len(self._gathered):
            self._gathered.append([])
        self._gathered[call].append(values)
        return tf.concat(self._gathered[call], axis=0)


def parts(rows, count):
    """The rows of this replica's batch in parts of (nearly) equal size.

    Args:
        rows: nested structure of tensors, all with this replica's rows along their first axis.
        count: int. How many parts; 1 gives the rows as they are.

    Returns:
        list of (context, rows). What is computed from a part's rows is computed within its context.
    """
    if count == 1:
        return [(contextlib.nullcontext(), rows)]
    num_rows, gathered = tf.shape(tf.nest.flatten(rows)[0])[0], []
    message = f"a batch of fewer rows than accumulate={count}: drop the remainder, or lower accumulate"
    with tf.control_dependencies([tf.debugging.assert_greater_equal(num_rows, count, message)]):
        bounds = [i * num_rows // count for i in range(count + 1)]
    return [
        (Part(begin, num_rows, gathered), tf.nest.map_structure(lambda x, b=begin, e=end: x[b:e], rows))
        for begin, end in itertools.pairwise(bounds)
    ]


def global_rows(values):
    """The number of rows of `values` over all replicas (and parts), as a float32 scalar."""
    part = _part()
    rows = tf.cast(part.num_rows if part else tf.shape(values)[0], tf.float32)
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return rows
    return context.all_reduce(tf.distribute.ReduceOp.SUM, rows)


def sum_over_replicas(tensors):
    """The sums of each of some tensors over all replicas; gradients flow back to every replica's own."""
    context = tf.distribute.get_replica_context()
    alone = context.num_replicas_in_sync == 1
    return tensors if alone else context.all_reduce(tf.distribute.ReduceOp.SUM, tensors)


def row_noise(num_rows, shape, seed, distribution, maximum=None):
    """Noise for this replica's rows of the global batch.

    Every replica draws the noise of the whole global batch and takes its own rows, so that replicas never share noise
    and each example gets what it would get on one device, also where the batch does not divide evenly.

    Args:
        num_rows: int or tf.Tensor. Rows on this replica.
        shape: tuple[int, ...]. Shape of one row.
        seed: tf.Tensor. int32, shape `(2,)`, equal on all replicas.
        distribution: str. A name in `DRAWS`.
        maximum: int or None. For `"integers"`: how many there are. Defaults to None.

    Returns:
        tf.Tensor. float32, or int32 for integers, shape `(num_rows, *shape)`.
    """
    total, offset = _rows_and_offset(num_rows)
    size = tf.concat([[total], tf.cast(shape, tf.int32)], axis=0)
    values = DRAWS[distribution](size, seed, *([] if maximum is None else [maximum]))
    return values[offset : offset + num_rows]


def gather_rows(values, *, so_far=True):
    """The rows of the global batch, in order, on every replica.

    Args:
        values: tf.Tensor. This replica's rows, shape `(n, ...)`.
        so_far: bool. Whether, within a part, the rows of the parts before it come first. Defaults to True.

    Returns:
        tf.Tensor. Shape `(N, ...)`, N the sum of all n; `values` itself on one device. Within a part: the rows of the
        parts up to this one, so that only the last one has all; without `so_far` those of this part, as a statistic of
        the batch takes them.
    """
    part = _part()
    values = part.so_far(values) if part and so_far else values
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    rows = tf.shape(values)[0]
    total, offset = _across_replicas(rows)
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


def _part():
    return getattr(_HERE, "part", None)


def _rows_and_offset(num_rows):
    """The rows of all replicas together, and how many stand before the `num_rows` of this one, or of this part."""
    part = _part()
    if part is None:
        return _across_replicas(num_rows)
    total, offset = _across_replicas(part.num_rows)
    return total, offset + part.begin


def _across_replicas(num_rows):
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return num_rows, 0
    replica = context.replica_id_in_sync_group
    mine = tf.one_hot(replica, context.num_replicas_in_sync, on_value=num_rows, off_value=0, dtype=tf.int32)
    counts = context.all_reduce(tf.distribute.ReduceOp.SUM, mine)
    return tf.reduce_sum(counts), tf.reduce_sum(counts[:replica])


# "uniform" is the interval [-1, 1) everywhere; "unit" is [0, 1).
DRAWS = {
    "normal": tf.random.stateless_normal,
    "uniform": lambda shape, seed: tf.random.stateless_uniform(shape, seed, -1.0, 1.0),
    "unit": tf.random.stateless_uniform,
    "integers": lambda shape, seed, maximum: tf.random.stateless_uniform(shape, seed, 0, maximum, tf.int32),
}
