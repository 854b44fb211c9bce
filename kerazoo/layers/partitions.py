"""Ways to divide an example into a part that a coupling keeps and one that it changes."""

import tensorflow as tf


class Halves:
    """The channels, or features, in two halves.

    Args:
        swapped: bool. Whether the second half stays and the first one changes. Defaults to False.
    """

    def __init__(self, swapped=False):
        self.swapped = bool(swapped)

    def shapes(self, shape):
        """Shapes of the parts of an example of a shape: that which stays, and that which changes."""
        first, second = shape[-1] // 2, shape[-1] - shape[-1] // 2
        kept, changed = (second, first) if self.swapped else (first, second)
        return (*shape[:-1], kept), (*shape[:-1], changed)

    def split(self, x):
        """(kept, changed) of examples."""
        first = x.shape[-1] // 2
        parts = x[..., :first], x[..., first:]
        return parts[::-1] if self.swapped else parts

    def join(self, kept, changed):
        """Examples of their two parts."""
        return tf.concat([changed, kept] if self.swapped else [kept, changed], axis=-1)


class Checkerboard:
    """The pixels of a checkerboard's two colours, each as a map of half the height and width and twice the channels.

    Args:
        swapped: bool. Whether the other colour stays. Defaults to False.

    Source: Dinh et al. 2017, "Density estimation using Real NVP", figure 3 (left).
    """

    def __init__(self, swapped=False):
        self.swapped = bool(swapped)

    def shapes(self, shape):
        """As of `Halves`; an even height and width are expected."""
        part = (shape[0] // 2, shape[1] // 2, 2 * shape[2])
        return part, part

    def split(self, x):
        """As of `Halves`."""
        # Of each block the pixels (0, 0), (0, 1), (1, 0), (1, 1): one colour has the outer two, the other the inner.
        first, *inner, last = tf.split(tf.nn.space_to_depth(x, 2), 4, axis=-1)
        parts = tf.concat([first, last], axis=-1), tf.concat(inner, axis=-1)
        return parts[::-1] if self.swapped else parts

    def join(self, kept, changed):
        """As of `Halves`."""
        outer, inner = (changed, kept) if self.swapped else (kept, changed)
        first, last = tf.split(outer, 2, axis=-1)
        return tf.nn.depth_to_space(tf.concat([first, inner, last], axis=-1), 2)
