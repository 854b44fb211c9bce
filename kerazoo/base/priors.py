"""Priors of latent vectors, as objects: drawn in NumPy and in the graph, in training, and walked between.

"uniform" is the interval [-1, 1) everywhere in kerazoo; random numbers on [0, 1) are called "unit".
"""

import itertools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import tensorflow as tf

from kerazoo.base.inputs import Input
from kerazoo.base.replicas import DRAWS
from kerazoo.utils.checks import check_integer, check_number, check_seed
from kerazoo.utils.errors import ConfigError


def random_generator(seed=None):
    """A NumPy generator; `ConfigError` unless `seed` is None (fresh randomness) or an integer from 0 to 2**31 - 1."""
    return np.random.default_rng(None if seed is None else check_seed(seed))


def check_codes(z, shape, name="codes"):
    """`z` as float32; a `ConfigError` that calls it `name`, unless it is finite and of shape `(num, *shape)`."""
    z = np.asarray(z, "float32")
    if z.shape[1:] != tuple(shape) or z.ndim != 1 + len(shape) or not np.isfinite(z).all():
        expected = ", ".join(map(str, shape))
        raise ConfigError(f"{name} of shape {z.shape}: finite values of shape (num, {expected}) are expected")
    return z


@dataclass(frozen=True)
class Prior:
    """A distribution of latent vectors; a subclass says how one is drawn.

    Args:
        dim: int. Length of a vector.
    """

    dim: int

    about: ClassVar[str] = ""

    def sample(self, num, *, seed=None, truncation=None):
        """Latent vectors, drawn with NumPy.

        Args:
            num: int. How many.
            seed: int or None. The same seed gives the same vectors; None gives fresh ones. Defaults to None.
            truncation: float or None. Keeps every component of a continuous prior within [-truncation, truncation]: a
                narrower uniform, or a normal whose components are redrawn until they fit (Brock et al. 2019, section
                3.1). Smaller values trade variety for typical samples. Defaults to None, no truncation.

        Returns:
            np.ndarray. float32, shape `(num, dim)`.

        Raises:
            ConfigError: a count, a seed or a truncation out of range.

        Example:
            >>> z = Uniform(100).sample(16, seed=0, truncation=0.5)
            >>> z.shape, bool(abs(z).max() <= 0.5)
            ((16, 100), True)
        """
        check_integer("num_samples", num)
        if truncation is not None:
            truncation = check_number("truncation", truncation, above=True)
        return self.sample_with(random_generator(seed), num, truncation)

    def sample_with(self, rng, num, truncation=None):
        """`num` vectors from a NumPy generator: float32, shape `(num, dim)`."""
        raise NotImplementedError

    def draw(self, num, seed):
        """`num` vectors in the graph, float32 `(num, dim)`, from a seed of two int32 words."""
        raise NotImplementedError

    def noise(self, model, num_rows, stream):
        """Vectors for the examples of a training batch, float32 `(num_rows, dim)`: by `ZooModel.noise`."""
        raise NotImplementedError

    def check(self, z):
        """`z` as float32 latents; a `ConfigError` unless it is finite and of shape `(num, dim)`."""
        return check_codes(z, (self.dim,), "latents")

    def interpolate(self, corners, num_steps):
        """Straight lines through a sequence of latent vectors, as in figure 4 of Radford et al. 2016.

        Args:
            corners: array, shape `(points, dim)`. At least two vectors.
            num_steps: int. Vectors on each line, both ends included; at least 2.

        Returns:
            np.ndarray. float32, shape `(points - 1, num_steps, dim)`.

        Raises:
            ConfigError: fewer than two vectors, or fewer than two steps.

        Example:
            >>> Normal(1).interpolate([[0.0], [1.0], [3.0]], 3)[..., 0].tolist()
            [[0.0, 0.5, 1.0], [1.0, 2.0, 3.0]]
        """
        corners = self.check(corners)
        check_integer("num_steps", num_steps, 2)
        if len(corners) < 2:
            raise ConfigError(
                f"latents of shape {corners.shape}: at least two vectors, shape (2, {self.dim}), are expected"
            )
        weights = np.linspace(0, 1, num_steps, dtype="float32")[:, None]
        return np.stack([(1 - weights) * a + weights * b for a, b in itertools.pairwise(corners)])

    def input(self):
        """The endpoint's input: float32, shape `(batch, dim)`."""
        return Input(
            "latents", (None, self.dim), "float32", lambda rng, rows: self.sample_with(rng, rows), about=self.about
        )


