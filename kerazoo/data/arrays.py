"""`from_arrays`: arrays in memory as a source."""

from collections.abc import Mapping

import numpy as np

from kerazoo.data.info import SourceInfo
from kerazoo.data.sources import Source
from kerazoo.utils.errors import DataError

_KINDS = {"image": "image", "points": "points", "sequence": "sequence", "text": "text", "source": "pairs"}
_MAIN = ("image", "points", "sequence")  # the main entry, where there is one of these


def from_arrays(arrays, *, name="arrays", split="all", key=None, skipped=(), names=None, **details):
    """Make a source of arrays in memory.

    Args:
        arrays: one array, or a dict of arrays whose first dimensions are equal. A single array is called "image" when
            it has four dimensions and "points" otherwise.
        name: str, default "arrays". Appears in messages and in `source.info`.
        split: str, default "all".
        key: str or None: the main entry. Default "image", "points" or "sequence" where there is one, else the first
            entry.
        skipped: names of unreadable files, default none.
        names: sequence of str, a name for each example, or None (default).
        **details: further fields of `SourceInfo`: kind, class_names, value_names, licence, homepage, citation, modes.

    Returns:
        A `Source`.

    Raises:
        DataError: there are no examples, or the arrays differ in length.

    Example:
        >>> len(from_arrays({"image": np.zeros((10, 28, 28, 1), "uint8"), "label": np.arange(10)}))
        10
    """
    if not isinstance(arrays, Mapping):
        arrays = np.asanyarray(arrays)
        arrays = {key or ("image" if arrays.ndim == 4 else "points"): arrays}
    arrays = {k: _as_rows(value) for k, value in arrays.items()}
    lengths = {k: len(value) if value.ndim else 0 for k, value in arrays.items()}
    if not lengths or 0 in lengths.values():
        raise DataError(f"{name}[{split}]: no examples")
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{k} has {length}" for k, length in lengths.items())
        raise DataError(f"{name}[{split}]: the arrays differ in length ({listed}): give one row of each per example")
    key = key or next((k for k in _MAIN if k in arrays), next(iter(arrays)))
    if key not in arrays:
        raise DataError(f"{name}[{split}]: no entry {key!r} (it has: {', '.join(arrays)})")
    main = arrays[key]
    value_range = None
    if main.dtype == np.uint8:
        value_range = (0, 255)
    elif main.dtype.kind in "iuf":
        value_range = (float(main.min()), float(main.max()))
    kind = _KINDS.get(key, "array") if main.dtype.kind == "O" or key in _MAIN else "array"
    info = SourceInfo(
        name=name,
        split=split,
        key=key,
        kind=details.pop("kind", kind),
        shapes={k: value.shape[1:] for k, value in arrays.items()},
        dtypes={k: value.dtype.name for k, value in arrays.items()},
        value_range=value_range,
        num_examples=len(main),
        **details,
    )
    return Source(arrays, info, skipped, names)


def _as_rows(value):
    """Return an array (a memory map stays one); texts become objects, which may have any length."""
    array = np.asanyarray(value)
    return array.astype(object) if array.dtype.kind == "U" else array
