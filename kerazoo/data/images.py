"""Images brought to one shape, and the array that receives them."""

import dataclasses
import math
import shutil
import tempfile

import numpy as np

from kerazoo.data.info import check_integer
from kerazoo.data.sources import Source
from kerazoo.utils.errors import DataError

# Above this size an image set lives in a memory-mapped temporary file instead of RAM.
MEMORY_LIMIT = 2**30
_CHUNK = 1024  # images resized at once: bounds the float32 copy


def check_image_shape(image_shape):
    """Return `image_shape` as a tuple (height, width, channels) with 1 or 3 channels; None and functions as they are.

    Raises:
        DataError: it is anything else.
    """
    if image_shape is None or callable(image_shape):
        return image_shape
    try:
        height, width, channels = (check_integer("image_shape", size, 1) for size in image_shape)
    except (TypeError, ValueError):
        channels = 0
    if channels not in (1, 3):
        raise DataError(
            f"image_shape={image_shape!r}: expected (height, width, channels) with 1 (grey) or 3 (RGB) channels"
        )
    return height, width, channels


def wanted_shape(image_shape, own):
    """Return the shape for images of the shape `own`, where a shape, a function of it, or None is asked for."""
    if callable(image_shape):
        return check_image_shape(image_shape(own))
    return own if image_shape is None else image_shape


def allocate(shape, dtype=np.uint8):
    """Return an empty array; above `MEMORY_LIMIT` bytes, a memory map of a temporary file.

    The file has no name in the file system, so it disappears with the process, however that ends.

    Raises:
        DataError: the temporary folder has too little room.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size <= MEMORY_LIMIT:
        return np.empty(shape, dtype)
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if size > free:  # a full disk would otherwise kill the process at some later write
        raise DataError(
            f"the images take {size / 2**30:.1f} GiB and {folder} has {free / 2**30:.1f} GiB left: set TMPDIR to a "
            "folder with more room, or use limit or a smaller image_shape"
        )
    with tempfile.TemporaryFile(prefix="kerazoo-", dir=folder) as file:
        return np.memmap(file, dtype=dtype, mode="w+", shape=tuple(shape))


def fit_tensor(images, image_shape):
    """Crop about the centre to the target's aspect, resize with antialiased bilinear, convert the channels.

    Args:
        images: tensor `(..., H, W, C)`, one image or a batch, C static and 1 or 3 (any, where it stays as it is).
        image_shape: (height, width, channels).

    Returns:
        Tensor `(..., height, width, channels)` of the same dtype; uint8 is rounded. `images` itself if nothing changes.

    Raises:
        DataError: there is no conversion between the numbers of channels.
    """
    import tensorflow as tf

    height, width, channels = image_shape
    if images.shape[-3:] == image_shape:
        return images
    result = tf.cast(images, tf.float32)
    if images.shape[-3:-1] != (height, width):
        rows, columns = tf.shape(images)[-3], tf.shape(images)[-2]
        kept_rows = tf.clip_by_value(columns * height // width, 1, rows)
        kept_columns = tf.clip_by_value(rows * width // height, 1, columns)
        top, left = (rows - kept_rows) // 2, (columns - kept_columns) // 2
        result = result[..., top : top + kept_rows, left : left + kept_columns, :]
        result = tf.image.resize(result, (height, width), antialias=True)
    if (images.shape[-1], channels) == (3, 1):
        result = tf.image.rgb_to_grayscale(result)  # the ITU-R 601 weights
    elif (images.shape[-1], channels) == (1, 3):
        result = tf.repeat(result, 3, axis=-1)
    elif images.shape[-1] != channels:
        raise DataError(f"images of {images.shape[-1]} channels where {channels} are asked for: convert them first")
    if images.dtype == tf.uint8:
        return tf.cast(tf.clip_by_value(tf.round(result), 0, 255), tf.uint8)
    return tf.cast(result, images.dtype)


def fit_source(source, image_shape):
    """Return a source whose images have `image_shape`; the same source where they have it already.

    Args:
        source: a `Source`.
        image_shape: as in `open_source`.

    Returns:
        A `Source`.

    Raises:
        DataError: the source has no images `(n, H, W, C)`, or their channels cannot be converted.
    """
    if image_shape is None:
        return source
    info = source.info
    own = info.shapes.get("image")
    if own is None or len(own) != 3:
        if callable(image_shape):
            return source
        held = ", ".join(f"{key} of shape {shape}" for key, shape in info.shapes.items())
        raise DataError(f"{info.name} holds {held} where images of shape {image_shape} are asked for")
    image_shape = wanted_shape(image_shape, tuple(own))
    if tuple(own) == image_shape:
        return source
    import tensorflow as tf

    images = source.arrays["image"]
    fitted = allocate((len(images), *image_shape), images.dtype)
    for start in range(0, len(images), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        fitted[chunk] = fit_tensor(tf.constant(images[chunk]), image_shape).numpy()
    shapes = {**info.shapes, "image": image_shape}
    return Source(
        {**source.arrays, "image": fitted}, dataclasses.replace(info, shapes=shapes), source.skipped, source.names
    )
