"""Augmentation of training images as a pure function of (seed, step, place in the global batch).

Nothing is remembered from one batch to the next, so a resumed run sees the images that it would have seen, and two
replicas, or two workers with a shard each, see those of one device.
"""

import difflib
import zlib

from kerazoo.data.augmentations import AUGMENTATIONS
from kerazoo.data.sources import Source
from kerazoo.utils.errors import DataError, UnknownNameError


def list_augmentations():
    """List the augmentations that `open_source(..., augment=...)` takes.

    Returns:
        list of str, sorted.

    Example:
        >>> list_augmentations()
        ['brightness', 'contrast', 'crop', 'flip', 'flip_vertical', 'shift', 'turn']
    """
    return sorted(AUGMENTATIONS)


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
        if name not in AUGMENTATIONS:
            nearest = difflib.get_close_matches(name, AUGMENTATIONS, n=1)
            hint = f"did you mean {nearest[0]}? " if nearest else ""
            raise UnknownNameError(f"unknown augmentation {name!r}: {hint}There are {', '.join(list_augmentations())}")
        if names.count(name) > 1:
            raise DataError(f"augment = {','.join(names)}: {name} is named twice")
    return names


class Augmented(Source):
    """A source of images whose training stream is augmented; everything else is as in the source.

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

    def select(self, rows):
        """Return the augmented source of some of the examples; arguments as for `Source.select`.

        Returns:
            An `Augmented`.
        """
        return Augmented(self.source.select(rows), self.augmentations)

    def fingerprint(self):
        """Return the digest of the examples before they are augmented; see `Source.fingerprint`."""
        return self.source.fingerprint()

    def _reader(self, batch_size, first, num, *, seed, shuffle):
        import tensorflow as tf

        read = self.source._reader(batch_size, first, num, seed=seed, shuffle=shuffle)

        def batch(step):
            examples = read(step)
            for name in self.augmentations:
                function, num_numbers = AUGMENTATIONS[name]
                # Numbers for the whole global batch, from which a worker takes its own rows.
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
    """Return a source with its training stream augmented.

    Args:
        source: Source of images. Two domains that are not paired are augmented each by numbers of its own.
        names: sequence of str, or one str with commas between; see `list_augmentations`. They are applied in this
            order. Without any, the source itself is returned.

    Returns:
        A `Source` whose `batches` are augmented; `epoch`, `sample` and `arrays` are not.

    Raises:
        DataError: it holds no images, or images of another shape than an augmentation takes.
        UnknownNameError: there is no such augmentation.

    Example:
        >>> digits = augmented(kerazoo.data.open_source("digits"), "shift")
        >>> print(digits)
        digits[train]: 1,437 images of 8x8x1, uint8 0..255, 10 classes, licence CC BY 4.0, augmented by shift
    """
    names = check_augmentations(names)
    return source.with_streams(lambda one: Augmented(one, names)) if names else source
