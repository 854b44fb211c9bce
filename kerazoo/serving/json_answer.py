"""Arrays as the JSON of a REST answer, digit by digit as TensorFlow Serving writes it."""

import base64
import io
import json
from itertools import chain

import numpy as np

from kerazoo.serving.errors import invalid
from kerazoo.serving.json_request import ROW

CHUNK = 1 << 14  # values written at once; between chunks other threads get their turn
_DIGITS = {4: "%.9g", 8: "%.17g"}  # digits with which a float of this many bytes can be read back


def encode_predict(form, outputs):
    """The body that answers a predict request.

    Args:
        form: str. "instances" or "inputs", as in the request.
        outputs: dict of str to numpy.ndarray.

    Returns:
        bytes. JSON, with the tokens NaN, Infinity and -Infinity where they occur.

    Raises:
        RequestError: INVALID_ARGUMENT; a request in rows whose outputs have no common number of rows.
    """
    if not outputs:
        raise invalid("Cannot convert empty tensor map to JSON")
    key, pieces = ("predictions", _rows) if form == ROW else ("outputs", _columns)
    text = io.BytesIO()  # grows in pieces: as Python objects, all numbers at once take many times their text
    for piece in chain([f'{{\n    "{key}": '], pieces(dict(sorted(outputs.items()))), ["\n}"]):
        text.write(piece.encode("utf-8", "surrogatepass"))
    return text.getvalue()


def _rows(outputs):
    count = None
    for name, array in outputs.items():
        if array.ndim == 0:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if count not in (None, len(array)):
            raise invalid(f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {count}")
        count = len(array)
    if len(outputs) == 1:
        ((name, array),) = outputs.items()
        return _whole(_writer(name, array.dtype), array)
    columns = [_texts(_writer(name, array.dtype), array) for name, array in outputs.items()]
    names = [json.dumps(name) for name in outputs]
    rows = (_object(names, values) for values in zip(*columns, strict=True))
    return chain(["["], _separated(rows), ["]"])


def _columns(outputs):
    texts = {name: _whole(_writer(name, array.dtype), array) for name, array in outputs.items()}
    if len(texts) == 1:
        return next(iter(texts.values()))
    parts = (chain([f"{json.dumps(name)}: "], text) for name, text in texts.items())
    return chain(["{"], chain.from_iterable(_separated(parts, [", "])), ["}"])


def _object(names, values):
    return "{" + ", ".join(f"{name}: {value}" for name, value in zip(names, values, strict=True)) + "}"


def _separated(pieces, separator=", "):
    """Pieces with a separator between them."""
    for place, piece in enumerate(pieces):
        if place:
            yield separator
        yield piece


def _whole(write, array):
    """The JSON of an array, one piece per block."""
    if array.ndim == 0:
        return iter(write(array.reshape(1)))
    return chain(["["], _separated(", ".join(block) for block in _blocks(write, array)), ["]"])


def _texts(write, array):
    """The JSON of each `array[i]`."""
    return chain.from_iterable(_blocks(write, array))


def _blocks(write, array):
    """The same as lists of about `CHUNK` values each."""
    size = int(np.prod(array.shape[1:], dtype=np.int64))
    step = max(1, CHUNK // max(1, size))
    for start in range(0, len(array), step):
        block = array[start : start + step]
        if size > CHUNK:
            yield ["".join(_whole(write, part)) for part in block]
            continue
        texts = write(np.ascontiguousarray(block).reshape(-1))
        for axis in reversed(range(1, array.ndim)):
            side, groups = array.shape[axis], int(np.prod(block.shape[:axis], dtype=np.int64))
            texts = ["[" + ", ".join(texts[i * side : (i + 1) * side]) + "]" for i in range(groups)]
        yield texts


def _writer(name, dtype):
    if dtype.kind in "OSU":
        return _base64 if name.endswith("_bytes") else _strings
    if dtype.name in ("float16", "bfloat16"):
        return lambda values: _floats(values.astype(np.float32))
    if dtype.kind not in _WRITERS:
        raise invalid(f"Failed to write JSON value for tensor type: {dtype.name}")
    return _WRITERS[dtype.kind]


def _floats(values):
    """Floats as text: six digits if they give the number back, else all that it needs; whole numbers with ".0"."""
    numbers = values.tolist()
    texts = list(map("%.6g".__mod__, numbers))
    back = np.array(list(map(float, texts)), np.float64).astype(values.dtype)
    for place in np.flatnonzero((back != values) & np.isfinite(values)):
        texts[place] = _DIGITS[values.itemsize] % numbers[place]
    texts = [text if "." in text or "e" in text else text + ".0" for text in texts]
    for place in np.flatnonzero(~np.isfinite(values)):
        texts[place] = json.dumps(numbers[place])  # NaN, Infinity, -Infinity
    return texts


def _strings(values):
    return [_text(value) for value in values.tolist()]


def _text(value):
    """A string as text; bytes that are not UTF-8 as base64, since JSON cannot hold them."""
    try:
        return json.dumps(value.decode(), ensure_ascii=False)
    except UnicodeDecodeError:
        return _base64_object(value)


def _base64(values):
    return [_base64_object(value) for value in values.tolist()]


def _base64_object(value):
    return f'{{"b64": "{base64.b64encode(value).decode()}"}}'


def _integers(values):
    return list(map(str, values.tolist()))


def _booleans(values):
    return ["true" if value else "false" for value in values.tolist()]


_WRITERS = {"f": _floats, "i": _integers, "u": _integers, "b": _booleans}
