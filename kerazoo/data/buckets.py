"""Examples of unequal length in batches of similar length, so that little of a batch is padding; pairs of tokens."""

import functools

import numpy as np

from kerazoo.data.info import SourceInfo, check_integer
from kerazoo.data.order import PARALLEL_CALLS, with_fixed_options
from kerazoo.data.sources import Source
from kerazoo.utils.errors import DataError

_POOL = 100  # batches whose examples are sorted together: little padding, and still well mixed


class Bucketed(Source):
    """Examples of unequal length, batched with others of similar length and padded to the longest of the batch.

    Every epoch is one random permutation of the examples, cut into pools of 100 batches. A pool is sorted by length and
    cut into batches, and the batches of all pools are shuffled. All batches are full: an epoch has n // batch_size, and
    the few examples left over differ from epoch to epoch.

    `batches` takes the arguments of `Source.batches`; what step k holds depends on `seed`, k and `batch_size` alone,
    and costs one sorting of its epoch to reach. Entries of unequal length are padded behind, to the longest row of the
    global batch on every worker. `shuffle=False` repeats the examples in their own order. `epoch` gives that order
    once, its last batch partial.

    Args:
        arrays: dict. Entries of unequal length are object arrays `(n,)` of arrays `(length, ...)`, see `as_rows`; the
            others have a value for each example.
        info: SourceInfo. A size None in `shapes` is that of the longest row of a batch.
        lengths: sequence of int arrays `(n,)`. Examples are sorted by the last one, those that are equal in it by the
            one before.
        pad: number, default 0. Fills up the shorter rows.
    """

    def __init__(self, arrays, info, lengths, pad=0):
        super().__init__(arrays, info)
        self.pad = pad
        self._lengths = tuple(lengths)

    def epoch(self, batch_size):
        """Return one pass over the examples in their own order; arguments and errors as for `Source.epoch`.

        Returns:
            A `tf.data.Dataset` of dicts of tensors `(n, ...)`, each entry padded to the longest of its batch.
        """
        batch_size = check_integer("batch_size", batch_size, 1)
        import tensorflow as tf

        def batch(start):
            return self._tensors_of(lambda s: np.arange(s, min(s + batch_size, len(self))), start, slice(None), None)

        dataset = tf.data.Dataset.range(0, len(self), batch_size).map(batch, num_parallel_calls=PARALLEL_CALLS)
        return with_fixed_options(dataset.prefetch(2))

    def sample(self, num, *, seed=0):
        """Draw distinct examples at random; arguments and errors as for `Source.sample`.

        Returns:
            Dict of NumPy arrays `(num, ...)`, padded to the longest of them.
        """
        return {key: self._padded(rows) for key, rows in super().sample(num, seed=seed).items()}

    def _reader(self, batch_size, first, num, *, seed, shuffle):
        """Return the function `step -> batch`; see `Source._reader`."""
        size, steps = len(self), self.num_batches(batch_size)

        # Two: near the end of an epoch, parallel calls work on both sides of it.
        @functools.lru_cache(maxsize=2)
        def batches_of(epoch):
            return self._order(batch_size, seed, epoch)

        def shuffled(step):
            return batches_of(int(step) // steps)[int(step) % steps]

        def plain(step):
            return (int(step) * batch_size + np.arange(batch_size)) % size

        rows, chosen = slice(first, first + num), shuffled if shuffle else plain
        return lambda step: self._tensors_of(chosen, step, rows, num)

    def _order(self, batch_size, seed, epoch):
        """Return the examples of one epoch: int64 array `(batches, batch_size)`, a function of the arguments alone."""
        random, size = np.random.default_rng([seed, epoch]), len(self)
        steps = self.num_batches(batch_size)
        chosen = np.concatenate([random.permutation(size) for _ in range(-(-steps * batch_size // size))])
        pools = np.split(
            chosen[: steps * batch_size], range(_POOL * batch_size, steps * batch_size, _POOL * batch_size)
        )
        # A stable sort: examples of equal lengths stay in random order.
        ordered = [pool[np.lexsort([lengths[pool] for lengths in self._lengths])] for pool in pools]
        return random.permutation(np.concatenate(ordered).reshape(steps, batch_size), axis=0)

    def _tensors_of(self, chosen, step, rows, num):
        """Return the batch of the examples `chosen(step)`: padded for all of them, then cut to some of its rows."""
        import tensorflow as tf

        def read(step):
            indices = chosen(step)
            return tuple(self._padded(array[indices])[rows] for array in self.arrays.values())

        types = [tf.as_dtype(self.info.dtypes[key]) for key in self.arrays]
        batch = dict(zip(self.arrays, tf.numpy_function(read, [step], types), strict=True))
        for key, tensor in batch.items():
            tensor.set_shape([num, *self.info.shapes[key]])
        return batch

    def _padded(self, rows):
        """Return rows of unequal length as one array `(n, longest, ...)`; other values as they are."""
        if rows.dtype.kind != "O":
            return rows
        lengths = np.array([len(row) for row in rows])
        padded = np.full((len(rows), lengths.max(), *rows[0].shape[1:]), self.pad, rows[0].dtype)
        padded[np.arange(lengths.max()) < lengths[:, None]] = np.concatenate(rows)
        return padded


class BucketedPairs(Bucketed):
    """Pairs of token sequences, batched as `Bucketed` says, by the lengths of target and source.

    A batch is {"source": int32 `(batch_size, S)`, "target": int32 `(batch_size, T)`} with S and T the longest of the
    global batch.

    Args:
        source_ids, target_ids: sequences of equal length of int arrays `(length,)`, none empty. The caller adds start
            and end tokens.
        pad: int, default 0. Fills up the shorter rows.
        name, split: str, for messages and `source.info`. Defaults to "pairs" and "all".
        **details: further fields of `SourceInfo`: licence, homepage, citation.

    Raises:
        DataError: no pairs, more sequences on one side than on the other, or one that is empty or not a row of whole
            numbers.

    Example:
        >>> pairs = BucketedPairs([[5], [6, 7]], [[2, 5, 3], [2, 7, 6, 3]])
        >>> next(iter(pairs.epoch(2)))["target"].numpy()
        array([[2, 5, 3, 0],
               [2, 7, 6, 3]], dtype=int32)
    """

    def __init__(self, source_ids, target_ids, *, pad=0, name="pairs", split="all", **details):
        if len(source_ids) != len(target_ids) or not len(source_ids):
            raise DataError(
                f"{name}[{split}]: {len(source_ids):,} sources and {len(target_ids):,} targets: the same number of "
                "both is expected, and at least one"
            )
        arrays = {
            side: _token_rows(sequences, f"{name}[{split}]: {side}")
            for side, sequences in (("source", source_ids), ("target", target_ids))
        }
        self.lengths = {side: np.array([len(row) for row in rows]) for side, rows in arrays.items()}
        info = SourceInfo(
            name=name,
            split=split,
            key="source",
            kind="token pairs",
            shapes={"source": (None,), "target": (None,)},
            dtypes={"source": "int32", "target": "int32"},
            value_range=None,
            num_examples=len(source_ids),
            **details,
        )
        super().__init__(arrays, info, self.lengths.values(), int(pad))

    def __str__(self):
        info = self.info
        spans = " and ".join(f"{lengths.min()} to {lengths.max()}" for lengths in self.lengths.values())
        return f"{info.name}[{info.split}]: {len(self):,} pairs of {spans} tokens, licence {info.licence}"

    def select(self, rows):
        """Return a source of some of the pairs; arguments as for `Source.select`.

        Returns:
            A `BucketedPairs`.
        """
        sides = (self.arrays["source"][rows], self.arrays["target"][rows])
        return BucketedPairs(*sides, pad=self.pad, **self.info.origin)


class BucketedTokens(Bucketed):
    """Texts as ids of tokens, batched as `Bucketed` says, and what belongs to each.

    A batch is {"tokens": int32 `(batch_size, T)`, ...} with T the longest of the global batch.

    Args:
        ids: sequence of int arrays `(length,)`, none empty.
        others: dict. Further entries, arrays `(n, ...)`. Defaults to None, none.
        pad: int, default 0. Fills up the shorter rows.
        name, split: str, for messages and `source.info`. Defaults to "texts" and "all".
        **details: further fields of `SourceInfo`: class_names, licence, homepage, citation.

    Raises:
        DataError: no texts, or one that is empty or not a row of whole numbers.

    Example:
        >>> texts = BucketedTokens([[5], [6, 7]], {"label": np.array([0, 1])})
        >>> next(iter(texts.epoch(2)))["tokens"].numpy().tolist()
        [[5, 0], [6, 7]]
    """

    def __init__(self, ids, others=None, *, pad=0, name="texts", split="all", **details):
        if not len(ids):
            raise DataError(f"{name}[{split}]: no texts")
        rows, others = _token_rows(ids, f"{name}[{split}]: text"), dict(others or {})
        info = SourceInfo(
            name=name,
            split=split,
            key="tokens",
            kind="tokens",
            shapes={"tokens": (None,), **{key: array.shape[1:] for key, array in others.items()}},
            dtypes={"tokens": "int32", **{key: array.dtype.name for key, array in others.items()}},
            value_range=None,
            num_examples=len(rows),
            **details,
        )
        super().__init__({"tokens": rows, **others}, info, (np.array([len(row) for row in rows]),), int(pad))

    def select(self, rows):
        """Return a source of some of the texts; arguments as for `Source.select`.

        Returns:
            A `BucketedTokens`.
        """
        arrays = {key: array[rows] for key, array in self.arrays.items()}
        details = {**self.info.origin, "class_names": self.info.class_names}
        return BucketedTokens(arrays.pop("tokens"), arrays, pad=self.pad, **details)


def as_rows(rows):
    """Return arrays of unequal length as an object array `(n,)`."""
    array = np.empty(len(rows), object)
    for index, row in enumerate(rows):
        array[index] = row
    return array


def _token_rows(sequences, owner):
    """Return the sequences as an object array of int32 arrays."""
    rows = [np.asarray(sequence) for sequence in sequences]
    for index, row in enumerate(rows):
        if row.ndim != 1 or not row.size or row.dtype.kind not in "iu":
            raise DataError(
                f"{owner} {index} of shape {row.shape} and type {row.dtype} where a row of whole numbers is expected"
            )
    return as_rows([row.astype(np.int32) for row in rows])
