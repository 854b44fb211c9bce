"""Raw text: `text:PATH`, your own files, and `verse`, a short text that ships with the package."""

import warnings
import zlib
from pathlib import Path

import numpy as np

from kerazoo.data.arrays import from_arrays
from kerazoo.data.paths import SPLIT, counted, find_path, named, printable, splits_of_files, walk
from kerazoo.data.schemes import source
from kerazoo.utils.errors import DataError

_GZIP = b"\x1f\x8b"
# Text shrinks to between a third and a tenth; gzip can reach a thousandth, and 2 MB then fill the memory.
_MOST_UNPACKED, _MOST_RATIO = 2**24, 100
# Byte order marks, the longer ones first; none where the bytes themselves show the encoding.
_OTHERS = (
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
    (b"", "UTF-16LE"),
    (b"", "UTF-16BE"),
)
_SUFFIXES = (".txt", ".txt.gz")


@source("text", "PATH")
def open_text(request):
    """Open a text file, or all `.txt` (and `.txt.gz`) files of a folder and the folders in it, in sorted order.

    Files are UTF-8, plain or compressed with gzip. A byte order mark is left out; line ends of Windows become "\\n".
    A relative path that does not exist in the working directory is looked for in the folder `KERAZOO_DATA_DIR`.
    Where texts are divided already, `{split}` in the path stands for the split: "text:ptb.{split}.txt" with split
    "valid" is all of ptb.valid.txt.

    Args:
        request: a `Request`. Splits of a path without `{split}`: "train" is the first 90% of the characters,
            "validation" and "test" are the two halves of what follows, "all" is everything. In a folder, the characters
            of all files in a row are divided; each file remains a separate text.

    Returns:
        A `Source` of {"text": object array `(n,)` of str}, one text per file.

    Raises:
        DataError: there is no such file, it is empty, not UTF-8 or damaged, or the split is unknown or empty.
    """
    request.refuse_images("text")
    if SPLIT in request.argument:
        splits = splits_of_files(request, request.argument)
        if splits and request.split not in splits:
            raise request.no_split(splits)
    root = find_path(request, request.argument.replace(SPLIT, request.split))
    if root.is_dir():
        files, left_out = walk(root)
        found, unusable = ([path for path in paths if _is_text(path)] for paths in (sorted(files), left_out))
        if unusable:
            reasons = named({path: left_out[path] for path in unusable})
            warnings.warn(
                f"{request.spec}: left out {counted(len(unusable), 'file')} that cannot be used: {reasons}",
                stacklevel=4,
            )
        paths = [root / path for path in found]
        if not paths:
            raise DataError(f"{request.spec}: no text files in {root} (looked for {' and '.join(_SUFFIXES)})")
    else:
        paths = [root]
    texts = [text for text in (read_text(request, path) for path in paths) if text]
    if SPLIT in request.argument and texts:
        return from_arrays({"text": text_array(texts)}, name=request.spec, split=request.split)
    return _cut(request, texts)


@source("verse")
def open_verse(request):
    """Open a few thousand characters of plain English verse, written for kerazoo; needs no files.

    Args:
        request: a `Request`. Splits as those of `text:PATH`.

    Returns:
        A `Source` of {"text": object array `(1,)` of str}.
    """
    request.refuse_images("text")
    text = Path(__file__).with_name("verse.txt").read_text(encoding="utf-8")
    return _cut(request, [text], licence="Apache-2.0 (written for kerazoo)")


def _is_text(path):
    return path.name.endswith(_SUFFIXES) and not any(part.startswith(".") for part in path.parts)


def read_text(request, path):
    """Return the text of a UTF-8 file, plain or compressed with gzip (seen by its first bytes, not by its name).

    Raises:
        DataError: the file cannot be read, its compression is damaged, it unpacks to far more than text does, or it is
            not UTF-8.
    """
    owner = f"{request.spec}: {printable(path)}"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{owner} cannot be read ({error.strerror or error})") from error
    if data.startswith(_GZIP):
        data = _unpack(owner, data)
    elif path.suffix == ".gz":
        raise DataError(f"{owner} is not compressed with gzip: rename it, or fetch it again")
    return decode_text(owner, data)


def decode_text(owner, data):
    """Return the text of the bytes of a UTF-8 file, without a byte order mark and with "\\n" as line ends.

    Args:
        owner: str, the file's name in messages.
        data: bytes.

    Returns:
        str.

    Raises:
        DataError: the bytes are not UTF-8; the line says what they seem to be.
    """
    for mark, encoding in _OTHERS:
        if data.startswith(mark) if mark else _has_empty_halves(data, encoding):
            raise DataError(
                f"{owner} is {encoding}, not UTF-8: convert it with iconv -f {encoding} -t UTF-8 FILE > NEWFILE"
            )
    zero = data.find(b"\0")
    if zero >= 0:
        raise DataError(f"{owner} is not text (byte {zero:,} is 0): give a file of UTF-8 text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataError(
            f"{owner} is not UTF-8 (byte 0x{data[error.start]:02x} in line {line:,}): convert it, for example with "
            "iconv -f latin1 -t utf-8"
        ) from error
    return text.replace("\r\n", "\n")


def _unpack(owner, data):
    """Return what gzip compressed, all members of it, unless that is far more than any text."""
    most = _MOST_UNPACKED + _MOST_RATIO * len(data)
    parts, size = [], 0
    try:
        while data:
            member = zlib.decompressobj(wbits=31)
            while data and not member.eof:
                parts.append(member.decompress(data, most + 1 - size))
                size += len(parts[-1])
                if size > most:
                    raise DataError(
                        f"{owner} unpacks to more than {most / 2**20:,.0f} MiB, a hundred times its size, which no "
                        "text does: unpack it yourself if this is intended"
                    )
                data = member.unconsumed_tail
            if not member.eof:
                raise DataError(f"{owner} is damaged (it ends too early): fetch it again")
            data = member.unused_data.lstrip(b"\0")  # padding is allowed between members and at the end
    except zlib.error as error:
        raise DataError(f"{owner} is damaged ({error}): fetch it again") from error
    return b"".join(parts)


def _has_empty_halves(data, encoding):
    """Tell whether every other byte is 0, as in UTF-16 of Latin letters without a byte order mark."""
    start = data[:1024]
    odd, even = start[1::2], start[0::2]
    empty, full = (odd, even) if encoding == "UTF-16LE" else (even, odd)
    return len(start) > 1 and empty.count(0) > 0.8 * len(empty) and full.count(0) < 0.2 * len(full)


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
