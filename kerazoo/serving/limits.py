"""Limits of one request, checked on shapes and lengths, before anything of that size is made."""

import math
from dataclasses import dataclass

import numpy as np

from kerazoo.serving.errors import invalid
from kerazoo.serving.signatures import show_shape

_TEXT = "string"
_POINTER = 8  # bytes of a string's place in an array; the strings themselves come in addition


@dataclass(frozen=True)
class Limits:
    """Bounds of one request.

    Attributes:
        rows: int. Rows of one request. Defaults to 4096.
        length: int. Characters of a text, or sizes of a row that its signature leaves free (for example steps of
            tokens). For several rows that run together it is their number times the longest. Defaults to 8192.
        megabytes: int. The arrays of a request, and those of its answer; a gRPC message, and a quarter of a REST body,
            which is text. Defaults to 16.
        seconds: float. From a request's arrival to its answer. Defaults to 60.0.
    """

    rows: int = 4096
    length: int = 8192
    megabytes: int = 16
    seconds: float = 60.0

    @property
    def bytes(self):
        """int. `megabytes` in bytes."""
        return self.megabytes << 20

    @property
    def message_bytes(self):
        """int. Bytes of a gRPC message: the arrays, and their names and shapes."""
        return self.bytes + (1 << 20)

    @property
    def body_bytes(self):
        """int. Bytes of a REST body, uncompressed."""
        return 4 * self.bytes

    def check(self, signature, given):
        """Check a request by its description alone.

        Args:
            signature: Signature.
            given: dict of str to (dtype, shape), checked by `signature.check`.

        Raises:
            RequestError: INVALID_ARGUMENT; too many rows, too long rows, too many bytes.
        """
        for name, (dtype, shape) in given.items():
            spec = signature.inputs[name]
            if spec.batched and shape[0] > self.rows:
                raise invalid(f"input {name}: {shape[0]} rows; one request may have {self.rows} (option --max-rows)")
            if (length := spec.free_size(shape)) > self.length:
                raise invalid(
                    f"input {name}: a row of shape {show_shape(shape[1:])}, {length} steps; {self.length} are allowed "
                    "(option --max-length)"
                )
            size = math.prod(shape) * (_POINTER if dtype == _TEXT else np.dtype(_NUMPY.get(dtype, dtype)).itemsize)
            if size > self.bytes:
                raise invalid(f"input {name}: shape {show_shape(shape)} has more than {self._most()}")

    def check_texts(self, signature, arrays):
        """Check the lengths of the strings of a request.

        Inputs whose name ends with "_bytes" hold files, as in TensorFlow Serving, and have no length in characters.

        Args:
            signature: Signature.
            arrays: dict of str to numpy.ndarray.

        Raises:
            RequestError: INVALID_ARGUMENT; a text is too long, or all together have too many bytes.
        """
        for name, array in arrays.items():
            if signature.inputs[name].dtype != _TEXT:
                continue
            sizes = list(map(len, array.flat))
            if sum(sizes) > self.bytes:
                raise invalid(f"input {name}: texts of more than {self._most()}")
            for text, size in zip(array.flat, sizes, strict=True):
                if size > self.length and not name.endswith("_bytes") and characters(text) > self.length:
                    raise invalid(
                        f"input {name}: a text of {characters(text)} characters; {self.length} are allowed "
                        "(option --max-length)"
                    )
        if signature.batchable or not arrays:
            return
        rows, length = max(len(array) if array.ndim else 1 for array in arrays.values()), signature.length(arrays)
        if length > 1 and rows * length > self.length:  # it cannot be run in parts
            raise invalid(
                f"{rows} rows, the longest of {length}; {self.length} in all are allowed (option --max-length): send "
                "fewer rows at a time"
            )

    def _most(self):
        return f"{self.megabytes} MB (option --max-request-mb)"


def characters(text):
    """The number of characters in UTF-8 bytes: all bytes except those that continue a character."""
    return int(np.count_nonzero((np.frombuffer(text, np.uint8) & 0xC0) != 0x80))


_NUMPY = {"float": "float32", "double": "float64", "half": "float16", "bfloat16": "float16"}
