"""Inputs and outputs of a signature: names, dtypes and shapes, and the check of a request against them.

Nothing here imports TensorFlow, so the process that parses a large body does not have to.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from kerazoo.serving.errors import Code, RequestError, invalid

DEFAULT = "serving_default"


@dataclass(frozen=True)
class Spec:
    """One input or output.

    Attributes:
        dtype: str. TensorFlow's name of it: "float", "int32", "string", ...
        shape: tuple or None. Sizes, None where any size fits; None instead of a tuple where the rank is unknown.
        tensor: str. The name of the graph's tensor.
    """

    dtype: str
    shape: tuple | None
    tensor: str = ""

    @property
    def batched(self):
        """bool. Whether the first dimension is free, so that it can be a batch."""
        return bool(self.shape) and self.shape[0] is None

    def free_size(self, shape):
        """The product of a row's sizes that the signature leaves free, 1 where it leaves none; `shape` must fit."""
        known = self.shape or (None,) * len(shape)
        return math.prod(size for size, fixed in list(zip(shape, known, strict=True))[1:] if fixed is None)

    def accepts(self, shape):
        """Whether an array of this shape fits."""
        if self.shape is None:
            return True
        return len(shape) == len(self.shape) and all(a in (None, b) for a, b in zip(self.shape, shape, strict=True))


@dataclass(frozen=True)
class Signature:
    """A signature of a SavedModel.

    Attributes:
        name: str.
        inputs: dict of str to Spec.
        outputs: dict of str to Spec.
        defaults: dict of str to numpy.ndarray. Values of inputs that a request may leave out.
    """

    name: str
    inputs: dict
    outputs: dict
    defaults: dict = field(default_factory=dict)

    @property
    def batchable(self):
        """bool. Whether requests can be joined along the first dimension without an effect on their answers.

        Each input and output must have its first dimension free, and an output must have no other free one: its size
        may be that of the longest row of the batch (such as a generated sequence) and thus depend on the other
        requests.
        """
        specs = [*self.inputs.values(), *self.outputs.values()]
        fixed = all(None not in spec.shape[1:] for spec in self.outputs.values() if spec.shape)
        return bool(self.inputs) and fixed and all(spec.batched for spec in specs)

    def check(self, given):
        """Check a description of a request.

        Args:
            given: dict of str to (str, tuple). TensorFlow's name of each input's dtype, and its shape.

        Raises:
            RequestError: INVALID_ARGUMENT; names are missing or unknown, a dtype or a shape does not fit, or the inputs
                of a signature that takes rows have different numbers of them.
        """
        extra, missing = sorted(given.keys() - self.inputs.keys()), sorted(self.inputs.keys() - given.keys())
        if extra or [name for name in missing if name not in self.defaults]:
            raise invalid(
                f"input size does not match signature: {len(given)}!={len(self.inputs)} "
                f"len({{{_names(given)}}}) != len({{{_names(self.inputs)}}}). "
                f"Sent extra: {{{_names(extra)}}}. Missing but required: {{{_names(missing)}}}."
            )
        for number, name in enumerate(sorted(self.inputs)):
            if name not in given:
                continue
            spec, (dtype, shape) = self.inputs[name], given[name]
            if dtype != spec.dtype:
                raise invalid(f"input {name}: Expects arg[{number}] to be {spec.dtype} but {dtype} is provided")
            if not spec.accepts(shape):
                fits = show_shape(spec.shape)
                raise invalid(f"input {name}: shape {show_shape(shape)} does not fit {fits} of the signature")
        rows = {name: shape[0] for name, (_, shape) in sorted(given.items())} if self.batchable else {}
        if len(set(rows.values())) > 1:
            counts = ", ".join(f"{name} has {count}" for name, count in rows.items())
            raise invalid(f"inputs with different numbers of rows: {counts}")

    def select(self, names):
        """Check the names of a gRPC request's `output_filter`."""
        names = list(names)
        for place, name in enumerate(names):
            if name not in self.outputs:
                raise invalid(
                    f"output tensor alias not found in signature: {name} "
                    f"Outputs expected to be in the set {{{_names(self.outputs)}}}."
                )
            if name in names[:place]:
                raise invalid(f"duplicate output tensor alias: {name}")

    def rows(self, arrays):
        """The size of the batch in checked `arrays`, or None where they are not one batch."""
        if not self.batchable:
            return None
        sizes = {len(array) for array in arrays.values()}
        return sizes.pop() if len(sizes) == 1 else None

    def length(self, arrays):
        """The longest row of checked `arrays`: bytes of its text, or the sizes that its signature leaves free, or 1.

        The memory of a run grows with it and with the number of rows. Files ("_bytes") do not count.
        """
        longest = 1
        for name, array in arrays.items():
            longest = max(longest, self.inputs[name].free_size(array.shape))
            if array.dtype.kind == "O" and not name.endswith("_bytes"):
                longest = max(longest, max(map(len, array.flat), default=1))
        return longest


def find_signature(signatures, name, code=Code.FAILED_PRECONDITION, message='Serving signature key "{}" not found.'):
    """The signature of this name ("" stands for `serving_default`); otherwise an error of this code and message."""
    name = name or DEFAULT
    if name not in signatures:
        raise RequestError(code, message.format(name))
    return signatures[name]


def split_rows(outputs, sizes):
    """Cut the outputs of a joined run into those of each request.

    Args:
        outputs: dict of str to numpy.ndarray.
        sizes: list of int. Rows of each request.

    Returns:
        list of dict, or None where an output does not have a row for each input row.
    """
    if any(array.ndim == 0 or len(array) != sum(sizes) for array in outputs.values()):
        return None
    cuts = np.cumsum(sizes)[:-1]
    parts = {name: np.split(array, cuts) for name, array in outputs.items()}
    return [{name: part[place] for name, part in parts.items()} for place in range(len(sizes))]


def show_shape(shape):
    """A shape in TensorFlow Serving's notation: [?] of unknown rank, -1 for any size."""
    if shape is None:
        return "[?]"
    return "[" + ",".join(str(-1 if size is None else size) for size in shape) + "]"


def _names(names):
    return ",".join(sorted(names))
