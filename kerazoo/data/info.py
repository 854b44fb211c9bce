"""What a source holds and where it comes from; and the check of integer arguments that all of `kerazoo.data` uses."""

import dataclasses

import numpy as np

from kerazoo.errors import DataError


def check_integer(name, value, minimum, maximum=None):
    """Return `value` as an int in [minimum, maximum], or raise a one-line `DataError` that names the argument."""
    integral = isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))
    if not integral or value < minimum or (maximum is not None and value > maximum):
        allowed = f"{minimum} or more" if maximum is None else f"from {minimum} to {maximum}"
        raise DataError(f"{name}={value!r}: expected an integer, {allowed}")
    return int(value)


@dataclasses.dataclass(frozen=True, eq=False)
class Modes:
    """The mixture components of a synthetic source.

    Attributes:
        centres: float32 array `(K, 2)`, in the scale of the points; label k belongs to `centres[k]`.
        std: float, standard deviation of each component along each axis, in the same scale.
    """

    centres: np.ndarray
    std: float


@dataclasses.dataclass(frozen=True, eq=False)
class SourceInfo:
    """What a source holds and where it comes from.

    Attributes:
        name: the spec that opened it, such as "tfds:mnist".
        split: the split's name, such as "train".
        key: the main entry of its batches, such as "image".
        kind: "image", "points" or "array".
        shapes: entry name -> shape of one example.
        dtypes: entry name -> NumPy dtype name.
        value_range: (lowest, highest) value of the main entry; (0, 255) for uint8; None where it is not numeric.
        num_examples: number of examples.
        class_names: names of the labels 0, 1, ..., or None.
        licence: the data's licence in a few words.
        homepage: web address, or None.
        citation: BibTeX or a sentence, or None.
        modes: the mixture components of a synthetic source, or None.
    """

    name: str
    split: str
    key: str
    kind: str
    shapes: dict
    dtypes: dict
    value_range: tuple | None
    num_examples: int
    class_names: tuple | None = None
    licence: str = "the user's own"
    homepage: str | None = None
    citation: str | None = None
    modes: Modes | None = None
