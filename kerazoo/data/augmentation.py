"""Augmentation of training images as a pure function of (seed, step, place in the global batch).

Nothing is remembered from one batch to the next, so a resumed run sees the images that it would have seen, and two
replicas, or two workers with a shard each, see those of one device. A new augmentation is one function under
`@augmentation(...)`.
"""

import difflib
import zlib

from kerazoo.data.sources import Source
from kerazoo.errors import DataError, UnknownNameError

_AUGMENTATIONS = {}
_REACH = 8  # crops and shifts move an image by up to an eighth of its size


def augmentation(num_numbers):
    """Register the decorated function under its own name.

    Args:
        num_numbers: int. How many random numbers it takes for each image.

    Returns:
        The decorator; it returns the function, `(images, numbers) -> images` of tensors `(n, H, W, C)`, uint8 or float
        in [0, 1], and float32 `(n, num_numbers)` in [0, 1).
    """

    def register(function):
        _AUGMENTATIONS[function.__name__] = (function, num_numbers)
        return function

    return register


def list_augmentations():
    """List the augmentations that `open_source(..., augment=...)` takes.

    Returns:
        list of str, sorted.

    Example:
        >>> list_augmentations()
        ['brightness', 'contrast', 'crop', 'flip', 'flip_vertical', 'shift', 'turn']
    """
    return sorted(_AUGMENTATIONS)


def check_augmentations(names):
    """Return the names of augmentations as a tuple.

    Args:
        names: sequence of str, or one str with commas between ("flip,crop").

    Returns:
        tuple of str, in the same order.

    Raises:
        UnknownNameError: there is no such augmentation.
        DataError: one is named twice.

    Example:
        >>> check_augmentations("flip, crop")
        ('flip', 'crop')
    """
    names = tuple(name.strip() for name in (names.split(",") if isinstance(names, str) else names) if name.strip())
    for name in names:
        if name not in _AUGMENTATIONS:
            nearest = difflib.get_close_matches(name, _AUGMENTATIONS, n=1)
            hint = f"did you mean {nearest[0]}? " if nearest else ""
            raise UnknownNameError(f"unknown augmentation {name!r}: {hint}There are {', '.join(list_augmentations())}")
        if names.count(name) > 1:
            raise DataError(f"augment = {','.join(names)}: {name} is named twice")
    return names


class Augmented(Source):
    """A source of images whose training stream is augmented; all else is as in the source.

    The images of one example, "a" and "b" of a pair, are augmented alike.

    Args:
        source: Source. It has an entry of images `(n, H, W, C)`.
        names: tuple of str, from `check_augmentations`.

    Raises:
        DataError: there are no images, or an augmentation does not take their shape.
    """

    def __init__(self, source, names):
        super().__init__(source.arrays, source.info, source.skipped, source.names)
        self.source, self.augmentations = source, names
        self.entries = [key for key, shape in source.info.shapes.items() if len(shape) == 3]
        if source.info.kind != "image" or not self.entries:
            raise DataError(f"{source.info.name} holds {source.info.kind}: only images can be augmented")
        sides = {source.info.shapes[key][:2] for key in self.entries}
        if "turn" in names and any(height != width for height, width in sides):
            height, width = sides.pop()
            raise DataError(
                f"{source.info.name}: images of {height}x{width} cannot be turned by a quarter; leave out turn"
            )

    def __str__(self):
        return f"{self.source}, augmented by {', '.join(self.augmentations)}"

    def take(self, limit):
        """Return the same of the first examples; arguments and errors as for `Source.take`.

        Returns:
            An `Augmented`.
        """
        return Augmented(self.source.take(limit), self.augmentations)

    def fingerprint(self):
        """Return the digest of the examples before they are augmented; see `Source.fingerprint`."""
        return self.source.fingerprint()

    def _reader(self, batch_size, first, num, *, seed, shuffle):
        import tensorflow as tf

        read = self.source._reader(batch_size, first, num, seed=seed, shuffle=shuffle)

        def batch(step):
            examples = read(step)
            for name in self.augmentations:
                function, num_numbers = _AUGMENTATIONS[name]
                # Numbers for the whole global batch, of which a worker takes the rows of its own.
                numbers = tf.random.experimental.stateless_fold_in(
                    tf.stack([tf.cast(seed, tf.int64), step]), zlib.crc32(name.encode())
                )
                numbers = tf.random.stateless_uniform((batch_size, num_numbers), numbers, alg="philox")
                numbers = numbers[first : first + num]
                examples = examples | {key: function(examples[key], numbers) for key in self.entries}
            return examples

        return batch

    def _gather(self):
        return self.source._gather()


