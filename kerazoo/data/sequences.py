"""`Sequences`: vectors in time, of unequal length."""

import numpy as np

from kerazoo.data.buckets import Bucketed, as_rows
from kerazoo.data.info import SourceInfo
from kerazoo.utils.errors import DataError

KEY, LENGTH = "sequence", "length"


class Sequences(Bucketed):
    """Sequences of vectors and what belongs to them, batched and padded as `Bucketed` says.

    A batch is {"sequence": float32 `(batch_size, steps, features)`, "length": int32 `(batch_size,)`, ...}, with the
    steps of the longest sequence in it and zeros behind the shorter ones. By convention "label" holds classes and
    "target" numbers, of a sequence or of each of its steps.

    Sequences that are all as long need no such class: they are a plain source of arrays `(n, steps, ...)`, without an
    entry "length".

    Args:
        arrays: dict. "sequence": sequence of arrays `(steps, features)`, none without steps. Other entries have a value
            for each sequence, an array `(n, ...)` or a list of numbers; or one for each step, a list of arrays
            `(steps, ...)`. "length", optional, says how many steps of each count; the others are left out.
        name, split: str, for messages and `source.info`. Defaults to "sequences" and "all".
        **details: further fields of `SourceInfo`: class_names, licence, homepage, citation.

    Raises:
        DataError: no sequences, one of another shape or with values that are not finite, or entries that do not fit.

    Example:
        >>> data = Sequences({"sequence": [[[1.0], [2.0]], [[3.0]]], "label": [0, 1]})
        >>> batch = next(iter(data.epoch(2)))
        >>> batch["sequence"].numpy()[..., 0].tolist(), batch["length"].numpy().tolist()
        ([[1.0, 2.0], [3.0, 0.0]], [2, 1])
        >>> print(data)
        sequences[all]: 2 sequences of 1 to 2 steps of 1, float32 1..3, licence the user's own
    """

    def __init__(self, arrays, *, name="sequences", split="all", **details):
        owner = f"{name}[{split}]"
        if not len(arrays.get(KEY, ())):
            raise DataError(f"{owner}: no sequences")
        rows = [_vectors(f"{owner}: sequence {index}", row) for index, row in enumerate(arrays[KEY])]
        given = arrays.get(LENGTH)
        if given is not None:
            rows = [row[:length] for row, length in zip(rows, _lengths(owner, rows, given), strict=True)]
        length = np.array([len(row) for row in rows], np.int32)
        odd = next((index for index, row in enumerate(rows) if row.shape[1:] != rows[0].shape[1:]), None)
        if odd is not None:
            sizes = f"{rows[odd].shape[1]} numbers a step where sequence 0 has {rows[0].shape[1]}"
            raise DataError(f"{owner}: sequence {odd} has {sizes}")
        found = {KEY: as_rows(rows), LENGTH: length}
        for key, values in arrays.items():
            if key not in found:
                found[key] = _entry(f"{owner}: {key}", values, length)
        info = SourceInfo(
            name=name,
            split=split,
            key=KEY,
            kind="sequence",
            shapes={key: _shape(array) for key, array in found.items()},
            dtypes={key: _dtype(array).name for key, array in found.items()},
            value_range=(min(float(row.min()) for row in rows), max(float(row.max()) for row in rows)),
            num_examples=len(rows),
            **details,
        )
        super().__init__(found, info, (length,))

    def select(self, rows):
        """Return a source of some of the sequences; arguments as for `Source.select`.

        Returns:
            A `Sequences`.
        """
        names = {field: getattr(self.info, field) for field in ("class_names", "value_names")}
        return Sequences({key: array[rows] for key, array in self.arrays.items()}, **self.info.origin, **names)


def check_lengths(lengths, num, steps, owner):
    """Raise a `DataError` of one line unless `lengths` are how many steps of each sequence count.

    Args:
        lengths: int array `(num,)`.
        num: int. How many sequences there are.
        steps: int, or int array `(num,)`. How many steps they have.
        owner: str. What they are called in the message.
    """
    lengths = np.asarray(lengths)
    if lengths.shape != (num,) or lengths.dtype.kind not in "iu":
        raise DataError(
            f"{owner} of type {lengths.dtype} and shape {lengths.shape}: integers, one for each of {num:,} sequences, "
            "are expected"
        )
    if lengths.min() < 1 or (lengths > steps).any():
        raise DataError(
            f"{owner} from {lengths.min()} to {lengths.max()} where sequences have {np.max(steps)} steps: each is at "
            "least 1 and at most the steps that there are"
        )


def _vectors(owner, row):
    """Return a sequence as float32 `(steps, features)`."""
    try:
        row = np.asarray(row)
    except ValueError as error:  # steps of unequal length
        raise DataError(f"{owner} cannot be made an array ({error})") from error
    if row.ndim != 2 or not row.size or row.dtype.kind not in "iufb":
        raise DataError(
            f"{owner} of shape {row.shape} and type {row.dtype} where numbers of shape (steps, features), at least one "
            "of both, are expected"
        )
    row = row.astype(np.float32)
    if not np.isfinite(row).all():
        step = int(np.nonzero(~np.isfinite(row))[0][0])
        raise DataError(f"{owner} has a value that is not finite, in step {step}: remove or replace it")
    return row


def _lengths(owner, rows, given):
    check_lengths(given, len(rows), np.array([len(row) for row in rows]), f"{owner}: length")
    return np.asarray(given)


def _entry(owner, values, length):
    """Return another entry: `(n, ...)`, or an object array of a row `(steps, ...)` for each sequence."""
    rows = [np.asarray(value) for value in values]
    if len(rows) != len(length):
        raise DataError(f"{owner} has {len(rows):,} values for {len(length):,} sequences")
    of_steps = (isinstance(values, list) or np.asanyarray(values).dtype.kind == "O") and any(row.ndim for row in rows)
    if any(row.dtype.kind not in "iufb" for row in rows):
        raise DataError(f"{owner}: numbers are expected")
    if not of_steps:
        array = np.asarray(values)
        return array.astype(_number(array.dtype))
    for index, (row, steps) in enumerate(zip(rows, length, strict=True)):
        if row.shape[:1] != (steps,) or row.shape[1:] != rows[0].shape[1:]:
            raise DataError(f"{owner} {index} of shape {row.shape} where its sequence has {steps} steps")
    dtype = _number(np.result_type(*{row.dtype for row in rows}))
    return as_rows([row.astype(dtype) for row in rows])


def _number(dtype):
    """The type of numbers such as these: float32, or int64."""
    return np.float32 if dtype.kind == "f" else np.int64


def _shape(array):
    return (None, *array[0].shape[1:]) if array.dtype.kind == "O" else array.shape[1:]


def _dtype(array):
    return array[0].dtype if array.dtype.kind == "O" else array.dtype
