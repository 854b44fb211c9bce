"""Seeded latents, and walks between them."""

import itertools

import numpy as np
import tensorflow as tf

from kerazoo.utils.checks import check_integer, check_number, check_seed
from kerazoo.utils.errors import ConfigError


def random_generator(seed=None):
    """A NumPy generator; `ConfigError` unless `seed` is None (fresh randomness) or an integer from 0 to 2**31 - 1."""
    return np.random.default_rng(None if seed is None else check_seed(seed))


def sample_latents(num, latent_dim, *, distribution="normal", seed=None, truncation=None):
    """Latent vectors from the prior.

    Args:
        num: int. How many.
        latent_dim: int. Length of each.
        distribution: `"normal"` (standard normal) or `"uniform"` (on [-1, 1)). Defaults to `"normal"`.
        seed: int or None. The same seed gives the same vectors; None gives fresh ones. Defaults to None.
        truncation: float or None. Keeps every component within [-truncation, truncation]: a narrower uniform, or a
            normal whose components are redrawn until they fit (Brock et al. 2019, section 3.1). Smaller values trade
            variety for typical samples. Defaults to None, no truncation.

    Returns:
        np.ndarray. float32, shape `(num, latent_dim)`.

    Raises:
        ConfigError: a count, a seed or a truncation out of range.

    Example:
        >>> z = sample_latents(16, 100, seed=0, truncation=0.5)
        >>> z.shape, bool(abs(z).max() <= 0.5)
        ((16, 100), True)
    """
    check_integer("num_samples", num)
    rng = random_generator(seed)
    if truncation is not None:
        truncation = check_number("truncation", truncation, above=True)
    if distribution == "uniform":
        bound = 1.0 if truncation is None else min(truncation, 1.0)
        return rng.uniform(-bound, bound, (num, latent_dim)).astype("float32")
    z = rng.standard_normal((num, latent_dim))
    while truncation is not None and (outside := np.abs(z) > truncation).any():
        z[outside] = rng.standard_normal(outside.sum())
    return z.astype("float32")


def seeded_rows(seeds, shape, *, stream=0, distribution="uniform"):
    """Random rows in the graph, each a function of its own seed alone, whatever rows stand beside it.

    Args:
        seeds: int32 tensor, shape `(rows,)`.
        shape: tuple or int32 tensor. Of one row; a longer row begins like a shorter one.
        stream: int. Other streams of one seed are independent. Defaults to 0.
        distribution: `"uniform"` (on [0, 1)) or `"normal"` (standard normal). Defaults to `"uniform"`.

    Returns:
        tf.Tensor. float32, shape `(rows, *shape)`.
    """
    draw = {"uniform": tf.random.stateless_uniform, "normal": tf.random.stateless_normal}[distribution]
    return tf.map_fn(lambda seed: draw(shape, tf.stack([seed, stream])), seeds, fn_output_signature=tf.float32)


def check_latents(z, latent_dim):
    """`z` as float32 latents; a `ConfigError` unless it is finite and of shape `(num, latent_dim)`."""
    z = np.asarray(z, "float32")
    if z.ndim != 2 or z.shape[1] != latent_dim or not np.isfinite(z).all():
        raise ConfigError(f"latents of shape {z.shape}: finite values of shape (num, {latent_dim}) are expected")
    return z


def interpolate_latents(corners, num_steps):
    """Straight lines through a sequence of latent vectors, as in figure 4 of Radford et al. 2016.

    Args:
        corners: array, shape `(points, latent_dim)`. At least two vectors.
        num_steps: int. Vectors on each line, both ends included; at least 2.

    Returns:
        np.ndarray. float32, shape `(points - 1, num_steps, latent_dim)`.

    Raises:
        ConfigError: fewer than two vectors, or fewer than two steps.

    Example:
        >>> interpolate_latents([[0.0], [1.0], [3.0]], 3)[..., 0].tolist()
        [[0.0, 0.5, 1.0], [1.0, 2.0, 3.0]]
    """
    corners = np.asarray(corners, "float32")
    check_integer("num_steps", num_steps, 2)
    if corners.ndim != 2 or len(corners) < 2:
        raise ConfigError(
            f"latents of shape {corners.shape}: at least two vectors, shape (2, latent_dim), are expected"
        )
    weights = np.linspace(0, 1, num_steps, dtype="float32")[:, None]
    return np.stack([(1 - weights) * a + weights * b for a, b in itertools.pairwise(corners)])
