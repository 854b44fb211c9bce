"""`rescaled`: images of another range, such as those of Keras's loaders, brought to the [0, 1] that models take."""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from kerazoo.data.order import PARALLEL_CALLS, with_fixed_options
from kerazoo.data.sources import Source
from kerazoo.utils.errors import DataError


def rescaled(data, image_range=(0, 255), *, key="image"):
    """Return data with their images brought to [0, 1], for `fit`, `evaluate` and the verbs of a model.

    Args:
        data: array or tensor of images; tuple (images, labels); dict of arrays; `Source`; or a `tf.data.Dataset` of any
            of these, batched or not, such as `keras.utils.image_dataset_from_directory` gives.
        image_range: (low, high), default (0, 255). The values that become 0 and 1.
        key: str or sequence of str, default "image". The entries of dicts and sources that hold images; ("a", "b") of
            pairs.

    Returns:
        The same kind of data, images in float32. uint8 images stay as they are where the range is (0, 255), which is
        how models read them.

    Raises:
        DataError: the range is not two rising numbers, or there is no such entry.

    Example:
        >>> images = rescaled(np.full((2, 8, 8, 1), 51.0))
        >>> round(float(images.max()), 4)
        0.2
        >>> dataset = rescaled(tf.data.Dataset.from_tensors((np.full((2, 8, 8, 1), 255.0), [0, 1])))
        >>> float(next(iter(dataset))[0].numpy().max())
        1.0
    """
    try:
        low, high = (float(bound) for bound in image_range)
    except (TypeError, ValueError):
        low = high = math.nan
    if not -math.inf < low < high < math.inf:
        raise DataError(
            f"image_range={image_range!r}: two numbers, the lower one first, are expected, such as (0, 255)"
        )
    keys = (key,) if isinstance(key, str) else tuple(key)

    def change(images):
        if not hasattr(images, "dtype"):
            images = np.asarray(images)
        if images.dtype == np.uint8 and (low, high) == (0, 255):
            return images
        return (_float32(images) - np.float32(low)) / np.float32(high - low)

    if hasattr(data, "element_spec"):
        _require(keys, data.element_spec)
        # Elements that are tuples come as several arguments.
        return with_fixed_options(
            data.map(lambda *parts: _changed(parts if len(parts) > 1 else parts[0], keys, change), PARALLEL_CALLS)
        )
    if isinstance(data, Source):
        _require(keys, data.arrays)
        arrays = _changed(data.arrays, keys, change)
        dtypes = {name: array.dtype.name for name, array in arrays.items()}
        main = arrays[data.info.key]
        bounds = (0, 255) if main.dtype == np.uint8 else (float(main.min()), float(main.max()))
        info = dataclasses.replace(data.info, dtypes=dtypes, value_range=bounds)
        return Source(arrays, info, data.skipped, data.names)
    _require(keys, data)
    return _changed(data, keys, change)


def _changed(data, keys, change):
    """Apply a function to the images of an array, a tuple that begins with them, or a dict."""
    if isinstance(data, Mapping):
        return {**data, **{key: change(data[key]) for key in keys}}
    return (change(data[0]), *data[1:]) if isinstance(data, tuple) else change(data)


def _require(keys, data):
    missing = [key for key in keys if isinstance(data, Mapping) and key not in data]
    if missing:
        raise DataError(
            f"no entry {missing[0]!r} to rescale (there are: {', '.join(map(str, data))}): name it with key="
        )


def _float32(images):
    if isinstance(images, np.ndarray):
        return images.astype(np.float32)
    import tensorflow as tf

    return tf.cast(images, tf.float32)
