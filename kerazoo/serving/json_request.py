"""A REST request's JSON as arrays, with TensorFlow Serving's rules and wording. Imports no TensorFlow."""

import json
import math

import numpy as np

from kerazoo.serving.errors import Code, RequestError, invalid
from kerazoo.serving.json_values import Irregular, fast_array, is_base64, show, slow_array, to_array
from kerazoo.serving.signatures import find_signature

ROW, COLUMN = "instances", "inputs"


def parse(body):
    """The JSON object of a body; NaN and Infinity are numbers.

    Raises:
        RequestError: INVALID_ARGUMENT; not JSON, or not an object.
    """
    if not body.strip():
        raise invalid("JSON Parse error: The document is empty")
    try:
        document = json.loads(body)
    except json.JSONDecodeError as error:
        reason = error.msg.replace("Expecting value", "Invalid value")
        raise invalid(f"JSON Parse error: {reason}. at offset: {error.pos}") from None
    except RecursionError:
        raise invalid("JSON Parse error: the values are nested too deep") from None
    except ValueError as error:  # bytes that are not UTF-8, integers of thousands of digits
        raise invalid(f"JSON Parse error: {error}") from None
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {show(document)} Is not object")
    return document


def _refuse_overflow(body):
    """Raise if the text has a number too large for float64, which Python reads as infinity."""
    json.loads(body, parse_float=_finite)


def _finite(text):
    value = float(text)
    if math.isinf(value):
        raise invalid(f"JSON Parse error: Number too big to be stored in double: {text}")
    return value


def signature_name(document):
    """The `signature_name` of a request, "" if it has none."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {show(document)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return name


def decode_predict(body, signatures, max_rows):
    """Read the body of a predict request.

    Args:
        body: bytes.
        signatures: dict of str to Signature, of the version that is asked for; or the RequestError for it.
        max_rows: int. Rows of one request at most.

    Returns:
        (str, str, dict of str to numpy.ndarray). The signature's name, "instances" or "inputs", the arrays.

    Raises:
        RequestError: the body is wrong, the version or the signature does not exist.
    """
    document = parse(body)
    name = signature_name(document)
    if isinstance(signatures, RequestError):
        raise signatures
    message = 'Serving signature name: "{}" not found in signature def'
    signature = find_signature(signatures, name, Code.INVALID_ARGUMENT, message)
    if not signature.inputs:
        raise invalid(f"Failed to get input map for signature: {name or 'DEFAULT'}")
    if ROW in document and COLUMN in document:
        raise invalid(
            f"JSON Value: {show(document)} Not formatted correctly expecting only one of "
            f"'{COLUMN}' or '{ROW}' keys to exist "
        )
    for form, read in ((ROW, _rows), (COLUMN, _columns)):
        if form in document:
            types = {alias: spec.dtype for alias, spec in signature.inputs.items()}
            if form == ROW:
                _check_count(document[form], max_rows)
            arrays = read(document[form], types, signature.defaults)
            if any(array.dtype.kind == "f" and np.isinf(array).any() for array in arrays.values()):
                _refuse_overflow(body)  # only now: it is slow, and "Infinity" may be intended
            return signature.name, form, arrays
    raise invalid("Missing 'inputs' or 'instances' key")


def _check_count(value, max_rows):
    if isinstance(value, list) and len(value) > max_rows:  # before any of them becomes an array
        raise invalid(f"{len(value)} rows in '{ROW}'; one request may have {max_rows} (option --max-rows)")


def _columns(value, types, defaults):
    if not isinstance(value, dict) or is_base64(value):
        if len(types) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        ((name, dtype),) = types.items()
        return {name: to_array(value, dtype)}
    for name in sorted(types.keys() - value.keys() - defaults.keys()):
        raise invalid(f"Missing named input: {name} in 'inputs' object.")
    # TensorFlow Serving ignores other names here.
    return {name: to_array(value[name], dtype) for name, dtype in types.items() if name in value}


def _rows(value, types, defaults):
    if not isinstance(value, list):
        raise invalid(f"JSON Value: {show(value)} Excepting '{ROW}' to be an list/array")
    if not value:
        raise invalid(f"JSON Value: {show(value)} No values in '{ROW}' array")
    if not isinstance(value[0], dict) and len(types) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    objects = _is_object(value[0])
    for place, item in enumerate(value):
        if objects != _is_object(item):
            expected, got = ("object", "list") if objects else ("value/list", "object")
            raise invalid(f"Expecting {expected} but got {got} at item {place} of input list")
        if objects:
            _check_keys(place, item, types, defaults)
    if not objects:
        (name,) = types
        return {name: _stack(value, types[name], "")}
    return {name: _stack([item[name] for item in value], types[name], f" key: {name}") for name in value[0]}


def _check_keys(place, item, types, defaults):
    for name in item:
        if name not in types:
            raise invalid(
                f"Failed to process element: {place} key: {name} of 'instances' list. Error: "
                f"INVALID_ARGUMENT: JSON object: does not have named input: {name}"
            )
    if types.keys() - item.keys() - defaults.keys():
        raise invalid(
            f"Failed to process element: {place} of 'instances' list. JSON object: {show(item)} "
            f"keys must be equal to: {','.join(sorted(types))}"
        )


def _stack(items, dtype, where):
    """The array of one input's rows."""
    try:
        return fast_array(items, dtype)
    except Irregular:
        pass
    rows = []
    for place, item in enumerate(items):
        try:
            rows.append(slow_array(item, dtype))
            first = rows[0]
            if rows[-1].size != first.size:
                raise invalid(f"Expecting tensor size: {first.size} but got: {rows[-1].size}")
            if rows[-1].shape != first.shape:
                raise invalid(f"Expecting shape {_shape(first)} but got: {_shape(rows[-1])}")
        except RequestError as error:
            name = error.code.name
            raise RequestError(
                error.code, f"Failed to process element: {place}{where} of 'instances' list. Error: {name}: {error}"
            ) from None
    return np.stack(rows)


def _is_object(value):
    return isinstance(value, dict) and not is_base64(value)


def _shape(array):
    return "[" + ",".join(map(str, array.shape)) + "]"
