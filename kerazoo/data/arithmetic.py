"""`arithmetic:DIGITS`: sums and differences as text, with letters in between that mean nothing."""

import numpy as np

from kerazoo.data.arrays import from_arrays
from kerazoo.data.schemes import source
from kerazoo.data.splits import drawn_apart, num_and_seed
from kerazoo.data.text import text_array

_SIZES = {"train": (50_000, 0), "test": (1_000, 1)}  # split -> (number of problems, seed)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_EQUALS, _END = "=", "."


@source("arithmetic", "DIGITS", options={"num": "NUMBER"})
def open_arithmetic(request):
    """Open sums and differences of two numbers: "3e36d9-h1h39f94eeh43keg3c=-13991064." is 3369 - 13994433.

    Numbers have 1 to DIGITS digits, each as likely, and between two characters of a problem stand letters, one on
    average (a geometric distribution), which a model has to learn to ignore. The answer ends with a full stop, so that
    texts can be read in a row: 40 characters in all. The option `num=NUMBER` says how many; the default is 50,000 for
    "train" and 1,000 for "test".

    Args:
        request: a `Request`. DIGITS is from 1 to 15. Splits: "train" and "test", which share no problem, whatever the
            letters in between.

    Returns:
        A `Source` of {"text": object array `(n,)` of str, "answer": int64 `(n,)`, the place in each where its answer
        begins}. All before it is random.

    Source: Jozefowicz, Zaremba and Sutskever 2015, "An Empirical Exploration of Recurrent Network Architectures", ICML;
    without the letters Zaremba and Sutskever 2014, "Learning to Execute", arXiv:1410.4615.
    """
    request.refuse_images("text")
    most = request.integer("DIGITS", request.argument, 1, 15)

    def draw(random, num):
        digits = random.integers(1, most + 1, size=(num, 2))
        numbers = random.integers(np.where(digits > 1, 10 ** (digits - 1), 0), 10**digits)
        return np.concatenate([numbers, random.integers(2, size=(num, 1))], axis=1)

    problems = drawn_apart(request, _SIZES, draw)
    random = np.random.default_rng([num_and_seed(request, _SIZES)[1], 1])
    texts = [_text(*problem, random) for problem in problems]
    return from_arrays(
        {"text": text_array(texts), "answer": np.array([text.index(_EQUALS) + 1 for text in texts], np.int64)},
        name=request.spec,
        split=request.split,
        licence="none needed (synthetic)",
    )


def _text(first, second, minus, random):
    """Return a problem and its answer, with letters in between that are drawn from `random`."""
    characters = f"{first}{'-' if minus else '+'}{second}{_EQUALS}"
    counts = random.geometric(0.5, len(characters) - 1) - 1
    letters = "".join(_LETTERS[index] for index in random.integers(len(_LETTERS), size=counts.sum()))
    ends = np.cumsum(counts)
    between = [letters[end - count : end] for end, count in zip(ends, counts, strict=True)]
    spelt = characters[0] + "".join(part + character for part, character in zip(between, characters[1:], strict=True))
    return f"{spelt}{first - second if minus else first + second}{_END}"
