"""Simple densities that a model must beat: kernels around points, independent pixels, nearest neighbours."""

import numpy as np

from kerazoo.metrics._checks import as_feature_pair
from kerazoo.utils.checks import check_integer, check_number, check_seed
from kerazoo.utils.errors import DataError

# Candidates for the bandwidth, as multiples of Scott's rule; then those between the best one and its neighbours.
_MULTIPLES, _BETWEEN = 2.0 ** np.arange(-10, 3), 2.0 ** np.array([-0.5, 0, 0.5])
_LEVELS = 256
# Candidates for the number of neighbours, the rows that choose among them, and those looked at at a time.
_NEIGHBOURS, _CHOOSING, _BLOCK = (5, 10, 20, 50, 100, 200), 1000, 200


def kernel_density_nats(train, test, *, bandwidth=None, seed=0):
    """-log p of rows under a Gaussian kernel density estimate of other rows.

    Args:
        train: Array (N, D), N >= 4. The centres of the kernels.
        test: Array (M, D), M >= 1.
        bandwidth: Float above 0 or None. The kernels' standard deviation. Defaults to None: the multiple of Scott's
            rule that gives a quarter of `train` the highest likelihood under the rest.
        seed: Integer, default 0. Fixes the split.

    Returns:
        float64 array (M,), in nats, lower is better.

    Raises:
        DataError: Widths disagree, there are too few rows, or values are not finite.
        ConfigError: `bandwidth` is not above 0.

    Example:
        >>> rows = np.random.default_rng(0).normal(size=(2000, 1))
        >>> bool(abs(kernel_density_nats(rows[:1000], rows[1000:]).mean() - 0.5 * np.log(2 * np.pi * np.e)) < 0.05)
        True

    Source: Parzen 1962, "On Estimation of a Probability Density Function and Mode"; Scott 1992, "Multivariate Density
    Estimation".
    """
    train, test = as_feature_pair(train, test, min_rows=1, names=("train", "test"))
    if len(train) < 4:
        raise DataError(f"train needs at least 4 rows, got {len(train)}.")
    if bandwidth is None:
        bandwidth = _best_bandwidth(train, np.random.default_rng(check_seed(seed)))
    return _kernel_nats(train, test, check_number("bandwidth", bandwidth, above=True))


def _best_bandwidth(rows, rng):
    rows = rng.permutation(rows)
    held_out, rest = rows[: len(rows) // 4], rows[len(rows) // 4 :]
    spread = np.sqrt(rows.var(axis=0).mean())
    if spread == 0:
        raise DataError("all rows of train are the same, and have no density.")
    best = spread * len(rest) ** (-1 / (rows.shape[1] + 4))
    for multiples in (_MULTIPLES, _BETWEEN):
        best = min(best * multiples, key=lambda bandwidth: _kernel_nats(rest, held_out, bandwidth).mean())
    return best


def _kernel_nats(train, test, bandwidth):
    from sklearn.neighbors import KernelDensity

    # A relative error of 1e-4 of a density is 1e-4 nats, and the tree then need not visit every kernel.
    return -KernelDensity(bandwidth=bandwidth, rtol=1e-4).fit(train).score_samples(test)


def pixel_histogram_nats(train, test):
    """-log p of 8-bit images under independent pixels, each with the histogram of its own 256 values.

    Args:
        train: uint8 array (N, H, W, C). The images that are counted; every value of every pixel gets one extra count.
        test: uint8 array (M, H, W, C).

    Returns:
        float64 array (M,), in nats per image, lower is better.

    Raises:
        DataError: Images that are not uint8, or of different shapes.

    Example:
        >>> images = np.zeros((254, 1, 1, 1), "uint8")
        >>> np.exp(-pixel_histogram_nats(images, images[:1])).round(6)  # (254 + 1) / (254 + 256)
        array([0.5])
    """
    train, test = np.asarray(train), np.asarray(test)
    for name, images in (("train", train), ("test", test)):
        if images.dtype != np.uint8 or images.ndim != 4 or len(images) == 0:
            raise DataError(
                f"{name} must be uint8 images of shape (num, H, W, C), got {images.dtype} of {images.shape}."
            )
    if train.shape[1:] != test.shape[1:]:
        raise DataError(f"train and test must hold images of one shape, got {train.shape[1:]} and {test.shape[1:]}.")
    train, test = train.reshape(len(train), -1), test.reshape(len(test), -1)
    nats = np.zeros(len(test))
    for pixel, values in zip(train.T, test.T, strict=True):
        counts = np.bincount(pixel, minlength=_LEVELS) + 1
        nats -= np.log(counts / counts.sum())[values]
    return nats


def neighbour_completion_nats(train, test, given, *, num_neighbours=None):
    """-log p of the pixels that are not given: each is one as often as among the nearest images by the given pixels.

    Args:
        train: Array (N, D) in [0, 1], N >= 2. The images that are looked among.
        test: Array (M, D) of zeros and ones.
        given: Array (D,) of booleans. The pixels that are known.
        num_neighbours: Integer, at least 1, or None. Defaults to None: the one of 5, 10, 20, 50, 100 and 200 that gives
            the last thousand rows of `train`, rounded to zeros and ones, the highest likelihood under the rest.

    Returns:
        float64 array (M,), in nats, lower is better. With half a count of one and of zero beside the neighbours', no
        pixel is impossible.

    Raises:
        DataError: Widths disagree, there are too few rows, or values are not finite.
        ConfigError: `num_neighbours` is below 1.

    Example:
        >>> train = np.array([[0, 0], [1, 1], [1, 1], [1, 1]])
        >>> nats = neighbour_completion_nats(train, [[1, 1]], [True, False], num_neighbours=3)
        >>> np.exp(-nats)  # (3 + 1 / 2) / (3 + 1)
        array([0.875])
    """
    train, test = as_feature_pair(train, test, min_rows=1, names=("train", "test"))
    given = np.asarray(given, bool)
    if given.shape != train.shape[1:] or len(train) < 2:
        raise DataError(
            f"given must say which of {train.shape[1]} pixels are known, and train have two rows or more, got shapes "
            f"{given.shape} and {train.shape}."
        )
    if num_neighbours is None:
        held_out = min(_CHOOSING, len(train) // 2)
        candidates = [num for num in _NEIGHBOURS if num <= len(train) - held_out] or [1]
        found = _completion_nats(train[:-held_out], np.rint(train[-held_out:]), given, candidates)
        num_neighbours = candidates[int(found.mean(axis=1).argmin())]
    return _completion_nats(train, test, given, [min(check_integer("num_neighbours", num_neighbours), len(train))])[0]


def _completion_nats(train, test, given, numbers):
    """A row of nats for each number of neighbours, in rising order."""
    known, missing = train[:, given], train[:, ~given]
    squares, most, nats = np.square(known).sum(axis=1), max(numbers), []
    for start in range(0, len(test), _BLOCK):
        rows = test[start : start + _BLOCK]
        distances = squares - 2 * rows[:, given] @ known.T
        nearest = np.argpartition(distances, most - 1, axis=1)[:, :most]
        order = np.take_along_axis(distances, nearest, axis=1).argsort(axis=1)
        nearest, x = np.take_along_axis(nearest, order, axis=1), rows[:, ~given]
        counts = [(missing[nearest[:, :num]].sum(axis=1) + 0.5) / (num + 1) for num in numbers]
        nats.append([-(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1) for p in counts])
    return np.concatenate(nats, axis=1)
