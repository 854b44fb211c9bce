"""Raw pairs of texts: `pairs:SOURCE,TARGET` from two files, and the made-up tasks `copy` and `reversal`."""

import warnings

import numpy as np

from kerazoo.data.arrays import from_arrays
from kerazoo.data.paths import SPLIT, find_path, splits_of_files
from kerazoo.data.schemes import source
from kerazoo.data.splits import num_and_seed
from kerazoo.data.text import read_text, text_array
from kerazoo.utils.errors import DataError

_NUM_STRINGS = {"train": (20_000, 0), "test": (1_000, 1)}  # split -> (number of strings, seed)
_LENGTHS = "20-30"
# Of 26**8 strings and more, no two come out equal, within a split or between the two.
_SHORTEST, _LONGEST = 8, 1_000


@source("pairs", "SOURCE,TARGET")
def open_pairs(request):
    """Open two text files whose lines belong together, such as sentences and their translations.

    Files are UTF-8, plain or compressed with gzip, one sentence a line. `{split}` in the paths stands for the split:
    "pairs:multi30k/{split}.en.gz,multi30k/{split}.de.gz" with split "train" reads multi30k/train.en.gz and
    multi30k/train.de.gz. Without `{split}` every split is the whole of the two files. A relative path that does not
    exist in the working directory is looked for in the folder `KERAZOO_DATA_DIR`.

    Args:
        request: a `Request`.

    Returns:
        A `Source` of {"source": object array `(n,)` of str, "target": object array `(n,)` of str}, without the spaces
        around a line. Pairs with an empty side are left out, and one warning counts them.

    Raises:
        DataError: not two paths, a file that is missing, empty, not UTF-8 or damaged, or files of different length.
    """
    request.refuse_images("text")
    paths = [path.strip() for path in request.argument.split(",")]
    if len(paths) != 2 or not all(paths):
        raise DataError(f"{request.spec}: write pairs:SOURCE,TARGET, two paths with one comma between them")
    splits = sorted({split for path in paths for split in splits_of_files(request, path)})
    if splits and request.split not in splits and all(SPLIT in path for path in paths):
        raise request.no_split(splits)
    sides = [_read_lines(request, path) for path in paths]
    if len(sides[0]) != len(sides[1]):
        raise DataError(
            f"{request.spec}: {paths[0]} has {len(sides[0]):,} lines and {paths[1]} has {len(sides[1]):,}: line n of "
            "one must belong to line n of the other"
        )
    full = [pair for pair in zip(*sides, strict=True) if all(pair)]
    if not full:
        raise DataError(f"{request.spec}[{request.split}]: no pairs; every line of one file or the other is empty")
    if len(full) < len(sides[0]):
        warnings.warn(
            f"{request.spec}[{request.split}]: left out {len(sides[0]) - len(full):,} of {len(sides[0]):,} pairs with "
            "an empty side",
            stacklevel=4,
        )
    return _as_source(request, *zip(*full, strict=True))


@source("reversal", "LENGTHS", optional=True)
def open_reversal(request):
    """Open strings of random letters a to z, each with itself backwards: "abc" and "cba".

    Args:
        request: a `Request`. LENGTHS are one number or two, from 8 to 1000, by default "20-30". Splits: "train"
            (20,000 strings) and "test" (1,000 others).

    Returns:
        A `Source` of {"source": object array `(n,)` of str, "target": object array `(n,)` of str}.
    """
    strings = _random_strings(request)
    return _as_source(request, strings, [string[::-1] for string in strings], licence="none needed (synthetic)")


@source("copy", "LENGTHS", optional=True)
def open_copy(request):
    """Open the strings of `reversal`, each with itself ("abc" and "abc"); arguments, result as for `open_reversal`."""
    strings = _random_strings(request)
    return _as_source(request, strings, strings, licence="none needed (synthetic)")


def _read_lines(request, path):
    """Return the lines of a file, without the spaces around them."""
    found = find_path(request, path.replace(SPLIT, request.split), folders=False)
    text = read_text(request, found)
    if not text:
        raise DataError(f"{request.spec}: {found} is empty")
    return [line.strip() for line in text.removesuffix("\n").split("\n")]


def _random_strings(request):
    request.refuse_images("text")
    num, seed = num_and_seed(request, _NUM_STRINGS)
    random = np.random.default_rng(seed)
    first, _, last = (request.argument or _LENGTHS).partition("-")
    shortest = request.integer("LENGTHS", first, _SHORTEST, _LONGEST)
    longest = request.integer("LENGTHS", last or first, shortest, _LONGEST)
    lengths = random.integers(shortest, longest + 1, num)
    letters = (ord("a") + random.integers(0, 26, (num, longest))).astype(np.uint8)
    return [row[:length].tobytes().decode() for row, length in zip(letters, lengths, strict=True)]


def _as_source(request, sources, targets, **details):
    arrays = {"source": text_array(sources), "target": text_array(targets)}
    return from_arrays(arrays, name=request.spec, split=request.split, **details)
