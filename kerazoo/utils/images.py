"""Images as arrays and tensors: ranges, pixels as probabilities, pooling."""

import numpy as np
import tensorflow as tf


def as_float(images):
    """float32 images in [0, 1] of uint8 images (0 to 255) or of float images that are in [0, 1] already."""
    if images.dtype == tf.uint8:
        return tf.cast(images, tf.float32) / 255.0
    return tf.cast(images, tf.float32)


def as_float_array(images):
    """`as_float` of an array, as an array."""
    images = np.asarray(images)
    return images.astype(np.float32) / 255.0 if images.dtype == np.uint8 else images.astype(np.float32)


def as_rows(examples):
    """`as_float_array` of any examples, each laid out in a row of numbers."""
    return as_float_array(examples).reshape(len(examples), -1)


def pixel_log_odds(images):
    """Log-odds of each pixel over images, float32 `(height * width * channels,)`; means stay 1e-3 away from 0 and 1."""
    mean = as_float_array(images).mean(axis=0).reshape(-1).clip(1e-3, 1 - 1e-3)
    return np.log(mean / (1 - mean))


def binarised(pixels, rng):
    """Float arrays of zeros and ones: each value is one with its pixel's probability, drawn by a NumPy generator."""
    return (rng.random(pixels.shape, "float32") < pixels).astype("float32")


def to_signed(images):
    """[0, 1] to [-1, 1], the range of a tanh generator."""
    return images * 2.0 - 1.0


def from_signed(images):
    """[-1, 1] to [0, 1]."""
    return (tf.cast(images, tf.float32) + 1.0) / 2.0


def pool_to_grid(maps, grid):
    """Max-pool feature maps to a fixed grid, whatever their size (adaptive pooling).

    Args:
        maps: tf.Tensor. Shape `(batch, height, width, channels)` with a static height and width.
        grid: int. Side of the result.

    Returns:
        tf.Tensor. float32, shape `(batch, grid, grid, channels)`; cell i covers rows floor(i h / grid) to
        ceil((i + 1) h / grid).
    """
    maps = tf.cast(maps, tf.float32)
    for axis in (1, 2):
        size = maps.shape[axis]
        bounds = [(i * size // grid, -(-(i + 1) * size // grid)) for i in range(grid)]
        slices = [tf.gather(maps, range(low, max(high, low + 1)), axis=axis) for low, high in bounds]
        maps = tf.stack([tf.reduce_max(part, axis=axis) for part in slices], axis=axis)
    return maps
