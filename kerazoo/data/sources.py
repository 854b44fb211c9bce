"""`Source`: examples in random access, and the batches, the ordered pass and the samples drawn from them."""

import dataclasses
import math

import numpy as np

from kerazoo.data.fingerprints import digest
from kerazoo.data.info import check_integer, describe
from kerazoo.data.order import PARALLEL_CALLS, example_index, with_fixed_options
from kerazoo.utils.checks import check_seed
from kerazoo.utils.errors import DataError

_INT64_MAX = 2**63 - 1


class Source:
    """Examples in random access. Build one with `open_source` or `from_arrays`.

    Attributes:
        arrays: dict of NumPy arrays (or memory maps) with equal first dimensions.
        info: the `SourceInfo`.
        skipped: names of the files that could not be read (image folders only).
        names: list of str, a name for each example, such as its file's; None where they have none.
    """

    def __init__(self, arrays, info, skipped=(), names=None):
        self.arrays = dict(arrays)
        self.info = info
        self.skipped = list(skipped)
        self.names = None if names is None else list(names)
        self._tensors = None
        self._fingerprint = None

    def __len__(self):
        return self.info.num_examples

    def __str__(self):
        return describe(self.info, self.arrays)

    def __repr__(self):
        return f"<Source {self}>"

    def batches(self, batch_size, *, seed=0, start_step=0, num_steps=None, shuffle=True, shard=(0, 1)):
        """Return the endless training stream, from step `start_step` on.

        The stream runs through one permutation of the examples after another; batches cross the border between two
        epochs, so that every batch is full and no example is left out. What step k holds depends on `seed`, k and
        `batch_size` alone.

        Args:
            batch_size: int, examples in a global batch, over all workers.
            seed: int in [0, 2**31 - 1], default 0. The order's seed.
            start_step: int, default 0. The stream begins at this step; any start costs the same.
            num_steps: int or None (default): the stream's length in batches; None is endless.
            shuffle: bool, default True. False repeats the examples in their own order.
            shard: (index, count), default (0, 1). Keep this worker's contiguous part of each global batch,
                `batch_size // count` examples.

        Returns:
            A `tf.data.Dataset` of dicts of tensors `(batch_size // count, ...)` with static shapes.

        Raises:
            DataError: an argument is out of range, or `batch_size` is not a multiple of the number of shards.

        Example:
            >>> stream = kerazoo.data.open_source("digits").batches(64, seed=1, start_step=100, num_steps=2)
            >>> [batch["label"].shape[0] for batch in stream]
            [64, 64]
        """
        batch_size = check_integer("batch_size", batch_size, 1)
        seed = check_seed(seed, error=DataError)
        start_step = check_integer("start_step", start_step, 0)
        count = check_integer("the number of shards", shard[1], 1)
        index = check_integer("the shard's index", shard[0], 0, count - 1)
        if batch_size % count:
            raise DataError(
                f"batch_size={batch_size} cannot be shared evenly by {count} workers: use a multiple of {count}"
            )
        local = batch_size // count
        batch = self._reader(batch_size, index * local, local, seed=seed, shuffle=shuffle)
        # The last step whose positions fit into int64; no run gets there.
        stop = _INT64_MAX // batch_size
        if num_steps is not None:
            stop = start_step + check_integer("num_steps", num_steps, 1)
        import tensorflow as tf

        dataset = tf.data.Dataset.range(start_step, stop).map(batch, num_parallel_calls=PARALLEL_CALLS)
        if num_steps is None:
            dataset = dataset.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
        if count > 1:
            # Each worker's stream is its own part already: tf.distribute must not divide it a second time.
            options = tf.data.Options()
            options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
            dataset = dataset.with_options(options)
        return with_fixed_options(dataset.prefetch(2))

    def num_batches(self, batch_size):
        """Return how many full batches an epoch of training has.

        Args:
            batch_size: int, 1 or more.

        Returns:
            int, at least 1.

        Raises:
            DataError: `batch_size` is out of range.

        Example:
            >>> kerazoo.data.open_source("digits").num_batches(64)  # of 1,437 images
            22
        """
        return max(1, len(self) // check_integer("batch_size", batch_size))

    def epoch(self, batch_size):
        """Return one pass over the examples in their own order, for evaluation.

        Args:
            batch_size: int, 1 or more; the last batch holds what is left.

        Returns:
            A `tf.data.Dataset` of dicts of tensors `(n, ...)` with n at most `batch_size`.

        Raises:
            DataError: `batch_size` is not a positive integer.

        Example:
            >>> [len(batch["label"]) for batch in kerazoo.data.open_source("digits", limit=100).epoch(64)]
            [64, 36]
        """
        batch_size = check_integer("batch_size", batch_size, 1)
        import tensorflow as tf

        gather, size = self._gather(), len(self)
        dataset = tf.data.Dataset.range(0, size, batch_size).map(
            lambda start: gather(tf.range(start, tf.minimum(start + batch_size, size))),
            num_parallel_calls=PARALLEL_CALLS,
        )
        return with_fixed_options(dataset.prefetch(2))

    def sample(self, num, *, seed=0):
        """Draw `num` distinct examples at random.

        Args:
            num: int, at most `len(source)`.
            seed: int in [0, 2**31 - 1], default 0.

        Returns:
            Dict of NumPy arrays `(num, ...)`, copies.

        Raises:
            DataError: `num` is larger than the number of examples, or an argument is out of range.

        Example:
            >>> kerazoo.data.open_source("digits").sample(16, seed=0)["image"].shape
            (16, 8, 8, 1)
        """
        num = check_integer("num", num, 1)
        seed = check_seed(seed, error=DataError)
        if num > len(self):
            raise DataError(
                f"{num} distinct examples asked of {self.info.name}[{self.info.split}], which has {len(self)}"
            )
        chosen = np.random.default_rng(seed).choice(len(self), num, replace=False)
        return {key: np.asarray(value[chosen]) for key, value in self.arrays.items()}

    def take(self, limit):
        """Return a source of the first examples.

        Args:
            limit: int, 1 or more. How many; all where there are fewer.

        Returns:
            A `Source` whose arrays are views.

        Raises:
            DataError: `limit` is not a positive integer.
        """
        limit = min(check_integer("limit", limit, 1), len(self))
        return self.select(slice(limit))

    def split_last(self, fraction):
        """Return two sources: the first examples, and the last ones, in their own order.

        Args:
            fraction: float in (0, 1). Of the examples, what the second one gets.

        Returns:
            (Source, Source). As many as Keras's `validation_split` leaves and takes.

        Raises:
            DataError: one of both would have no examples.
        """
        first = math.floor(len(self) * (1.0 - fraction))
        if not 0 < first < len(self):
            purpose = "validation" if first else "training"
            raise DataError(
                f"{self.info.name}: the last {fraction:g} of {len(self):,} example{'s' * (len(self) > 1)} leaves none "
                f"for {purpose}: give other data for it, validation_data=..."
            )
        return self.select(slice(first)), self.select(slice(first, None))

    def fingerprint(self):
        """Return a digest of the examples, which tells a resumed run whether its data have changed.

        It is made of the arrays' names, types, shapes and contents, as they are read and in their order; so it changes
        with every example, and stays the same where files are copied, or touched, or read on another machine.

        Returns:
            str of 32 hexadecimal digits. Computed once, at some gigabytes a second.

        Example:
            >>> digits = kerazoo.data.open_source("digits")
            >>> digits.fingerprint() == kerazoo.data.open_source("digits").fingerprint()
            True
            >>> digits.fingerprint() == digits.take(100).fingerprint()
            False
        """
        if self._fingerprint is None:
            self._fingerprint = digest(self.arrays)
        return self._fingerprint

    def with_streams(self, wrap):
        """Return this source with its training streams wrapped.

        Args:
            wrap: callable `Source -> Source`. Applied to each part that has a training stream of its own.

        Returns:
            A `Source`.
        """
        return wrap(self)

    def select(self, rows):
        """Return a source of some of the examples.

        Args:
            rows: slice, whose arrays are views; or int array of indices.

        Returns:
            A `Source`.
        """
        arrays = {key: value[rows] for key, value in self.arrays.items()}
        info = dataclasses.replace(self.info, num_examples=len(next(iter(arrays.values()))))
        names = None if self.names is None else list(np.asarray(self.names, object)[rows])
        return Source(arrays, info, self.skipped, names)

    def _reader(self, batch_size, first, num, *, seed, shuffle):
        """Return the function `step -> dict of tensors` of rows `first` to `first + num` of each global batch.

        What `batches` does beyond it (checks, start, length, workers, options) is the same for every kind of source.
        """
        import tensorflow as tf

        gather, size = self._gather(), len(self)

        def batch(step):
            position = step * batch_size + first + tf.range(num, dtype=tf.int64)
            return gather(example_index(position, size, seed) if shuffle else position % size)

        return batch

    def _gather(self):
        """Return the function `indices -> dict of tensors` that tf.data maps over index batches."""
        import tensorflow as tf

        if self._tensors is None:
            # Eager tensors are captured by reference; NumPy arrays would be copied into every graph as constants.
            # On the CPU, where tf.data runs: an eager tensor would otherwise be placed on the GPU.
            with tf.device("CPU:0"):
                self._tensors = {k: v if isinstance(v, np.memmap) else tf.constant(v) for k, v in self.arrays.items()}

        def rows(array, indices):
            if not isinstance(array, np.memmap):
                return tf.gather(array, indices)
            # Only the rows asked for are read from disk.
            found = tf.numpy_function(lambda i: np.asarray(array[i]), [indices], tf.as_dtype(array.dtype))
            found.set_shape(indices.shape.concatenate(array.shape[1:]))
            return found

        return lambda indices: {key: rows(array, indices) for key, array in self._tensors.items()}