def augmented(source, names):
    """Return a source with its training stream augmented; see `Source.augmented`.

    Args:
        source: Source of images.
        names: sequence of str, or one str with commas between. Without any, the source itself is returned.

    Returns:
        A `Source`.

    Raises:
        DataError, UnknownNameError: as of `Source.augmented`.

    Example:
        >>> digits = augmented(kerazoo.data.open_source("digits"), "shift")
        >>> print(digits)
        digits[train]: 1,437 images of 8x8x1, uint8 0..255, 10 classes, licence CC BY 4.0, augmented by shift
    """
    names = check_augmentations(names)
    return Augmented(source, names) if names else source


@augmentation(1)
def flip(images, numbers):
    """Mirror half of the images from left to right."""
    import tensorflow as tf

    return tf.where(numbers[:, 0, None, None, None] < 0.5, images, images[:, :, ::-1])


@augmentation(1)
def flip_vertical(images, numbers):
    """Mirror half of the images from top to bottom."""
    import tensorflow as tf

    return tf.where(numbers[:, 0, None, None, None] < 0.5, images, images[:, ::-1])


@augmentation(1)
def turn(images, numbers):
    """Turn square images by 0 to 3 quarters."""
    import tensorflow as tf

    quarters = tf.cast(numbers[:, 0, None, None, None] * 4, tf.int32)
    turned = tf.transpose(images, (0, 2, 1, 3))[:, ::-1]
    turned = tf.where(quarters % 2 == 1, turned, images)
    return tf.where(quarters >= 2, turned[:, ::-1, ::-1], turned)


@augmentation(2)
def crop(images, numbers):
    """Pad the images by an eighth on each side with their mirror image, and crop a random part of their own size."""
    return _moved(images, numbers, _mirrored)


@augmentation(2)
def shift(images, numbers):
    """Move the images by up to an eighth of their size in each direction; the border's pixels fill the rest."""
    import tensorflow as tf

    return _moved(images, numbers, lambda index, size: tf.clip_by_value(index, 0, size - 1))


@augmentation(1)
def brightness(images, numbers):
    """Add up to a fifth of the range to all values, or take it away."""
    return _with_values(images, lambda values: values + (numbers[:, 0, None, None, None] - 0.5) * 0.4)


@augmentation(1)
def contrast(images, numbers):
    """Stretch the values about each image's mean by a factor from 0.8 to 1.2."""
    import tensorflow as tf

    def stretch(values):
        mean = tf.reduce_mean(values, axis=(1, 2, 3), keepdims=True)
        return mean + (values - mean) * (0.8 + 0.4 * numbers[:, 0, None, None, None])

    return _with_values(images, stretch)


def _moved(images, numbers, inside):
    """Move images by whole pixels; `inside` maps indices beyond the border to some within."""
    import tensorflow as tf

    for axis in (1, 2):
        size = images.shape[axis]
        reach = size // _REACH
        by = tf.cast(tf.floor(numbers[:, axis - 1] * (2 * reach + 1)), tf.int32) - reach
        index = inside(tf.range(size)[None] + by[:, None], size)
        images = tf.gather(images, index, axis=axis, batch_dims=1)
    return images


def _mirrored(index, size):
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
