"""Reading small files that people and programs write: bounded, as text, as JSON; one line where that fails."""

import json
from pathlib import Path

MAX_BYTES = 64 * 2**20
MAX_DEPTH = 32  # of nested lists and mappings


def read_text(path, *, error, max_bytes=MAX_BYTES):
    """A file's text.

    Args:
        path: str or Path. A regular file of UTF-8 text.
        error: type. The error to raise.
        max_bytes: int. A larger file is refused before it is read. Defaults to 64 MiB.

    Returns:
        str.

    Raises:
        error: no such file, a pipe or a device, too large, or bytes that are not text.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise error(f"{path}: not a file")
        size = path.stat().st_size
        if size > max_bytes:
            raise error(f"{path}: {size:,} bytes; {max_bytes:,} at most are allowed")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as caught:
        raise error(f"{path}: cannot be read (not UTF-8 text, from byte {caught.start} on)") from None
    except OSError as caught:
        raise error(f"{path}: cannot be read ({caught.strerror or caught})") from None


def parse_json(text):
    """A JSON text's value; a one-line `ValueError` if it is not JSON, or is nested deeper than `MAX_DEPTH`."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if depth_of(value) > MAX_DEPTH:
        raise ValueError("nested too deeply")
    return value


def depth_of(value):
    """The depth to which lists and dicts are nested in a value, found without recursion."""
    depth, level = 0, [value]
    while level := [one for one in level if isinstance(one, (dict, list))]:
        depth += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return depth
