"""Splits for data that come without any, and of examples that are drawn."""

import hashlib

import numpy as np

from kerazoo.utils.errors import DataError

_EVERY = 10
_BLOCK = 4096  # examples drawn at once
_MOST_BLOCKS = 250  # of which none was kept, before drawing is given up


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


def is_held_out(content):
    """Tell whether an example is held out, by a digest of its content: one in ten, the same ones everywhere.

    Args:
        content: bytes.

    Returns:
        bool.
    """
    return int(hashlib.sha256(content).hexdigest(), 16) % _EVERY == 0


def num_and_seed(request, sizes):
    """Return how many examples are drawn for the request's split, and with which seed.

    Args:
        request: a `Request`. Its option `num` replaces the number.
        sizes: dict, split -> (number, seed).

    Returns:
        (int, int).

    Raises:
        UnknownSplitError: another split.
        DataError: the option is not a number.
    """
    if request.split not in sizes:
        raise request.no_split(sizes)
    num, seed = sizes[request.split]
    if "num" in request.options:
        num = request.integer("num", request.options["num"])
    return num, seed


def drawn_apart(request, sizes, draw):
    """Draw examples so that "test" and "train" share none, however many there are of both.

    Args:
        request: a `Request`.
        sizes: dict, split -> (number, seed).
        draw: callable `(random, num) -> ` a sequence of `num` arrays. Those that `is_held_out` takes go to "test", the
            others to "train".

    Returns:
        list of arrays, no more than the request's `limit`. A shorter list is the beginning of a longer one.

    Raises:
        UnknownSplitError: another split.
        DataError: no example falls into the split, or the option `num` is not a number.
    """
    num, seed = num_and_seed(request, sizes)
    num = min(num, request.limit or num)
    random, kept, blocks = np.random.default_rng(seed), [], 0
    while len(kept) < num:
        kept += [row for row in draw(random, _BLOCK) if is_held_out(row.tobytes()) == (request.split == "test")]
        blocks += 1
        if not kept and blocks == _MOST_BLOCKS:
            raise DataError(f"{request.spec}: no example falls into {request.split!r}: ask for longer ones")
    return kept[:num]
