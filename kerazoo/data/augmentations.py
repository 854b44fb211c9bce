"""The augmentations: functions of images and of random numbers, registered by `@augmentation(...)`."""

from collections.abc import Callable

AUGMENTATIONS: dict[str, Callable] = {}
_REACH = 8  # crops and shifts move an image by up to an eighth of its size


def augmentation(num_numbers):
    """Register the decorated function under its own name.

    Args:
        num_numbers: int. Random numbers that it takes for each image.

    Returns:
        The decorator; it returns the function, `(images, numbers) -> images` of tensors `(n, H, W, C)`, uint8 or float
        in [0, 1], and float32 `(n, num_numbers)` in [0, 1).
    """

    def register(function):
        AUGMENTATIONS[function.__name__] = (function, num_numbers)
        return function

    return register


@augmentation(1)
def flip(images, numbers):
    """Mirror half of the images from left to right."""
    return _mirrored_where(numbers[:, 0] >= 0.5, images, axis=2)


@augmentation(1)
def flip_vertical(images, numbers):
    """Mirror half of the images from top to bottom."""
    return _mirrored_where(numbers[:, 0] >= 0.5, images, axis=1)


@augmentation(1)
def turn(images, numbers):
    """Turn square images by 0 to 3 quarter turns."""
    import tensorflow as tf

    quarters, num = tf.cast(numbers[:, 0] * 4, tf.int32), tf.shape(images)[0]
    both = tf.concat([images, tf.reverse(tf.transpose(images, (0, 2, 1, 3)), [1])], axis=0)
    turned = tf.gather(both, tf.range(num) + num * (quarters % 2))
    for axis in (1, 2):
        turned = _mirrored_where(quarters >= 2, turned, axis)
    return turned


@augmentation(2)
def crop(images, numbers):
    """Pad the images by an eighth on each side with their mirror image, and crop a random part of their own size."""
    return _moved(images, numbers, _reflected)


@augmentation(2)
def shift(images, numbers):
    """Move the images by up to an eighth of their size in each direction; the border's pixels fill the rest."""
    import tensorflow as tf

    return _moved(images, numbers, lambda index, size: tf.clip_by_value(index, 0, size - 1))


@augmentation(1)
def brightness(images, numbers):
    """Add up to a fifth of the range to all values, or subtract it."""
    return _with_values(images, lambda values: values + (numbers[:, 0, None, None, None] - 0.5) * 0.4)


@augmentation(1)
def contrast(images, numbers):
    """Stretch the values about each image's mean by a factor from 0.8 to 1.2."""
    import tensorflow as tf

    def stretch(values):
        mean = tf.reduce_mean(values, axis=(1, 2, 3), keepdims=True)
        return mean + (values - mean) * (0.8 + 0.4 * numbers[:, 0, None, None, None])

    return _with_values(images, stretch)


def _mirrored_where(chosen, images, axis):
    """Mirror some of the images along an axis, by gathering: many times faster than `tf.where` on pixels."""
    import tensorflow as tf

    index = tf.range(images.shape[axis])[None]
    index = tf.where(chosen[:, None], images.shape[axis] - 1 - index, index)
    return tf.gather(images, index, axis=axis, batch_dims=1)


def _moved(images, numbers, inside):
    """Move images by whole pixels; `inside` maps indices beyond the border to indices within."""
    import tensorflow as tf

    for axis in (1, 2):
        size = images.shape[axis]
        reach = size // _REACH
        by = tf.cast(tf.floor(numbers[:, axis - 1] * (2 * reach + 1)), tf.int32) - reach
        index = inside(tf.range(size)[None] + by[:, None], size)
        images = tf.gather(images, index, axis=axis, batch_dims=1)
    return images


def _reflected(index, size):
    """Reflect indices at the border, whose pixel is not repeated."""
    import tensorflow as tf

    index = tf.abs(index)
    return tf.where(index < size, index, 2 * (size - 1) - index)


def _with_values(images, change):
    """Change the values of images in [0, 1], and bring them back into their range and type."""
    import tensorflow as tf

    white = 255.0 if images.dtype == tf.uint8 else 1.0
    values = tf.clip_by_value(change(tf.cast(images, tf.float32) / white), 0.0, 1.0) * white
    return tf.cast(tf.round(values) if images.dtype == tf.uint8 else values, images.dtype)
