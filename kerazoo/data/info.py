"""Contents and origin of a source; and the check of integers that all of `kerazoo.data` uses."""

import dataclasses
import functools

import numpy as np

from kerazoo.utils import checks
from kerazoo.utils.errors import DataError

# Everything that `kerazoo.data` refuses is a `DataError`.
check_integer = functools.partial(checks.check_integer, error=DataError)


# The label of an example that has none.
UNLABELLED = -1


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
    """Contents and origin of a source.

    Attributes:
        name: the spec that opened it, such as "tfds:mnist".
        split: the split's name, such as "train".
        key: the main entry of its batches, such as "image".
        kind: "image", "points", "sequence" (of vectors), "text", "pairs" (of texts), "tokens", "token pairs" or
            "array".
        shapes: entry name -> shape of one example.
        dtypes: entry name -> NumPy dtype name.
        value_range: (lowest, highest) value of the main entry; (0, 255) for uint8; None where it is not numeric.
        num_examples: number of examples.
        class_names: names of the labels 0, 1, ..., or None.
        licence: the data's licence in a few words.
        homepage: web address, or None.
        citation: BibTeX or a sentence, or None.
        modes: the mixture components of a synthetic source, or None.
        value_names: entry name -> tuple of the names of its values 0, 1, ...; the labels' are `class_names`.
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
    value_names: dict = dataclasses.field(default_factory=dict)

    @property
    def origin(self):
        """The fields that say where the data come from, for a source that is made from them."""
        return {field: getattr(self, field) for field in ("name", "split", "licence", "homepage", "citation")}


_NOUNS = {"image": "images", "points": "points", "sequence": "sequences"}
_TEXTS = {"text": "text", "pairs": "pair"}


def describe(info, arrays):
    """Return the line that `kerazoo info` prints about a source: what it holds, how much of it, and its licence."""
    if info.kind in _TEXTS:
        counts = [sum(map(len, array)) for array in arrays.values() if array.dtype.kind == "O"]
        parts = [f"{info.num_examples:,} {_TEXTS[info.kind]}{'s' * (info.num_examples > 1)}"]
        parts.append(f"{' and '.join(f'{count:,}' for count in counts)} characters")
        if "nats" in arrays:
            parts.append(f"at best {arrays['nats'].sum(dtype=np.float64) / counts[0]:.4f} nats a character")
    elif info.kind == "sequence":
        lengths = arrays.get("length", info.shapes["sequence"][:1])
        span = " to ".join(f"{length:,}" for length in sorted({min(lengths), max(lengths)}))
        parts = [f"{info.num_examples:,} sequences of {span} steps of {info.shapes['sequence'][-1]}"]
        parts.append(info.dtypes["sequence"])
    else:
        shape = "x".join(str(size) for size in info.shapes[info.key]) or "scalar"
        parts = [f"{info.num_examples:,} {_NOUNS.get(info.kind, 'examples')} of {shape}", info.dtypes[info.key]]
    if info.value_range is not None:
        parts[-1] += f" {info.value_range[0]:.4g}..{info.value_range[1]:.4g}"
    if info.modes is not None:
        parts.append(f"{len(info.modes.centres)} modes")
    elif info.class_names is not None:
        parts.append(f"{len(info.class_names)} classes")
    if "label" in arrays and arrays["label"].dtype.kind == "i":
        labelled = int(np.count_nonzero(arrays["label"] != UNLABELLED))
        parts += [f"{labelled:,} labelled"] if labelled < info.num_examples else []
    others = (
        [key for key in arrays if key not in (info.key, "label", "length") and len(info.shapes[key]) < 3]
        if info.kind in _NOUNS
        else []
    )
    if others:
        parts.append(f"with {' and '.join(filter(None, (', '.join(others[:-1]), others[-1])))}")
    parts.append(f"licence {info.licence}")
    return f"{info.name}[{info.split}]: {', '.join(parts)}"
