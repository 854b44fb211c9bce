"""`xml:DEPTH`: nested tags from a grammar whose entropy is known."""

import math

import numpy as np

from kerazoo.data.arrays import from_arrays
from kerazoo.data.schemes import source
from kerazoo.data.splits import num_and_seed
from kerazoo.data.text import text_array

_SIZES = {"train": (10_000, 0), "test": (1_000, 1)}  # split -> (number of texts, seed)
# No two begin alike.
NAMES = (
    *("aside", "body", "cell", "div", "em", "form", "grid", "head"),
    *("item", "jump", "key", "list", "menu", "note", "ol", "page"),
)
_DEFAULT = "8"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SHORTEST, _LONGEST = 2, 10  # letters of a random name
_END = "\n"


@source("xml", "DEPTH", options={"names": "NUMBER|random", "num": "NUMBER"})
def open_xml(request):
    """Open texts of tags that are closed in the right order, at most DEPTH of them open at once.

    A text begins with an open tag. Then, each time with a probability of one half, the tag that was opened last is
    closed, or the text ends with a line end where none is open; otherwise another tag is opened. With DEPTH tags open
    one must be closed. Names are `names=NUMBER` words (default 8, at most 16), equally likely; or, with `names=random`,
    2 to 10 random letters, as in the paper. The option `num=NUMBER` says how many texts; the default is 10,000 for
    "train" and 1,000 for "test".

    Args:
        request: a `Request`. DEPTH is from 1 to 100. Splits: "train" and "test", drawn independently; short texts are
            likely, and occur in both.

    Returns:
        A `Source` of {"text": object array `(n,)` of str, "nats": float32 `(n,)`, -log p of each under the grammar}. No
        model predicts such texts, read in a row, with fewer nats on average.

    Source: Jozefowicz, Zaremba and Sutskever 2015, "An Empirical Exploration of Recurrent Network Architectures", ICML;
    there tags are closed from the fiftieth step on, whatever the depth.
    """
    request.refuse_images("text")
    depth = request.integer("DEPTH", request.argument, 1, 100)
    names = request.options.get("names", _DEFAULT)
    draw = _random_name if names == "random" else _words(request.integer("names", names, 1, len(NAMES)))
    num, seed = num_and_seed(request, _SIZES)
    random = np.random.default_rng(seed)
    num = min(num, request.limit or num)
    texts, nats = zip(*(_text(depth, draw, random) for _ in range(num)), strict=True)
    return from_arrays(
        {"text": text_array(texts), "nats": np.array(nats, np.float32)},
        name=request.spec,
        split=request.split,
        licence="none needed (synthetic)",
    )


def _text(depth, draw, random):
    """Return (a text, its -log p)."""
    parts, still_open, nats = [], [], 0.0
    while True:
        if parts and len(still_open) < depth:
            nats += math.log(2)
        if parts and (len(still_open) == depth or random.random() < 0.5):
            if not still_open:
                return "".join(parts) + _END, nats
            parts.append(f"</{still_open.pop()}>")
            continue
        name, cost = draw(random)
        still_open.append(name)
        parts.append(f"<{name}>")
        nats += cost


def _words(num):
    """Return the function `random -> (name, -log p)` of the first of `NAMES`."""
    return lambda random: (NAMES[random.integers(num)], math.log(num))


def _random_name(random):
    length = random.integers(_SHORTEST, _LONGEST + 1)
    name = "".join(_LETTERS[index] for index in random.integers(len(_LETTERS), size=length))
    return name, math.log(_LONGEST + 1 - _SHORTEST) + length * math.log(len(_LETTERS))
