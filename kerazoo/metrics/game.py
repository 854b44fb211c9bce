"""The minimax game of a GAN with the best discriminator: its value in closed form.

For densities p of the data and q of the generator, the best discriminator is p / (p + q), and the value of the game is
then 2 JSD(p, q) - log 4, which is smallest where p = q. Goodfellow et al. 2014, "Generative Adversarial Nets",
propositions 1 and 2 and theorem 1.
"""

import math

import numpy as np

from kerazoo.metrics._checks import finite_array
from kerazoo.utils.checks import check_number
from kerazoo.utils.errors import DataError

# Densities are sums of rounded numbers, and a grid ends somewhere.
_MASS_TOLERANCE = 1e-2


def optimal_discriminator(p, q):
    """The discriminator that maximises the value of the game: p / (p + q).

    Args:
        p: Array. Densities, or probabilities, of the data at some places.
        q: Array of the same shape. Those of the generator at the same places.

    Returns:
        float64 array in [0, 1], of the same shape; 1/2 where both are zero and any value is as good.

    Raises:
        DataError: Shapes disagree, or a value is negative or not finite.

    Example:
        >>> optimal_discriminator([0.5, 0.5, 0.0, 0.0], [0.0, 0.5, 0.5, 0.0])
        array([1. , 0.5, 0. , 0.5])

    Source: Goodfellow et al. 2014, "Generative Adversarial Nets", proposition 1.
    """
    p, q = _densities(p, q)
    both = p + q
    return np.divide(p, both, out=np.full_like(both, 0.5), where=both > 0)


def jensen_shannon(p, q, *, spacing=1.0):
    """Jensen-Shannon divergence (KL(p || m) + KL(q || m)) / 2 with m = (p + q) / 2, in nats.

    Args:
        p: Array. Probabilities, or densities on an even grid of any number of axes.
        q: Array of the same shape.
        spacing: Float above 0, default 1. The volume of a cell of the grid; 1 for probabilities.

    Returns:
        The divergence as a float in [0, log 2].

    Raises:
        DataError: Shapes disagree, a value is negative or not finite, or a mass is not 1 (within 1%).
        ConfigError: `spacing` is not above 0.

    Example:
        >>> round(jensen_shannon([1.0, 0.0], [0.0, 1.0]), 6)  # log 2
        0.693147

    Source: Goodfellow et al. 2014, "Generative Adversarial Nets", equation 5.
    """
    p, q = _masses(p, q, spacing)
    middle = (p + q) / 2
    return float(np.clip((_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2, 0, math.log(2)))


def gan_value(p, q, discriminator=None, *, spacing=1.0):
    """The value of the game: E_p log D + E_q log(1 - D).

    Args:
        p: Array. Probabilities, or densities on an even grid, of the data.
        q: Array of the same shape. Those of the generator.
        discriminator: Array of the same shape in [0, 1], or None. Its values at the same places. Defaults to None, the
            best one, for which the value is 2 JSD(p, q) - log 4.
        spacing: Float above 0, default 1. The volume of a cell of the grid; 1 for probabilities.

    Returns:
        The value as a float; at most 2 JSD(p, q) - log 4, which lies between -log 4, where p = q, and 0, where they do
        not overlap. -inf for a discriminator that is sure and wrong.

    Raises:
        DataError: Shapes disagree, a value is out of range, or a mass is not 1 (within 1%).
        ConfigError: `spacing` is not above 0.

    Example:
        >>> round(gan_value([0.5, 0.5], [0.5, 0.5]), 6), gan_value([1.0, 0.0], [0.0, 1.0])  # -log 4, and 0
        (-1.386294, 0.0)

    Source: Goodfellow et al. 2014, "Generative Adversarial Nets", equation 1 and theorem 1.
    """
    if discriminator is None:
        return 2 * jensen_shannon(p, q, spacing=spacing) - math.log(4)
    p, q = _masses(p, q, spacing)
    discriminator = finite_array("discriminator", discriminator, p.ndim)
    if discriminator.shape != p.shape or discriminator.min() < 0 or discriminator.max() > 1:
        raise DataError(
            f"discriminator must have shape {p.shape} and values in [0, 1], got shape {discriminator.shape} and "
            f"[{discriminator.min():.4g}, {discriminator.max():.4g}]."
        )
    return _expected_log(p, discriminator) + _expected_log(q, 1 - discriminator)


def _expected_log(mass, values):
    """The sum of mass * log(values); places without mass do not count."""
    with np.errstate(divide="ignore"):
        return float(np.sum(mass[mass > 0] * np.log(values[mass > 0])))


def _relative_entropy(p, q):
    return _expected_log(p, np.divide(p, q, out=np.ones_like(p), where=p > 0))


def _densities(p, q):
    p, q = (finite_array(name, x, np.ndim(x)) for name, x in (("p", p), ("q", q)))
    if p.shape != q.shape or p.size == 0:
        raise DataError(f"p and q must have one shape and at least one value, got {p.shape} and {q.shape}.")
    for name, x in (("p", p), ("q", q)):
        if x.min() < 0:
            raise DataError(f"{name} must be at least 0 everywhere, got {x.min():.4g}.")
    return p, q


def _masses(p, q, spacing):
    spacing = check_number("spacing", spacing, above=True)
    masses = []
    for name, x in zip("pq", _densities(p, q), strict=True):
        mass = x.sum() * spacing
        if abs(mass - 1) > _MASS_TOLERANCE:
            raise DataError(
                f"{name} has a mass of {mass:.4g} with spacing={spacing:g}: a sum (or integral) of 1 is expected"
            )
        masses.append(x * spacing / mass)
    return masses
