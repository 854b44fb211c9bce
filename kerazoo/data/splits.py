"""Splits for data that come without any."""

import numpy as np

from kerazoo.utils.errors import DataError

_EVERY = 10


def hold_out(request, opened):
    """Return the part of a source that the request's split names: "test" is every tenth example, "train" the others.

    Args:
        request: a `Request`. "all" is everything.
        opened: Source.

    Returns:
        A `Source`.

    Raises:
        UnknownSplitError: another split.
        DataError: too few examples to hold one out.

    Example:
        >>> data = kerazoo.data.from_arrays(np.arange(20)[:, None])
        >>> request = kerazoo.data.Request("x", "", "test", None, False, False, None)
        >>> hold_out(request, data).arrays["points"].ravel().tolist()
        [9, 19]
    """
    held_out = np.arange(len(opened)) % _EVERY == _EVERY - 1
    rows = {"train": ~held_out, "test": held_out, "all": np.ones_like(held_out)}
    if request.split not in rows:
        raise request.no_split(rows)
    if not rows[request.split].any():
        raise DataError(
            f"{request.spec}: its {len(opened)} examples leave none for {request.split!r}, every tenth: use split 'all'"
        )
    return opened if request.split == "all" else opened.select(np.flatnonzero(rows[request.split]))
