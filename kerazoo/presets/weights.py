"""The weights file of a preset: Keras's `.weights.h5`, in float16 where that loses nothing that counts."""

import warnings
import zlib

import h5py
import numpy as np

from kerazoo.utils.errors import PresetError
from kerazoo.utils.files import sha256
from kerazoo.utils.hdf5 import LARGEST_RATIO, check_stored

# The smallest normal float16: below it, precision is lost bit by bit.
SMALLEST_NORMAL = float(np.finfo(np.float16).smallest_normal)
SMALL = 30_000  # bytes of an array that is not compressed


def write_weights(model, path):
    """Write a model's weights, without optimizers or training state.

    Args:
        model: ZooModel.
        path: Path. Ends in `.weights.h5`.

    Returns:
        dict. `sha256`, `bytes`, `dtype` and the number of `parameters`, for `metrics.json`.
    """
    # An uncompiled twin has no optimizers and no training state for Keras to write.
    twin = type(model).from_config(model.get_config())
    twin.set_weights(model.get_weights())
    twin.save_weights(path, overwrite=True)
    half = _halve(path)
    parameters = {
        "trainable": int(sum(np.prod(v.shape) for v in model.trainable_variables)),
        "total": int(model.count_params()),
    }
    return {"sha256": sha256(path), "bytes": path.stat().st_size, "dtype": half, "parameters": parameters}


def _halve(path):
    """Rewrite every float32 array of an HDF5 file as float16, unless its values are beyond float16's range."""
    full = path.with_name("full-" + path.name)
    path.rename(full)
    kept = 0
    # Groups of the format of 2008 take some 200 bytes, those of 1998 some 2,000: a third of a model of many layers.
    with h5py.File(full, "r") as source, h5py.File(path, "w", libver=("v108", "v108")) as target:

        def copy(name, item):
            nonlocal kept
            if isinstance(item, h5py.Group):
                target.require_group(name).attrs.update(item.attrs)
                return
            values = item[()]
            if values.dtype == np.float32:
                magnitude = np.abs(values[values != 0])
                fits = magnitude.size == 0 or (magnitude.max() < 6e4 and np.median(magnitude) > SMALLEST_NORMAL)
                kept += not fits
                values = values.astype(np.float16) if fits else values
            target.create_dataset(name, data=values, **_packing(values)).attrs.update(item.attrs)

        source.visititems(copy)
    full.unlink()
    return "float16" if not kept else f"float16, {kept} arrays float32"


def _packing(values):
    """How an array is stored: as one compressed piece, all first bytes before all second ones, since those that hold
    exponents repeat. Stored as they are: a small array, whose index would take more than that saves, and one that would
    shrink so far that a reader takes it for damaged."""
    if values.nbytes < SMALL or len(zlib.compress(values.tobytes(), 1)) * LARGEST_RATIO / 2 < values.nbytes:
        return {}
    return {"chunks": values.shape, "shuffle": True, "compression": "gzip", "compression_opts": 9}


def read_weights(model, path, *, what, skip_mismatch=False):
    """Load a weights file into a fresh model.

    Args:
        model: ZooModel. Built and not compiled.
        path: Path. A `.weights.h5` file.
        what: str. Names the weights' origin in error messages.
        skip_mismatch: bool. Keep the fresh values where shapes differ, with one warning that names them, instead of
            an error. Defaults to False.

    Raises:
        PresetError: the file is no weights file, or not one of this model.
    """
    check_stored(path, path, error=PresetError)
    before = [variable.numpy() for variable in model.weights] if skip_mismatch else []
    for old, variable in zip(before, model.weights, strict=False):
        variable.assign(np.full_like(old, np.nan))  # what is loaded may equal the fresh values
    try:
        with warnings.catch_warnings():
            # Where shapes differ, Keras also warns once for every container it looks through.
            warnings.simplefilter("ignore")
            model.load_weights(path, skip_mismatch=skip_mismatch)
    except (OSError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise PresetError(f"{path}: these weights are not those of {what} ({reason[:200]})") from None
    if not skip_mismatch:
        return
    fresh = []
    for old, variable in zip(before, model.weights, strict=True):
        if np.isnan(variable.numpy()).all():
            variable.assign(old)
            fresh.append(variable.path)
    if fresh:
        warnings.warn(f"{what}: fresh values stay in {', '.join(fresh)}", stacklevel=3)


def check_same_shapes(reference, model, *, what):
    """Raise a `PresetError` that names the first difference, if two models' weights differ in number or shape."""
    pairs = zip(reference.weights, model.weights, strict=False)
    differing = [f"{a.path} {tuple(a.shape)}, not {tuple(b.shape)}" for a, b in pairs if a.shape != b.shape]
    if len(reference.weights) != len(model.weights):
        differing.append(f"{len(reference.weights)} arrays, not {len(model.weights)}")
    if differing:
        more = f" and {len(differing) - 1} more" if len(differing) > 1 else ""
        raise PresetError(
            f"the weights of {what} do not fit these arguments: they hold {differing[0]}{more}; leave the arguments, "
            "pass skip_mismatch=True to keep what fits, or weights=None for a fresh model"
        )
