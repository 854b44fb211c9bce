"""Values of a JSON document as arrays, with TensorFlow Serving's rules and wording. Imports no TensorFlow."""

import base64
import binascii
import json
from itertools import chain

import numpy as np

from kerazoo.serving.errors import Code, RequestError, invalid

_SHOWN = 200  # characters of a value in an error message
_MAX_RANK = 32  # NumPy's, before version 2


class Irregular(Exception):  # noqa: N818
    """The fast path met a value that it leaves to the slow one, which knows every rule and message."""


def to_array(value, dtype):
    """The array of a JSON value: numbers, strings, booleans, or lists of them to any depth.

    Args:
        value: what `json.loads` gives.
        dtype: str. TensorFlow's name.

    Returns:
        numpy.ndarray. Strings are bytes in an object array.

    Raises:
        RequestError: INVALID_ARGUMENT; ragged, or of another type. UNIMPLEMENTED; a type that JSON cannot carry.
    """
    try:
        return fast_array(value, dtype)
    except Irregular:
        return slow_array(value, dtype)


def fast_array(value, dtype):
    """The array of a regular value, from whole lists instead of value by value."""
    shape, items = [], [value]
    while items and type(items[0]) is list:
        sizes = set(map(len, items)) if set(map(type, items)) == {list} else ()
        if len(sizes) != 1:
            raise Irregular
        shape.extend(sizes)
        items = items[0] if len(items) == 1 else list(chain.from_iterable(items))
    kinds, convert = _TYPES.get(dtype, ((), None))
    if len(shape) > _MAX_RANK or not set(map(type, items)) <= set(kinds):
        raise Irregular
    return convert(items, dtype).reshape(shape)


def slow_array(value, dtype):
    """The same, value by value like TensorFlow Serving, for its error messages."""
    shape, first = [], value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    if len(shape) > _MAX_RANK:
        raise invalid(f"JSON Value: {show(value)} is nested {len(shape)} deep; {_MAX_RANK} is the limit")
    if dtype not in _TYPES:
        raise RequestError(Code.UNIMPLEMENTED, f"Conversion of JSON Value: {show(value)} to type: {dtype}")
    items = []
    _walk(value, 0, shape, dtype, items)
    return _TYPES[dtype][1](items, dtype).reshape(shape)


def _walk(value, level, shape, dtype, items):
    if isinstance(value, list):
        if level >= len(shape):
            raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
        if len(value) != shape[level]:
            raise invalid(
                f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
            )
        for item in value:
            _walk(item, level + 1, shape, dtype, items)
        return
    if level != len(shape):
        raise invalid(
            f"JSON Value: {show(value)} found at incorrect level: {level + 1} in the JSON DOM. "
            f"Expected at level: {len(shape)}"
        )
    if type(value) not in _TYPES[dtype][0]:
        raise _type_error(value, dtype)
    items.append(value)


def _floats(items, dtype):
    try:
        wide = np.array(items, np.float64)
    except OverflowError:  # an integer too large for float64
        raise invalid(
            f"Cannot convert JSON value: {show(max(items, key=abs))} to {dtype} without loss of precision."
        ) from None
    with np.errstate(over="ignore"):
        array = wide.astype(_NUMPY[dtype])
    limit = 2 ** (24 if dtype == "float" else 53) - 1  # not all integers above it are floats
    suspicious = np.isfinite(wide) & ((np.abs(wide) > limit) | ~np.isfinite(array))
    for place in np.flatnonzero(suspicious):
        value = items[place]
        if not np.isfinite(array[place]) or (type(value) is int and -(2**63) <= value < 2**64):
            raise _lossy(value, dtype)
    return array


def _lossy(value, dtype):
    return invalid(f"Cannot convert JSON value: {show(value)} to {dtype} without loss of precision.")


def _integers(items, dtype):
    bounds = np.iinfo(_NUMPY[dtype])
    if items and not (bounds.min <= min(items) and max(items) <= bounds.max):
        raise _type_error(next(item for item in items if not bounds.min <= item <= bounds.max), dtype)
    return np.array(items, _NUMPY[dtype])


def _booleans(items, dtype):
    return np.array(items, np.bool_)


def _strings(items, dtype):
    array = np.empty(len(items), object)
    array[:] = [_base64(item) if isinstance(item, dict) else _utf8(item) for item in items]
    return array


def _utf8(text):
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise invalid(f"JSON Value: {show(text)} is not valid text (a lone surrogate)") from None


def _base64(value):
    if not is_base64(value):
        raise invalid(f"JSON Value: {show(value)} not formatted correctly for base64 data")
    text = "".join(value["b64"].split()).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid("Unable to base64 decode") from None


def is_base64(value):
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


_NAMES = {type(None): "Null", dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}


def _type_error(value, dtype):
    kind = str(value) if isinstance(value, bool) else _NAMES[type(value)]
    return invalid(f"JSON Value: {show(value)} Type: {kind} is not of expected type: {dtype}")


def show(value):
    """A JSON value in an error message, cut short."""
    text = ""
    for piece in json.JSONEncoder(ensure_ascii=False).iterencode(value):
        text += piece
        if len(text) > _SHOWN:
            return text[:_SHOWN] + "..."
    return text


_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_NUMPY = {"float": np.float32, "double": np.float64, "bool": np.bool_, "string": object}
_NUMPY |= {name: np.dtype(name).type for name in _INTEGERS}
# The Python types that carry a dtype in JSON, and the function that makes their array.
_TYPES = {"float": ({int, float}, _floats), "double": ({int, float}, _floats)}
_TYPES |= {"bool": ({bool}, _booleans), "string": ({str, dict}, _strings)}
_TYPES |= {name: ({int}, _integers) for name in _INTEGERS}
