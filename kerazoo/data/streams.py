"""`TokenStream`: one long text as parallel streams of windows, for backpropagation truncated in time."""

import numpy as np

from kerazoo.data.info import SourceInfo, check_integer
from kerazoo.data.order import PARALLEL_CALLS, with_fixed_options
from kerazoo.data.sources import Source
from kerazoo.utils.errors import DataError


class TokenStream(Source):
    """A text in tokens, read by `batch_size` streams at once whose windows follow each other from batch to batch.

    The text of n tokens is cut into `batch_size` contiguous parts of L = (n - 1) // batch_size tokens. An epoch has
    W = L // window steps. Step k, with w = k % W, holds in row r the tokens r L + w window up to and including
    r L + (w + 1) window: `window` inputs, and the same shifted by one as targets. So each row goes on where it ended in
    the previous batch, and a recurrent state can be carried over; where w = 0 it starts anew. Tokens at the end of each
    part that do not fill a window are left out.

    `batches` takes the arguments of `Source.batches`; `seed` and `shuffle` are without effect, since the order is the
    text's: step k depends on k and `batch_size` alone. A batch is {"tokens": int32 `(batch_size, window + 1)`, "first":
    bool `(batch_size,)`, true where w = 0}. `len(stream)` is the number of tokens.

    Args:
        tokens: int array `(n,)`; kept as int32.
        window: int, 1 or more. Steps of time in a batch.
        name, split: str, for messages and `source.info`. Defaults to "tokens" and "all".
        **details: further fields of `SourceInfo`: licence, homepage, citation.

    Raises:
        DataError: the tokens are not such an array, or fewer than `window + 1`.

    Example:
        >>> stream = TokenStream(np.arange(21), 3)
        >>> next(iter(stream.batches(2)))["tokens"].numpy()
        array([[ 0,  1,  2,  3],
               [10, 11, 12, 13]], dtype=int32)
    """

    def __init__(self, tokens, window, *, name="tokens", split="all", **details):
        tokens = np.asarray(tokens)
        self.window = check_integer("window", window, 1)
        if tokens.ndim != 1 or tokens.dtype.kind not in "iu":
            raise DataError(
                f"{name}[{split}]: tokens of shape {tokens.shape} and type {tokens.dtype} where whole numbers in one "
                "row are expected"
            )
        if len(tokens) <= self.window:
            raise DataError(
                f"{name}[{split}]: {len(tokens):,} tokens are too few for one window of {self.window} and its target: "
                "lower the window, or give a longer text"
            )
        info = SourceInfo(
            name=name,
            split=split,
            key="tokens",
            kind="tokens",
            shapes={"tokens": ()},
            dtypes={"tokens": "int32"},
            value_range=(int(tokens.min()), int(tokens.max())),
            num_examples=len(tokens),
            **details,
        )
        super().__init__({"tokens": tokens.astype(np.int32)}, info)

    def __str__(self):
        info = self.info
        return f"{info.name}[{info.split}]: {len(self):,} tokens in windows of {self.window}, licence {info.licence}"

    def num_batches(self, batch_size):
        """Return the steps of an epoch, W.

        Args:
            batch_size: int, 1 or more. Streams that read the text at once.

        Returns:
            int, at least 1.

        Raises:
            DataError: the text is too short for `batch_size` streams of one window.
        """
        batch_size = check_integer("batch_size", batch_size, 1)
        steps = (len(self) - 1) // batch_size // self.window
        if not steps:
            raise DataError(
                f"{self.info.name}[{self.info.split}]: {len(self):,} tokens are too few for {batch_size} streams of "
                f"windows of {self.window}: lower batch_size to {self._most_streams()} or less, or the window"
            )
        return steps

    def epoch(self, batch_size):
        """Return the same streams once, in order, for evaluation.

        Args:
            batch_size: int, 1 or more. A text too short for this many streams is read by as many as it has windows.

        Returns:
            A `tf.data.Dataset` of batches like those of `batches`.

        Raises:
            DataError: `batch_size` is not a positive integer.
        """
        batch_size = min(check_integer("batch_size", batch_size, 1), self._most_streams())
        read = self._reader(batch_size, 0, batch_size)
        import tensorflow as tf

        dataset = tf.data.Dataset.range(self.num_batches(batch_size)).map(read, num_parallel_calls=PARALLEL_CALLS)
        return with_fixed_options(dataset.prefetch(2))

    def select(self, rows):
        """Return a stream of some of the tokens.

        Args:
            rows: slice, or int array of indices.

        Returns:
            A `TokenStream` of the same window.

        Raises:
            DataError: no more tokens than the window.
        """
        return TokenStream(self.arrays["tokens"][rows], self.window, **self.info.origin)

    def _most_streams(self):
        return (len(self) - 1) // self.window

    def _reader(self, batch_size, first, num, *, seed=None, shuffle=None):
        """Return the function `step -> batch`; see `Source._reader`."""
        steps, length = self.num_batches(batch_size), (len(self) - 1) // batch_size
        import tensorflow as tf

        gather = self._gather()
        row = (first + tf.range(num, dtype=tf.int64))[:, None] * length
        offset = row + tf.range(self.window + 1, dtype=tf.int64)

        def batch(step):
            w = step % steps
            return {**gather(offset + w * self.window), "first": tf.fill([num], tf.equal(w, 0))}

        return batch
