"""Sequences that only a memory can solve, drawn on the spot: `adding`, `copying`, `parity` and `ahead`."""

import numpy as np

from kerazoo.data.arrays import from_arrays
from kerazoo.data.images import allocate
from kerazoo.data.schemes import source
from kerazoo.data.sequences import Sequences
from kerazoo.data.splits import drawn_apart, num_and_seed

_SIZES = {"train": (50_000, 0), "test": (1_000, 1)}  # split -> (number of sequences, seed)
_BLOCK = 1024  # sequences drawn at once
_MOST_STEPS = 10_000
_OPTIONS = {"num": "NUMBER"}
_LICENCE = "none needed (synthetic)"

# Of the copying problem: how many symbols are to be remembered, of how many kinds.
NUM_SYMBOLS, NUM_KINDS = 10, 8
_BLANK, _GO = 0, NUM_KINDS + 1


@source("adding", "T", options=_OPTIONS)
def open_adding(request):
    """Open the adding problem: T random numbers in [0, 1), two of them marked; their sum is to be given at the end.

    A step has two features, the number and its mark, 1 or 0. One mark lies in the first half, one in the second. The
    option `num=NUMBER` says how many sequences; the default is 50,000 for "train" and 1,000 for "test".

    Args:
        request: a `Request`. T is from 2 to 10,000. Splits: "train" and "test".

    Returns:
        A `Source` of {"sequence": float32 `(n, T, 2)`, "target": float32 `(n, 1)`}. Whoever always says 1 has a mean
        squared error of 1/6.

    Source: Hochreiter and Schmidhuber 1997, Neural Computation 9(8), experiment 4; in the form of Arjovsky, Shah and
    Bengio 2016, arXiv:1511.06464 (numbers in [0, 1), one length).
    """
    request.refuse_images("sequences")
    steps = request.integer("T", request.argument, 2, _MOST_STEPS)
    num, seed = num_and_seed(request, _SIZES)
    num = min(num, request.limit or num)
    random, half = np.random.default_rng(seed), steps // 2
    sequence = allocate((num, steps, 2), np.float32)
    target = np.empty((num, 1), np.float32)
    for start in range(0, num, _BLOCK):
        block = np.zeros((_BLOCK, steps, 2), np.float32)
        block[..., 0] = random.random((_BLOCK, steps), np.float32)
        marked = np.stack([random.integers(half, size=_BLOCK), random.integers(half, steps, size=_BLOCK)], axis=1)
        np.put_along_axis(block[..., 1], marked, 1, axis=1)
        sums = np.take_along_axis(block[..., 0], marked, axis=1).sum(axis=1, keepdims=True)
        rows = slice(start, min(start + _BLOCK, num))
        sequence[rows], target[rows] = block[: rows.stop - start], sums[: rows.stop - start]
    return from_arrays(
        {"sequence": sequence, "target": target}, name=request.spec, split=request.split, licence=_LICENCE
    )


@source("copying", "T", options=_OPTIONS)
def open_copying(request):
    """Open the copying problem: ten symbols of eight kinds, to be given again T steps later.

    The symbols are followed by T - 1 blanks, a sign to go on, and ten blanks; a step is a one-hot vector of blank, the
    kinds a to h, and the sign. What is to be said is blank in the first T + 10 steps, then the symbols. The option
    `num=NUMBER` says how many sequences; the default is 50,000 for "train" and 1,000 for "test".

    Args:
        request: a `Request`. T is from 1 to 10,000. Splits: "train" and "test", which share no sequence.

    Returns:
        A `Source` of {"sequence": float32 `(n, T + 20, 10)`, "label": int64 `(n, T + 20)`, the class of each step}.
        Without a memory the cross-entropy is 10 ln 8 / (T + 20).

    Source: Arjovsky, Shah and Bengio 2016, "Unitary Evolution Recurrent Neural Networks", arXiv:1511.06464, after
    Hochreiter and Schmidhuber 1997, Neural Computation 9(8).
    """
    request.refuse_images("sequences")
    delay = request.integer("T", request.argument, 1, _MOST_STEPS)
    symbols = np.stack(
        drawn_apart(request, _SIZES, lambda random, num: random.integers(1, _GO, size=(num, NUM_SYMBOLS)))
    )
    label = np.full((len(symbols), delay + 2 * NUM_SYMBOLS), _BLANK, np.int64)
    label[:, -NUM_SYMBOLS:] = symbols
    sequence = allocate((*label.shape, _GO + 1), np.float32)
    sequence[:] = 0
    sequence[..., _BLANK] = 1
    sequence[:, :NUM_SYMBOLS] = np.eye(_GO + 1)[symbols]
    sequence[:, NUM_SYMBOLS + delay - 1] = np.eye(_GO + 1)[_GO]
    return from_arrays(
        {"sequence": sequence, "label": label},
        name=request.spec,
        split=request.split,
        class_names=("blank", *"abcdefgh"),
        licence=_LICENCE,
    )


@source("parity", "LENGTH", options={"shortest": "NUMBER", **_OPTIONS})
def open_parity(request):
    """Open strings of random bits, each with the parity of its sum.

    Lengths are equally likely, from the option `shortest=NUMBER` (default 1) to LENGTH: "parity:50,shortest=50" has one
    length. The option `num=NUMBER` says how many strings; the default is 50,000 for "train" and 1,000 for "test".

    Args:
        request: a `Request`. LENGTH is from 5 to 10,000. Splits: "train" and "test", which share no string; within one,
            short strings come again.

    Returns:
        A `Sequences` of {"sequence": float32 `(length, 1)`, "length", "label": int64 `(n,)`, 1 for an odd sum}.
    """
    strings = _bits(request)
    label = np.array([bits.sum() % 2 for bits in strings], np.int64)
    return _of_bits(request, strings, label, ("even", "odd"))


@source("ahead", "LENGTH", options={"shortest": "NUMBER", **_OPTIONS})
def open_ahead(request):
    """Open strings of random bits in which the class of a step is the bit of the next one, and 0 in the last one.

    Nothing up to a step tells its class, which only a network that also reads backwards can know. Options and splits
    are those of `parity`.

    Args:
        request: a `Request`.

    Returns:
        A `Sequences` of {"sequence": float32 `(length, 1)`, "length", "label": int64 `(length,)`, of each step}.
    """
    strings = _bits(request)
    return _of_bits(request, strings, [np.append(bits[1:], 0).astype(np.int64) for bits in strings], ("0", "1"))


def _bits(request):
    """Return strings of bits, a list of uint8 arrays."""
    request.refuse_images("sequences")
    longest = request.integer("LENGTH", request.argument, 5, _MOST_STEPS)
    shortest = request.integer("shortest", request.options.get("shortest", "1"), 1, longest)

    def draw(random, num):
        lengths = random.integers(shortest, longest + 1, size=num)
        bits = random.integers(2, size=(num, longest), dtype=np.uint8)
        return [row[:length] for row, length in zip(bits, lengths, strict=True)]

    return drawn_apart(request, _SIZES, draw)


def _of_bits(request, strings, label, class_names):
    arrays = {"sequence": [bits[:, None] for bits in strings], "label": label}
    return Sequences(arrays, name=request.spec, split=request.split, class_names=class_names, licence=_LICENCE)
