"""Inputs of endpoints: shape, range, and how an example is drawn."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from kerazoo.utils.checks import MAX_SEED


@dataclass(frozen=True)
class Input:
    """One named input of an endpoint.

    Attributes:
        kind: str. What it is, for whoever offers it to people: `"latents"`, `"images"`, `"points"`, `"text"`,
            `"tokens"`, `"seed"`, `"number"`, `"state"`.
        shape: tuple. None where any size is allowed; a batch comes first. `()` for one number of the whole call.
        dtype: str. `"float32"`, `"int32"`, `"string"`.
        draw: callable `(rng, rows) -> array`. An example, for checks and warm-up.
        about: str. Range and meaning, one phrase.
        entry: str or None. The entry of a batch of data that real examples of it come from.
        least, most: float or None. Bounds that calls are held to.
        steps: int or None. What a free size after the batch becomes in a LiteRT file that must fix it; zeros stand
            behind what is shorter.
        shown: what a form begins with, where that is another value than those of checks, which are quick. None: drawn.
    """

    kind: str
    shape: tuple
    dtype: str
    draw: Callable[[np.random.Generator, int], np.ndarray]
    about: str = ""
    entry: str | None = None
    least: float | None = None
    most: float | None = None
    steps: int | None = None
    shown: float | str | None = None

    def check(self, value):
        """Hold a value to the bounds, in the graph.

        Args:
            value: tf.Tensor. Of the input's shape and dtype.

        Returns:
            tf.Tensor. `value`.

        Raises:
            tf.errors.InvalidArgumentError: when it runs, a number below `least` or above `most`.
        """
        for bound, fits, words in ((self.least, tf.greater_equal, "at least"), (self.most, tf.less_equal, "at most")):
            if bound is not None:
                inside = tf.reduce_all(fits(value, tf.cast(bound, value.dtype)))
                value = require(value, inside, f"{self.kind}: {words} {bound} is expected, not", value)
        return value


def require(value, condition, *message):
    """Make a call fail, in the graph, where a condition does not hold; a client of a server reads INVALID_ARGUMENT.

    Args:
        value: tf.Tensor. What the condition is about.
        condition: boolean scalar tensor.
        *message: str or tf.Tensor. Parts of the message.

    Returns:
        tf.Tensor. `value`, which is computed only where the condition holds.

    Raises:
        tf.errors.InvalidArgumentError: when it runs, where the condition does not hold.
    """
    check = tf.debugging.Assert(condition, list(message))
    with tf.control_dependencies([check] if check is not None else []):
        return tf.identity(value)


# === Kinds of inputs ===


def images(shape, entry="image"):
    """Images in [0, 1]: float32, shape `(batch, height, width, channels)`.

    Args:
        shape: tuple[int, int, int]. Height, width and channels.
        entry: str. The entry of a batch of data that real examples come from. Defaults to `"image"`.

    Returns:
        Input.
    """
    return Input("images", (None, *shape), "float32", _unit(shape), "in [0, 1]", entry)


def points(num_features):
    """Points: float32, shape `(batch, num_features)`.

    Args:
        num_features: int. Dimension of a point.

    Returns:
        Input.
    """

    def draw(rng, rows):
        return rng.standard_normal((rows, num_features)).astype("float32")

    return Input("points", (None, num_features), "float32", draw, "", "points")


def vectors_in_time(num_features, *, longest=None):
    """Sequences of vectors: float32, shape `(batch, steps, num_features)`.

    Args:
        num_features: int. Numbers of a step.
        longest: int or None. The number of steps of a LiteRT file that must fix it. Defaults to None.

    Returns:
        Input.
    """

    def draw(rng, rows):
        return rng.integers(2, size=(rows, 6, num_features)).astype("float32")

    return Input("sequence", (None, None, num_features), "float32", draw, "steps of numbers", steps=longest)


def codes(shape):
    """Codes of an encoder: float32, shape `(batch, *shape)`.

    Args:
        shape: tuple[int, ...]. Of one code.

    Returns:
        Input.
    """
    return Input("latents", (None, *shape), "float32", _unit(shape), "codes of the encoder")


def units(num_units):
    """Units, or their probabilities, in [0, 1]: float32, shape `(batch, num_units)`.

    Args:
        num_units: int. Units of a row.

    Returns:
        Input.
    """
    return Input("units", (None, num_units), "float32", _unit((num_units,)), "in [0, 1]")


def noise(*shape, distribution="unit"):
    """Random numbers that the caller draws: float32, shape `(batch, *shape)`.

    Args:
        *shape: int or None. Sizes of a row; None for a size that is free.
        distribution: `"unit"` (uniform on [0, 1)) or `"normal"` (standard normal). Defaults to `"unit"`.

    Returns:
        Input.
    """

    def draw(rng, rows):
        size = (rows, *(4 if side is None else side for side in shape))
        return (rng.random(size) if distribution == "unit" else rng.standard_normal(size)).astype("float32")

    about = {"unit": "uniform on [0, 1)", "normal": "standard normal"}[distribution]
    return Input("noise", (None, *shape), "float32", draw, about)


def labels(num_classes):
    """Class labels, 0 to `num_classes - 1`: int32, shape `(batch,)`, which calls are held to.

    Args:
        num_classes: int. How many classes there are.

    Returns:
        Input.
    """

    def draw(rng, rows):
        return rng.integers(num_classes, size=rows, dtype=np.int32)

    about = f"class, 0 to {num_classes - 1}"
    return Input("labels", (None,), "int32", draw, about, "label", least=0, most=num_classes - 1)


def tokens(num_tokens, *, steps=True, least=0, longest=None):
    """Ids of tokens, from 0 on, which calls are held to: int32, shape `(batch, steps)`, or `(batch,)` without steps.

    Args:
        num_tokens: int. How many tokens there are.
        steps: bool. Whether there is an axis of steps. Defaults to True.
        least: int. The lowest id among the examples that are drawn, above the special tokens. Defaults to 0.
        longest: int or None. The number of steps of a LiteRT file that must fix it. Defaults to None.

    Returns:
        Input.
    """

    def draw(rng, rows):
        return rng.integers(least, num_tokens, (rows, 12) if steps else rows, dtype=np.int32)

    shape = (None, None) if steps else (None,)
    bounds = {"least": 0, "most": num_tokens - 1}
    return Input("tokens", shape, "int32", draw, f"0 to {num_tokens - 1}", "tokens", **bounds, steps=longest)


def text(*examples):
    """Strings in UTF-8: shape `(batch,)`.

    Args:
        *examples: str. Texts that the model can read, at least one.

    Returns:
        Input.
    """
    return Input(
        "text", (None,), "string", lambda rng, rows: np.array([examples[i % len(examples)] for i in range(rows)], "O")
    )


def seed(*, rows=False):
    """A seed, 0 to 2**31 - 1: int32, which calls are held to.

    Args:
        rows: bool. Whether each example has one, shape `(batch,)`, or the whole call, shape `()`. Defaults to False.

    Returns:
        Input.
    """

    def draw(rng, num_rows):
        return rng.integers(MAX_SEED, size=num_rows if rows else None, dtype=np.int32)

    return Input("seed", (None,) if rows else (), "int32", draw, "the same gives the same", least=0)


def number(example, least, most=None, *, about="", dtype="int32", rows=False, shown=None):
    """A number within bounds, which calls are held to.

    Args:
        example: int or float. What checks and warm-up give.
        least: int or float. The lowest that is allowed.
        most: int, float or None. The highest that is allowed. Defaults to None, no bound.
        about: str. Range and meaning, one phrase. Defaults to `""`.
        dtype: str. `"int32"` or `"float32"`. Defaults to `"int32"`.
        rows: bool. Whether each example has one, shape `(batch,)`, or the whole call, shape `()`. Defaults to False.
        shown: int, float or None. What a form begins with. Defaults to None: `example`.

    Returns:
        Input.
    """
    draw = (lambda rng, num_rows: np.full(num_rows, example, dtype)) if rows else (lambda *_: np.array(example, dtype))
    return Input("number", (None,) if rows else (), dtype, draw, about, least=least, most=most, shown=shown)


def num_samples(shown=16):
    """The number of examples that a call draws, 1 to 1024: bounded, since any client of a server may ask.

    Args:
        shown: int. What a form begins with. Defaults to 16.

    Returns:
        Input.
    """
    return number(3, 1, 1024, shown=shown)


def state(zero_state):
    """A recurrent state: zeros at first, and then what the call before gave.

    Args:
        zero_state: callable `rows -> tensor`. The state of zeros, shape `(rows, ...)`.

    Returns:
        Input.
    """
    shape, dtype = zero_state(1).shape, zero_state(1).dtype.name
    return Input("state", (None, *shape[1:]), dtype, lambda rng, rows: zero_state(rows).numpy(), "zeros at first")


def _unit(shape):
    return lambda rng, rows: rng.random((rows, *shape)).astype("float32")
