"""Maximum mean discrepancy: the kernel inception distance, and a test of whether two samples are alike."""

from typing import NamedTuple

import numpy as np

from kerazoo.metrics._checks import as_feature_pair
from kerazoo.utils.checks import check_integer, check_number, check_seed
from kerazoo.utils.errors import ConfigError, DataError

# Li et al. 2015, "Generative Moment Matching Networks".
BANDWIDTHS = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0)


class MMDTest(NamedTuple):
    """Unbiased squared MMD, and the fraction of permutations in which it is at least as large."""

    squared_mmd: float
    p_value: float


class KernelDistance(NamedTuple):
    """Mean and standard deviation of the squared MMD over the subsets."""

    mean: float
    std: float


def kid(real, fake, *, subset_size=1000, num_subsets=100, seed=0):
    """Unbiased squared MMD between two sets of features under the kernel k(x, y) = (x.y / D + 1)^3.

    Binkowski et al. 2018, "Demystifying MMD GANs", section 4, with the unbiased estimator of Gretton et al. 2012,
    equation 3, averaged over random subsets. Unlike that of the FID, its mean does not depend on the number of rows.
    Being unbiased, it is below zero about half of the time for two samples of one distribution.

    Args:
        real: Array (N, D) of features of real samples.
        fake: Array (M, D) of features of generated samples.
        subset_size: Integer in [2, min(N, M)], default 1000. Rows in one subset, drawn without replacement.
        num_subsets: Integer, at least 1, default 100.
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
            f"kid with subset_size={subset_size} needs at least that many rows in both sets, got {len(real)} real "
            f"and {len(fake)} fake; pass a smaller subset_size."
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


def mmd_test(real, fake, *, bandwidths=BANDWIDTHS, num_permutations=500, seed=0):
    """A permutation test of whether two sets of rows come from one distribution.

    The statistic is the unbiased squared MMD (Gretton et al. 2012, equation 3) under a sum of Gaussian kernels,
    k(x, y) = sum over the bandwidths s of exp(-|x - y|^2 / (2 s)). Under the null hypothesis any division of the rows
    is as likely as the real one. The matrix of all rows by all rows is in memory: 200 MB for 2,500 rows of each.

    Args:
        real: Array (N, D), N >= 2.
        fake: Array (M, D), M >= 2. Not made by a model that was trained to minimise the MMD to these rows of `real`.
        bandwidths: Sequence of floats above 0. Defaults to (2, 5, 10, 20, 40, 80), as in Li et al. 2015.
        num_permutations: Integer, at least 1, default 500.
        seed: Integer, default 0. Fixes the permutations.

    Returns:
        `MMDTest(squared_mmd, p_value)`. A small `p_value` says that the distributions differ; it is at least
        1 / (num_permutations + 1).

    Raises:
        DataError: Widths disagree, a set has one row only, or values are not finite.
        ConfigError: A number is out of range.

    Example:
        >>> random = np.random.default_rng(0)
        >>> real, fake = random.normal(size=(100, 2)), random.normal(size=(100, 2))
        >>> mmd_test(real, fake).p_value > 0.05, mmd_test(real, fake + 1.0, num_permutations=99).p_value
        (True, 0.01)

    Source: Gretton et al. 2012, "A Kernel Two-Sample Test"; Li, Swersky and Zemel 2015, "Generative Moment Matching
    Networks", equation 3.
    """
    real, fake = as_feature_pair(real, fake)
    bandwidths = [check_number("bandwidths", bandwidth, above=True) for bandwidth in bandwidths]
    if not bandwidths:
        raise ConfigError("bandwidths = (): one number above 0 or more is expected")
    num_permutations = check_integer("num_permutations", num_permutations)
    random = np.random.default_rng(check_seed(seed))
    kernel = _gaussian_kernels(np.concatenate([real, fake]), bandwidths)
    np.fill_diagonal(kernel, 0.0)  # as in `kid`, k(x, x) does not count
    n, m = len(real), len(fake)
    of_real = np.zeros((num_permutations + 1, n + m))
    of_real[0, :n] = 1
    for row in of_real[1:]:
        row[random.permutation(n + m)[:n]] = 1
    with_real, total = of_real @ kernel, kernel.sum(axis=1)
    within_real = np.einsum("ij,ij->i", with_real, of_real)
    across = of_real @ total - within_real
    within_fake = total.sum() - within_real - 2 * across
    found = within_real / (n * (n - 1)) + within_fake / (m * (m - 1)) - 2 * across / (n * m)
    # Sums in another order differ by a rounding error, which must not count as smaller.
    as_large = found[1:] >= found[0] - 1e-12 * len(bandwidths)
    return MMDTest(float(found[0]), float((1 + as_large.sum()) / (1 + num_permutations)))


def _gaussian_kernels(rows, bandwidths):
    from scipy.spatial.distance import cdist

    distances = cdist(rows, rows, "sqeuclidean")
    return sum(np.exp(distances / (-2 * bandwidth)) for bandwidth in bandwidths)


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
