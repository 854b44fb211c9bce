"""`npz:PATH`: arrays that NumPy saved."""

import re
import zipfile

import numpy as np

from kerazoo.data.arrays import from_arrays
from kerazoo.data.images import fit_source
from kerazoo.data.paths import find_path, printable
from kerazoo.data.rescaling import rescaled
from kerazoo.data.schemes import source
from kerazoo.data.splits import hold_out
from kerazoo.data.tables import as_classes
from kerazoo.utils.errors import DataError

_SPLIT = re.compile(r"(.+)_(train|test|validation|val|valid)|(train|test|validation|val|valid)_(.+)")
_SPLITS = {"val": "validation", "valid": "validation"}
_NAMES = {"x": None, "y": "label", "images": "image", "labels": "label", "arr_0": None}  # None: by dimensions
_RANGES = ((0, 1), (-1, 1), (0, 255), (0, 65535))  # usual ones, of which advice names the first that fits
_TOLERANCE = 1e-3
_BY_DIMENSIONS = {2: "points", 3: "image", 4: "image"}


@source("npz", "PATH", options={"range": "LOW..HIGH"})
def open_npz(request):
    """Open arrays in a file of `numpy.savez`.

    "image" (or "x", or an only array without a name, of three or four dimensions) holds images `(n, H, W)` or
    `(n, H, W, C)`, "points" (or "x" of two) points `(n, d)`, "label" (or "y") a class of each, numbers or names; all
    others keep their names. Integers that lie in 0..255 become uint8 images, booleans black and white; floats stay as
    they are, in [0, 1] unless the option `range=LOW..HIGH` says otherwise: "npz:faces.npz,range=-1..1".

    Args:
        request: a `Request`. Splits: those of names such as "x_train" and "y_test", where all arrays have such names;
            otherwise "test" is every tenth example, "train" the others; "all" is everything.

    Returns:
        A `Source` of {"image" or "points", "label": int64 `(n,)`, ...}.

    Raises:
        DataError: there is no such file, it is not an `.npz` file, it holds Python objects or values that are not
            finite, or the arrays differ in length.
    """
    path = find_path(request, request.argument, folders=False)
    arrays, split_names = _split(request, _read(request, path))
    named = {}
    for name, array in arrays.items():
        name = _NAMES.get(name, name) or _BY_DIMENSIONS.get(array.ndim, name)
        if name in named:
            raise DataError(f"{request.spec}: two arrays are called {name}: give each a name of its own")
        named[name] = array.astype(np.float32) if array.dtype == np.float64 else array
    class_names = None
    if "label" in named:
        named["label"], class_names = _labels(request, named["label"])
    if "image" in named:
        named["image"] = _images(request, named["image"])
    if "points" in named:
        named["points"] = _finite(request, "points", named["points"])
    key = next((key for key in ("image", "points") if key in named), None)
    opened = from_arrays(named, name=request.spec, split=request.split, class_names=class_names, key=key)
    if not split_names:
        opened = hold_out(request, opened)
    if "range" in request.options:
        opened = rescaled(opened, _bounds(request), key=key or "image")
    return fit_source(opened, request.image_shape)


def _read(request, path):
    """Return all arrays of a file, a dict."""
    owner = f"{request.spec}: {printable(path)}"
    try:
        if not zipfile.is_zipfile(path):
            np.load(path, mmap_mode="r", allow_pickle=False)  # raises, unless it is a file of `numpy.save`
            raise DataError(f"{owner} holds one array without a name: save it with np.savez(path, x=array)")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if not arrays:
            raise DataError(f"{owner} holds no arrays")
        return arrays
    except DataError:
        raise
    except MemoryError as error:
        raise DataError(f"{owner} holds more than fits into memory ({error})") from error
    except Exception as error:  # NumPy, zipfile and zlib raise many types
        if "allow_pickle" in str(error) and zipfile.is_zipfile(path):
            raise DataError(f"{owner} holds Python objects: save arrays of numbers or of fixed-length text") from error
        reason = f" ({' '.join(str(error).split())})" if zipfile.is_zipfile(path) else ""
        raise DataError(f"{owner} cannot be read as a file of numpy.savez{reason}") from error


def _split(request, arrays):
    """Return (the arrays of the request's split, the splits in the names, if any)."""
    parts = {}
    for name, array in arrays.items():
        match = _SPLIT.fullmatch(name)
        if match is None:
            return arrays, ()
        split, plain = (match[2], match[1]) if match[2] else (match[3], match[4])
        parts.setdefault(_SPLITS.get(split, split), {})[plain] = array
    if request.split == "all" and parts:
        common = [name for name in next(iter(parts.values())) if all(name in part for part in parts.values())]
        return {name: np.concatenate([part[name] for part in parts.values()]) for name in common}, tuple(parts)
    if request.split not in parts:
        raise request.no_split(sorted([*parts, "all"]))
    return parts[request.split], tuple(parts)


def _labels(request, array):
    """Return (int64 labels, class names, or None for integers)."""
    array = array.reshape(-1) if array.ndim == 2 and array.shape[1] == 1 else array
    if array.ndim != 1:
        raise DataError(f"{request.spec}: labels of shape {array.shape} where one class per example is expected")
    if array.dtype.kind in "US":
        return as_classes(array.astype(str))
    if array.dtype.kind == "f" and (array == np.rint(array)).all():
        array = array.astype(np.int64)
    if array.dtype.kind not in "iub":
        raise DataError(f"{request.spec}: labels of type {array.dtype} where whole numbers or names are expected")
    return array.astype(np.int64), None


def _images(request, array):
    array = array[..., None] if array.ndim == 3 else array
    if array.ndim != 4 or array.shape[-1] not in (1, 3):
        channels_first = array.ndim == 4 and array.shape[1] in (1, 3)
        advice = ": move the channels last with x.transpose(0, 2, 3, 1)" if channels_first else ""
        raise DataError(
            f"{request.spec}: images of shape {array.shape[1:]} where (height, width, 1 or 3) is expected{advice}"
        )
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype != np.uint8:
        array = array if array.dtype.kind in "iu" else _finite(request, "images", array)
        if "range" not in request.options:
            white = 255 if array.dtype.kind in "iu" else 1
            low, high = array.min(initial=0), array.max(initial=0)
            if low < -_TOLERANCE or high > white + _TOLERANCE:
                usual = next((r for r in _RANGES if r[0] <= low and high <= r[1]), (low, high))
                raise DataError(
                    f"{request.spec}: images whose values run from {low:.4g} to {high:.4g}, not 0 to {white}: "
                    f"say their range, such as {request.spec},range={usual[0]:g}..{usual[1]:g}"
                )
            array = array.astype(np.uint8) if white == 255 else array
    return array


def _finite(request, noun, array):
    """Return numbers as float32."""
    if array.dtype.kind not in "iufb":
        raise DataError(f"{request.spec}: {noun} of type {array.dtype} where numbers are expected")
    array = array.astype(np.float32)
    wrong = len(array) - int(np.isfinite(array).reshape(len(array), -1).all(axis=1).sum()) if array.size else 0
    if wrong:
        raise DataError(
            f"{request.spec}: {wrong:,} of {len(array):,} {noun} hold values that are not finite: remove them"
        )
    return array


def _bounds(request):
    text = request.options["range"]
    match = re.fullmatch(r"([^.]+(?:\.\d+)?)\.\.(.+)", text)
    try:
        return float(match[1]), float(match[2])
    except (TypeError, ValueError):
        raise DataError(f"{request.spec}: range={text}: write two numbers as range=0..255") from None