class Continuous(Prior):
    """A prior with independent components that `ZooModel.noise` knows by the name `distribution`."""

    distribution: str | None = None

    def draw(self, num, seed):
        return DRAWS[self.distribution]((num, self.dim), seed)

    def noise(self, model, num_rows, stream):
        return model.noise(num_rows, (self.dim,), stream=stream, distribution=self.distribution)


class Normal(Continuous):
    """Independent standard normal components."""

    distribution, about = "normal", "standard normal"

    def sample_with(self, rng, num, truncation=None):
        z = rng.standard_normal((num, self.dim))
        while truncation is not None and (outside := np.abs(z) > truncation).any():
            z[outside] = rng.standard_normal(outside.sum())
        return z.astype("float32")


class Uniform(Continuous):
    """Independent components, uniform on [-1, 1)."""

    distribution, about = "uniform", "uniform on [-1, 1)"

    def sample_with(self, rng, num, truncation=None):
        bound = 1.0 if truncation is None else min(truncation, 1.0)
        return rng.uniform(-bound, bound, (num, self.dim)).astype("float32")


class OneHot(Prior):
    """A one-hot vector, every place equally likely: a categorical code."""

    about = "one-hot"

    def sample_with(self, rng, num, truncation=None):
        return np.eye(self.dim, dtype="float32")[rng.integers(self.dim, size=num)]

    def draw(self, num, seed):
        return tf.one_hot(tf.random.stateless_uniform([num], seed, maxval=self.dim, dtype=tf.int32), self.dim)

    def noise(self, model, num_rows, stream):
        place = model.noise(num_rows, (), stream=stream, distribution="integers", maximum=self.dim)
        return tf.one_hot(place, self.dim)


class Joint(Prior):
    """Several priors side by side.

    Args:
        *parts: Prior. In the order of their components.

    Example:
        >>> prior = Joint(Normal(62), OneHot(10), Uniform(2))
        >>> prior.dim, [part.shape for part in prior.split(prior.sample(3, seed=0))]
        (74, [(3, 62), (3, 10), (3, 2)])
    """

    def __init__(self, *parts):
        super().__init__(sum(part.dim for part in parts))
        object.__setattr__(self, "parts", parts)
        object.__setattr__(self, "about", ", then ".join(f"{part.dim} {part.about}" for part in parts))

    def sample_with(self, rng, num, truncation=None):
        return np.concatenate([part.sample_with(rng, num, truncation) for part in self.parts], axis=1)

    def draw(self, num, seed):
        seeds = [tf.random.fold_in(seed, index) for index in range(len(self.parts))]
        return tf.concat([part.draw(num, one) for part, one in zip(self.parts, seeds, strict=True)], axis=1)

    def noise(self, model, num_rows, stream):
        return tf.concat([p.noise(model, num_rows, f"{stream}_{i}") for i, p in enumerate(self.parts)], axis=1)

    def split(self, z):
        """The parts of latents: list of arrays or tensors `(num, dim of the part)`."""
        ends = list(itertools.accumulate(part.dim for part in self.parts))
        return [z[:, end - part.dim : end] for part, end in zip(self.parts, ends, strict=True)]


# The priors that an argument `prior` names.
PRIORS = {"normal": Normal, "uniform": Uniform}


def seeded_rows(seeds, shape, *, stream=0, distribution="unit"):
    """Random rows in the graph, each a function of its own seed alone, whatever rows stand beside it.

    Args:
        seeds: int32 tensor, shape `(rows,)`.
        shape: tuple or int32 tensor. Of one row; a longer row begins like a shorter one.
        stream: int. Other streams of one seed are independent. Defaults to 0.
        distribution: `"unit"` (uniform on [0, 1)), `"uniform"` (on [-1, 1)) or `"normal"` (standard normal). Defaults
            to `"unit"`.

    Returns:
        tf.Tensor. float32, shape `(rows, *shape)`.
    """
    draw = DRAWS[distribution]
    return tf.map_fn(lambda seed: draw(shape, tf.stack([seed, stream])), seeds, fn_output_signature=tf.float32)
