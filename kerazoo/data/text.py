"""Raw text: `text:PATH`, files of one's own, and `verse`, a short text that ships with the package."""

import gzip
import os
import zlib
from pathlib import Path

import numpy as np

from kerazoo.data.schemes import source
from kerazoo.data.sources import from_arrays
from kerazoo.utils.errors import DataError

DATA_DIR = "KERAZOO_DATA_DIR"
_GZIP = b"\x1f\x8b"
_SUFFIXES = (".txt", ".txt.gz")


@source("text", "PATH")
def open_text(request):
    """Open a text file, or all `.txt` (and `.txt.gz`) files of a folder and the folders in it, in sorted order.

    Files are UTF-8, plain or compressed with gzip. A byte order mark is left out; line ends of Windows become "\\n".
    A relative path that does not exist in the working directory is looked for in the folder `KERAZOO_DATA_DIR`.

    Args:
        request: a `Request`. Splits: "train" is the first 90% of the characters, "validation" and "test" are the two
            halves of what follows, "all" is everything. Of a folder, the characters of all files in a row are
            divided; each file stays a text of its own.

    Returns:
        A `Source` of {"text": object array `(n,)` of str}, one text a file.

    Raises:
        DataError: there is no such file, it is empty, not UTF-8 or damaged, or the split is unknown or empty.
    """
    refuse_images(request)
    root = find_path(request, request.argument)
    if root.is_dir():
        found = [path.relative_to(root) for path in root.rglob("*") if path.name.endswith(_SUFFIXES)]
        paths = [root / path for path in sorted(found) if not any(part.startswith(".") for part in path.parts)]
        if not paths:
            raise DataError(f"{request.spec}: no text files in {root} (looked for {' and '.join(_SUFFIXES)})")
    else:
        paths = [root]
    texts = [text for text in (read_text(request, path) for path in paths) if text]
    return _cut(request, texts)


@source("verse")
def open_verse(request):
    """Open a few thousand characters of plain English verse, written for kerazoo; needs no files.

    Args:
        request: a `Request`. Splits as those of `text:PATH`.

    Returns:
        A `Source` of {"text": object array `(1,)` of str}.
    """
    refuse_images(request)
    text = Path(__file__).with_name("verse.txt").read_text(encoding="utf-8")
    return _cut(request, [text], licence="Apache-2.0 (written for kerazoo)")


def refuse_images(request):
    """Raise a `DataError` where images are asked of a source of text."""
    if request.fixed_shape is not None:
        raise DataError(f"{request.spec} holds text where images of shape {request.fixed_shape} are asked for")


def find_path(request, path):
    """Return where a path of a spec lies: as it is written, or else in the folder `KERAZOO_DATA_DIR`.

    Raises:
        DataError: in neither place is there such a file or folder.
    """
    places = [Path(path).expanduser()]
    if os.environ.get(DATA_DIR) and not places[0].is_absolute():
        places.append(Path(os.environ[DATA_DIR]).expanduser() / path)
    for place in places:
        if place.exists():
            return place
    looked = " and ".join(str(place.absolute()) for place in places)
    hint = "" if len(places) > 1 or places[0].is_absolute() else f"; set {DATA_DIR} to a folder that has it"
    raise DataError(f"{request.spec}: no such file; looked for {looked}{hint}")


def read_text(request, path):
    """Return the text of a UTF-8 file, plain or compressed with gzip (seen by its first bytes, not by its name).

    Raises:
        DataError: the file cannot be read, its compression is damaged, or it is not UTF-8.
    """
    try:
        data = path.read_bytes()
        if data.startswith(_GZIP):
            data = gzip.decompress(data)
        elif path.suffix == ".gz":
            raise DataError(f"{request.spec}: {path} is not compressed with gzip: rename it, or fetch it again")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{request.spec}: {path} is damaged ({error}): fetch it again") from error
    except OSError as error:
        raise DataError(f"{request.spec}: {path} cannot be read ({error.strerror or error})") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataError(
            f"{request.spec}: {path} is not UTF-8 (byte 0x{data[error.start]:02x} in line {line:,}): convert it, for "
            "example with iconv -f latin1 -t utf-8"
        ) from error
    return text.replace("\r\n", "\n")


def text_array(texts):
    """Return strings as an object array `(n,)`."""
    array = np.empty(len(texts), object)
    array[:] = texts
    return array


def _cut(request, texts, **details):
    """Return the source of the part of the texts that the request's split names."""
    total = sum(map(len, texts))
    if not total:
        raise DataError(f"{request.spec}: the text is empty")
    # The positions of TFDS's tiny_shakespeare: int(0.9 n), and half of what is left.
    end_train = int(total * 0.9)
    end_validation = end_train + int((total - end_train) * 0.5)
    bounds = {
        "train": (0, end_train),
        "validation": (end_train, end_validation),
        "test": (end_validation, total),
        "all": (0, total),
    }
    if request.split not in bounds:
        raise request.no_split(bounds)
    first, last = bounds[request.split]
    if first == last:
        raise DataError(f"{request.spec}: its {total} characters leave none for {request.split!r}: use split 'all'")
    parts, start = [], 0
    for text in texts:
        part = text[max(0, first - start) : max(0, last - start)]
        start += len(text)
        if part:
            parts.append(part)
    return from_arrays({"text": text_array(parts)}, name=request.spec, split=request.split, **details)


def texts_of(source):
    """The texts of a source, a list of str; a `DataError` where it has none."""
    if "text" not in source.arrays:
        entries = ", ".join(source.arrays)
        raise DataError(f"a character language model trains on text; {source.info.name} has: {entries}")
    return [str(text) for text in source.arrays["text"]]
