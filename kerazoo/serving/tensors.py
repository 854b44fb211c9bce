"""NumPy arrays and the protocol buffers of TensorFlow, as TensorFlow Serving reads and writes them."""

import numpy as np
import tensorflow as tf

from kerazoo.serving.errors import Code, RequestError, invalid
from kerazoo.serving.signatures import Spec, show_shape

CHUNK = 1 << 16  # values turned into Python objects at once; between chunks other threads get their turn

MAX_RANK = 254  # TensorFlow's

# The repeated field of TensorProto that holds each type's values, and their type as Python objects.
_FIELDS = {
    tf.float32: ("float_val", None),
    tf.float64: ("double_val", None),
    tf.int32: ("int_val", None),
    tf.uint8: ("int_val", None),
    tf.int16: ("int_val", None),
    tf.int8: ("int_val", None),
    tf.uint16: ("int_val", None),
    tf.string: ("string_val", None),
    tf.int64: ("int64_val", None),
    tf.bool: ("bool_val", None),
    tf.float16: ("half_val", np.uint16),
    tf.bfloat16: ("half_val", np.uint16),
    tf.uint32: ("uint32_val", None),
    tf.uint64: ("uint64_val", None),
    tf.complex64: ("scomplex_val", np.float32),
    tf.complex128: ("dcomplex_val", np.float64),
}


def dtype_name(array):
    """TensorFlow's name of an array's dtype: "float", "int32", "string", ..."""
    return "string" if array.dtype.kind in "OSU" else _name(tf.as_dtype(array.dtype))


def _name(dtype):
    return {"float32": "float", "float64": "double", "float16": "half"}.get(dtype.name, dtype.name)


def spec_of(tensor_info):
    """The `Spec` of a signature's `TensorInfo`."""
    shape = tensor_info.tensor_shape
    sizes = None if shape.unknown_rank else tuple(None if dim.size < 0 else dim.size for dim in shape.dim)
    return Spec(_name(tf.as_dtype(tensor_info.dtype)), sizes, tensor_info.name)


def describe(array):
    """TensorFlow's name of an array's dtype, and its shape."""
    return dtype_name(array), array.shape


def describe_proto(name, proto):
    """The same for a `TensorProto`, without expanding it: a few bytes may describe a very large array.

    Raises:
        RequestError: INVALID_ARGUMENT; no such type, or a size below zero.
    """
    if len(proto.tensor_shape.dim) > MAX_RANK:
        raise invalid(f"tensor parsing error: {name} (a shape of {len(proto.tensor_shape.dim)} sizes)")
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    try:
        dtype = _name(tf.as_dtype(proto.dtype))
    except TypeError as error:
        raise invalid(f"tensor parsing error: {name} ({error})") from None
    if min(shape, default=0) < 0:
        raise invalid(f"tensor parsing error: {name} (a size of shape {show_shape(shape)} is negative)")
    return dtype, shape


def from_proto(name, proto):
    """The array of a request's `TensorProto`; fewer values than its shape asks for are filled up with the last one.

    Raises:
        RequestError: INVALID_ARGUMENT; the message holds no tensor.
    """
    try:
        return tf.make_ndarray(proto)
    except (TypeError, ValueError, KeyError) as error:
        raise invalid(f"tensor parsing error: {name} ({error})") from None


def to_proto(name, array):
    """The `TensorProto` of an output, in the field of its type.

    TensorFlow Serving fills the typed fields, never `tensor_content`, and clients read them by name
    (`outputs["y"].float_val`).
    """
    dtype = tf.string if array.dtype.kind in "OSU" else tf.as_dtype(array.dtype)
    if dtype not in _FIELDS:
        raise RequestError(Code.UNIMPLEMENTED, f"output {name} has the type {dtype.name}, which cannot be sent")
    field, view = _FIELDS[dtype]
    shape = tf.TensorShape(array.shape).as_proto()
    proto = tf.make_tensor_proto(0).__class__(dtype=dtype.as_datatype_enum, tensor_shape=shape)
    flat = np.ascontiguousarray(array).reshape(-1)
    flat = flat if view is None else flat.view(view)
    values = getattr(proto, field)
    for start in range(0, len(flat), CHUNK):
        values.extend(flat[start : start + CHUNK].tolist())
    return proto
