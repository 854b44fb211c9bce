"""Frechet distance between Gaussians, and between two sets of features (FID).

Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium", equation 6,
after Dowson and Landau 1982:

    d^2 = |m_a - m_b|^2 + Tr(A) + Tr(B) - 2 Tr((A B)^(1/2))
"""

import numpy as np

from kerazoo.metrics._checks import as_feature_pair, finite_array
from kerazoo.utils.errors import DataError


def frechet_distance(mean_a, covariance_a, mean_b, covariance_b):
    """Squared Frechet (2-Wasserstein) distance between two Gaussians.

    The trace of (A B)^(1/2) is the sum of the singular values of F'G, where A = FF' and B = GG'. No square root of a
    non-symmetric matrix is taken, so the result is real and not negative even where A or B is singular, which they
    are whenever there are fewer samples than features or an extractor has dead units.

    Args:
        mean_a: Array (D,), the mean of the first Gaussian.
        covariance_a: Array (D, D), symmetric and positive semi-definite; may be singular.
        mean_b: Array (D,), the mean of the second Gaussian.
        covariance_b: Array (D, D), as `covariance_a`.

    Returns:
        The distance d^2 as a float in [0, inf), computed in float64. Zero where the Gaussians are equal.

    Raises:
        DataError: Shapes disagree, values are not finite, or a covariance is not symmetric or has a clearly
            negative eigenvalue.

    Example:
        >>> frechet_distance([0.0], [[1.0]], [3.0], [[4.0]])  # 3^2 + (2 - 1)^2
        10.0
    """
    mean_a = finite_array("mean_a", mean_a, 1)
    mean_b = finite_array("mean_b", mean_b, 1)
    covariance_a = _as_covariance("covariance_a", covariance_a, len(mean_a))
    covariance_b = _as_covariance("covariance_b", covariance_b, len(mean_b))
    if len(mean_a) != len(mean_b):
        raise DataError(f"mean_a and mean_b must have the same length, got {len(mean_a)} and {len(mean_b)}.")

    from scipy.linalg import svdvals

    cross = _factor("covariance_a", covariance_a).T @ _factor("covariance_b", covariance_b)
    shift = mean_a - mean_b
    distance = shift @ shift + np.trace(covariance_a) + np.trace(covariance_b) - 2.0 * svdvals(cross).sum()
    # Equal Gaussians cancel to a rounding error of either sign.
    return max(float(distance), 0.0)


def fid(real, fake):
    """Frechet distance between Gaussians fitted to two sets of features.

    With Inception-v3 features this is the published FID. With an extractor of the zoo it is a "classifier FID": it
    ranks models under that extractor and is never comparable with an Inception FID. The estimate is biased upwards
    by an amount that depends on the number of rows and on the model (Chong and Forsyth 2020): compare only at equal
    N, 10,000 by convention, and next to the same figure for two sets of real data.

    Args:
        real: Array (N, D) of features of real samples, N >= 2.
        fake: Array (M, D) of features of generated samples, M >= 2.

    Returns:
        The distance as a float in [0, inf), lower is better.

    Raises:
        DataError: Widths disagree, a set has fewer than two rows, or values are not finite.

    Example:
        >>> features = np.random.default_rng(0).normal(size=(100, 4))
        >>> round(fid(features, features + 2.0), 6)  # 4 features, each moved by 2
        16.0
    """
    real, fake = as_feature_pair(real, fake)
    return frechet_distance(*_moments(real), *_moments(fake))


def _moments(features):
    # atleast_2d: np.cov returns a scalar for one feature.
    return features.mean(axis=0), np.atleast_2d(np.cov(features, rowvar=False))


def _as_covariance(name, value, size):
    covariance = finite_array(name, value, 2)
    if covariance.shape != (size, size) or size == 0:
        raise DataError(f"{name} must have shape ({size}, {size}) to fit its mean, got {covariance.shape}.")
    if not np.allclose(covariance, covariance.T, rtol=1e-5, atol=1e-8 * np.abs(covariance).max()):
        raise DataError(f"{name} must be symmetric.")
    return (covariance + covariance.T) / 2


def _factor(name, covariance):
    """F with covariance = FF', from the eigenvectors whose eigenvalue is not a rounding error of zero."""
    from scipy.linalg import eigh

    values, vectors = eigh(covariance)
    largest = np.abs(values).max()
    if values[0] < -1e-6 * largest:
        raise DataError(f"{name} must be positive semi-definite, got the eigenvalue {values[0]:.3g}.")
    kept = values > largest * len(values) * np.finfo(np.float64).eps
    return vectors[:, kept] * np.sqrt(values[kept])
