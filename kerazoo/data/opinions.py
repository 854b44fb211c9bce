"""`opinions`: sentences of a small grammar that are for something or against it, with their class."""

import numpy as np

from kerazoo.data.arrays import from_arrays
from kerazoo.data.schemes import source
from kerazoo.data.splits import drawn_apart
from kerazoo.data.text import text_array

_SIZES = {"train": (5_000, 0), "test": (1_000, 1)}  # split -> (number of sentences, seed)
_THINGS = ("food", "room", "film", "book", "music", "road", "garden", "weather", "bread", "story", "bridge", "tea")
_GOOD = ("good", "fine", "lovely", "bright", "great", "pleasant", "kind", "clever")
_BAD = ("bad", "dull", "awful", "dreary", "poor", "unpleasant", "rude", "clumsy")
_WORDS = _GOOD + _BAD
_TURNS = ("was", "was not", "was never", "was always")  # the second and the third turn the word round
_CLAUSES = ("", "as {0} said , ", "on the way to the {1} , ", "in {2} , ")
_NAMES, _MONTHS = ("anna", "tom", "mary", "john", "eve"), ("may", "june", "july", "october")


@source("opinions")
def open_opinions(request):
    """Open sentences such as "in may , the garden was not dull .", each for something or against it.

    Args:
        request: a `Request`. Splits: "train", 5,000, and "test", 1,000, which share no sentence; within one, short
            sentences come again.

    Returns:
        A `Source` of {"text": object array `(n,)` of str, "label": int64 `(n,)`, 1 for what is well spoken of}.
    """
    request.refuse_images("text")
    sizes = [len(part) for part in (_CLAUSES, _NAMES, _THINGS, _MONTHS, _THINGS, _TURNS, _WORDS)]
    drawn = drawn_apart(request, _SIZES, lambda random, num: random.integers(sizes, size=(num, len(sizes))))
    texts, labels = zip(*(_sentence(*places) for places in drawn), strict=True)
    return from_arrays(
        {"text": text_array(texts), "label": np.array(labels, np.int64)},
        name=request.spec,
        split=request.split,
        class_names=("against", "for"),
        licence="none needed (synthetic)",
    )


def _sentence(clause, name, place, month, thing, turn, word):
    """Return (a sentence, its class)."""
    before = _CLAUSES[clause].format(_NAMES[name], _THINGS[place], _MONTHS[month])
    text = f"{before}the {_THINGS[thing]} {_TURNS[turn]} {_WORDS[word]} ."
    return text, int((word < len(_GOOD)) != (turn in (1, 2)))
