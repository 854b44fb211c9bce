"""Distances between distributions of one variable."""

import numpy as np

from kerazoo.metrics._checks import finite_array
from kerazoo.utils.errors import DataError


def wasserstein_1d(real, fake):
    """The Wasserstein-1 (earth mover's) distance between two samples of numbers, exactly.

    Args:
        real: Array (N,), or (N, 1).
        fake: Array (M,), or (M, 1).

    Returns:
        The distance as a float, at least 0, in the unit of the numbers.

    Raises:
        DataError: An array is empty, of another shape, or not finite.

    Example:
        >>> wasserstein_1d([0.0, 1.0], [[3.0], [4.0]])
        3.0

    Source: Arjovsky et al. 2017, "Wasserstein GAN", section 2; in one dimension it is the area between the two
    distribution functions (Vallender 1974).
    """
    from scipy.stats import wasserstein_distance

    return float(wasserstein_distance(_numbers("real", real), _numbers("fake", fake)))


def total_variation(p, q):
    """The total variation distance between two discrete distributions: half the sum of |p - q|.

    Args:
        p: Array of non-negative counts or probabilities; divided by their sum.
        q: Array of the same shape.

    Returns:
        The distance as a float in [0, 1].

    Raises:
        DataError: Shapes disagree, a value is negative or not finite, or all are zero.

    Example:
        >>> total_variation([2, 2, 0], [0.25, 0.25, 0.5])
        0.5
    """
    p, q = (finite_array(name, x, np.ndim(x)) for name, x in (("p", p), ("q", q)))
    if p.shape != q.shape:
        raise DataError(f"p and q must have one shape, got {p.shape} and {q.shape}.")
    for name, x in (("p", p), ("q", q)):
        if x.size == 0 or x.min() < 0 or x.sum() == 0:
            raise DataError(f"{name} must hold counts or probabilities, at least 0 and one above it.")
    return float(np.abs(p / p.sum() - q / q.sum()).sum() / 2)


def _numbers(name, value):
    array = finite_array(name, value, max(1, min(2, np.ndim(value))))
    if array.size == 0 or array.size != len(array):
        raise DataError(f"{name} must be numbers, shape (num,) or (num, 1), at least one; got shape {array.shape}.")
    return array.reshape(-1)
