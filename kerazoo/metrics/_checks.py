"""Argument checks that the measures share. Each returns the checked array or raises a one-line error."""

import numpy as np

from kerazoo.utils.errors import DataError

# Resizing and float16 leave values a rounding error outside [0, 1].
_RANGE_SLACK = 1e-3


def finite_array(name, value, ndim, dtype=np.float64):
    """`value` as a finite floating-point array of `ndim` axes, else a `DataError` that calls it `name`."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise DataError(f"{name} must hold real numbers, got an array of dtype {array.dtype}.")
    if array.ndim != ndim:
        raise DataError(f"{name} must have {ndim} axes, got shape {array.shape}.")
    array = array.astype(dtype, copy=False)
    if not np.isfinite(array).all():
        raise DataError(f"{name} holds NaN or infinity; a diverged model has no meaningful score.")
    return array


def as_features(name, value, min_rows=2, dtype=np.float64):
    """`value` as a finite matrix (rows, features) with at least `min_rows` rows."""
    array = finite_array(name, value, 2, dtype)
    if array.shape[1] == 0:
        raise DataError(f"{name} must have at least one feature, got shape {array.shape}.")
    if len(array) < min_rows:
        raise DataError(f"{name} needs at least {min_rows} rows, got {len(array)}.")
    return array


def as_feature_pair(real, fake, min_rows=2, equal_rows=False, names=("real", "fake"), dtype=np.float64):
    """Two feature matrices of the same width, and of the same height with `equal_rows`."""
    real = as_features(names[0], real, min_rows, dtype)
    fake = as_features(names[1], fake, min_rows, dtype)
    if real.shape[1] != fake.shape[1]:
        raise DataError(
            f"{names[0]} and {names[1]} must have the same number of features, "
            f"got {real.shape[1]} and {fake.shape[1]}; use one extractor for both."
        )
    if equal_rows and len(real) != len(fake):
        raise DataError(
            f"{names[0]} and {names[1]} must have the same number of rows, got {len(real)} and {len(fake)}; "
            "cut both to the smaller."
        )
    return real, fake


def as_classes(name, value, num_classes=None, num_rows=None):
    """`value` as a vector of class indices in [0, num_classes), of length `num_rows` where that is given."""
    array = np.asarray(value)
    if array.ndim != 1 or array.dtype.kind not in "iu" or len(array) == 0:
        raise DataError(
            f"{name} must be a non-empty vector of integer classes, got shape {array.shape} and dtype {array.dtype}."
        )
    if num_classes is not None and (array.min() < 0 or array.max() >= num_classes):
        raise DataError(f"{name} must lie in [0, {num_classes}), got [{array.min()}, {array.max()}].")
    if num_rows is not None and len(array) != num_rows:
        raise DataError(f"{name} must hold one class for each of the {num_rows} rows, got {len(array)}.")
    return array


def as_images(name, value, min_rows=1):
    """`value` as float32 images (N, H, W, C) in [0, 1]."""
    if np.asarray(value).dtype.kind != "f":
        raise DataError(f"{name} must be floating-point images in [0, 1], got dtype {np.asarray(value).dtype}.")
    array = finite_array(name, value, 4, np.float32)
    if len(array) < min_rows:
        raise DataError(f"{name} needs at least {min_rows} images, got {len(array)}.")
    low, high = array.min(), array.max()
    if low < -_RANGE_SLACK or high > 1 + _RANGE_SLACK:
        raise DataError(f"{name} must lie in [0, 1], got [{low:.4g}, {high:.4g}]; rescale the images first.")
    return array
