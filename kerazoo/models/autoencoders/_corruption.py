"""What denoising autoencoders do to their inputs (Vincent et al. 2010, section 3.4)."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import tensorflow as tf


class Corruption(NamedTuple):
    """A corruption: the distribution of its noise, a name in `kerazoo.base.replicas.DRAWS`, and `change(x, noise,
    level)`, a function of tensors in [0, 1] and of noise of their shape."""

    distribution: str
    change: Callable


def mask(x, noise, level):
    """Zero with the probability `level`, by noise uniform on [0, 1)."""
    return tf.where(noise < level, 0.0, x)


def add_gaussian(x, noise, level):
    """Standard normal noise times `level` is added; nothing is clipped."""
    return x + level * noise


def salt_and_pepper(x, noise, level):
    """Zero or one, equally likely, with the probability `level`, by noise uniform on [0, 1)."""
    return tf.where(noise < level, tf.cast(noise < level / 2, tf.float32), x)


CORRUPTIONS = {
    "masking": Corruption("unit", mask),
    "gaussian": Corruption("normal", add_gaussian),
    "salt_and_pepper": Corruption("unit", salt_and_pepper),
}
CorruptionName = Literal["masking", "gaussian", "salt_and_pepper"]
