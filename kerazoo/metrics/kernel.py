"""Kernel inception distance: the squared maximum mean discrepancy under a cubic kernel."""

from typing import NamedTuple

import numpy as np

from kerazoo.metrics._checks import as_feature_pair
from kerazoo.utils.checks import check_integer, check_seed
from kerazoo.utils.errors import DataError


class KernelDistance(NamedTuple):
    """Mean and standard deviation of the squared MMD over the subsets."""

    mean: float
    std: float


def kid(real, fake, *, subset_size=1000, num_subsets=100, seed=0):
    """Unbiased squared MMD between two sets of features under the kernel k(x, y) = (x.y / D + 1)^3.

    Binkowski et al. 2018, "Demystifying MMD GANs", section 4, with the unbiased estimator of Gretton et al. 2012,
    equation 3, averaged over random subsets. Unlike the FID its mean does not depend on the number of rows; being
    unbiased it is below zero about half of the time for two samples of one distribution.

    Args:
        real: Array (N, D) of features of real samples.
        fake: Array (M, D) of features of generated samples.
        subset_size: Integer in [2, min(N, M)], default 1000. Rows in one subset, drawn without replacement.
        num_subsets: Integer of at least 1, default 100.
        seed: Integer, default 0. Fixes the subsets.

    Returns:
        `KernelDistance(mean, std)`: lower is better. `std` is the spread over the subsets, which overlap: it is
        not the standard error of `mean`, and it is 0 where a subset is the whole of both sets.

    Raises:
        DataError: Widths disagree, a set has fewer than `subset_size` rows, or values are not finite.
        ConfigError: `subset_size` or `num_subsets` is too small.

    Example:
        >>> random = np.random.default_rng(0)
        >>> real, fake = random.normal(size=(200, 4)), random.normal(size=(200, 4)) + 1.0
        >>> bool(kid(real, fake, subset_size=50, num_subsets=10).mean > 1.0)
        True
    """
    subset_size = check_integer("subset_size", subset_size, 2)
    num_subsets = check_integer("num_subsets", num_subsets)
    real, fake = as_feature_pair(real, fake)
    if min(len(real), len(fake)) < subset_size:
        raise DataError(
            f"kid with subset_size={subset_size} needs as many rows in both sets, got {len(real)} real and "
            f"{len(fake)} fake; pass a smaller subset_size."
        )
    random = np.random.default_rng(check_seed(seed))
    distances = [
        _squared_mmd(
            real[random.choice(len(real), subset_size, replace=False)],
            fake[random.choice(len(fake), subset_size, replace=False)],
        )
        for _ in range(num_subsets)
    ]
    return KernelDistance(float(np.mean(distances)), float(np.std(distances)))


def _squared_mmd(x, y):
    rows = len(x)
    within_x, within_y = _kernel(x, x), _kernel(y, y)
    # Leaving out k(x_i, x_i) is what makes the estimate unbiased.
    off_diagonal = within_x.sum() - np.trace(within_x) + within_y.sum() - np.trace(within_y)
    return off_diagonal / (rows * (rows - 1)) - 2.0 * _kernel(x, y).mean()


def _kernel(x, y):
    base = x @ y.T / x.shape[1] + 1.0
    # Two products, since ** 3 goes through pow() and costs more than the matrix product.
    return base * base * base
