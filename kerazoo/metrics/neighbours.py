"""Measures by nearest neighbours: precision and recall, density and coverage, the 1-NN two-sample test.

All distances are Euclidean, computed in float64 in blocks of rows, so that 10,000 rows need no 10,000^2 matrix.
"""

from typing import NamedTuple

import numpy as np

from kerazoo.metrics._checks import as_feature_pair, as_features
from kerazoo.utils.checks import check_integer, check_seed

# Memory for one block of distances, in MiB.
_BLOCK_MIB = 128


class PrecisionRecall(NamedTuple):
    """Improved precision and recall, both in [0, 1], higher is better."""

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """Density in [0, inf), about 1 for samples of the real distribution; coverage in [0, 1], higher is better."""

    density: float
    coverage: float


class NeighbourTwoSample(NamedTuple):
    """Leave-one-out accuracies of a 1-NN classifier: over all samples, over the real, over the fake."""

    accuracy: float
    real: float
    fake: float


def precision_recall(real, fake, k=3):
    """Fraction of generated samples on the real manifold, and of real samples on the generated manifold.

    A manifold is the union of the closed balls around its samples that reach to each sample's k-th nearest
    neighbour. Kynkaanniemi et al. 2019, "Improved Precision and Recall Metric for Assessing Generative Models",
    equations 1 and 2. Both depend on the number of rows: compare at equal N.

    Args:
        real: Array (N, D) of features of real samples, N > k.
        fake: Array (M, D) of features of generated samples, M > k.
        k: Integer, at least 1, default 3 as in the paper.

    Returns:
        `PrecisionRecall(precision, recall)`.

    Raises:
        DataError: Widths disagree, a set has no more than `k` rows, or values are not finite.
        ConfigError: `k` is below 1.

    Example:
        >>> real = np.array([[0.0], [1.0], [2.0], [3.0]])
        >>> precision_recall(real, np.array([[0.5], [1.5], [9.0]]), k=1)
        PrecisionRecall(precision=0.6666666666666666, recall=1.0)
    """
    k = check_integer("k", k)
    real, fake = as_feature_pair(real, fake, min_rows=k + 1)
    in_real, _ = _ball_counts(real, _neighbour_radii(real, k), fake)
    in_fake, _ = _ball_counts(fake, _neighbour_radii(fake, k), real)
    return PrecisionRecall(float((in_real > 0).mean()), float((in_fake > 0).mean()))


def density_coverage(real, fake, k=5):
    """Density: how deep generated samples lie in the real neighbourhoods; coverage: the fraction of these they reach.

    Density is the number of real balls that hold a generated sample, averaged over the generated samples and
    divided by k; coverage is the fraction of real balls that hold at least one. Naeem et al. 2020, "Reliable
    Fidelity and Diversity Metrics for Generative Models". The balls are closed, as in
    `precision_recall`: the authors' code leaves the border out, which differs only for exact ties (a copy of the
    real set has density 1 + 1/k here and 1 there).

    Args:
        real: Array (N, D) of features of real samples, N > k.
        fake: Array (M, D) of features of generated samples, M >= 1.
        k: Integer, at least 1, default 5 as in the paper.

    Returns:
        `DensityCoverage(density, coverage)`. For samples of one distribution the expected coverage is about
        1 - 2^-k with N = M.

    Raises:
        DataError: Widths disagree, `real` has no more than `k` rows, or values are not finite.
        ConfigError: `k` is below 1.

    Example:
        >>> real = np.array([[0.0], [1.0], [2.0], [3.0]])
        >>> density_coverage(real, np.array([[0.5], [9.0]]), k=1)
        DensityCoverage(density=1.0, coverage=0.5)
    """
    k = check_integer("k", k)
    # Only the real set needs radii: a single generated sample has a density.
    real, fake = as_feature_pair(as_features("real", real, min_rows=k + 1), fake, min_rows=1)
    balls_of_fake, held_by_ball = _ball_counts(real, _neighbour_radii(real, k), fake)
    return DensityCoverage(float(balls_of_fake.mean() / k), float((held_by_ball > 0).mean()))


def nearest_neighbour_two_sample(real, fake, seed=0):
    """Leave-one-out accuracy of a 1-nearest-neighbour classifier that tells real from generated samples.

    Lopez-Paz and Oquab 2017, "Revisiting Classifier Two-Sample Tests"; Xu et al. 2018, "An empirical study on
    evaluation metrics of GANs", on how to read the halves. 0.5 is ideal; towards 1 the sets are apart; below 0.5
    generated samples sit on top of real ones, a sign of memorising. Read both halves: a collapsed generator has a low
    `real` and a high `fake`, which may average to an innocent 0.5.

    Args:
        real: Array (N, D) of features of real samples, N >= 2.
        fake: Array (N, D) of features of as many generated samples; with sets of unequal size chance is not 0.5.
        seed: Integer, default 0. Breaks ties between neighbours at equal distance.

    Returns:
        `NeighbourTwoSample(accuracy, real, fake)`, each in [0, 1]: the fraction of all, real and generated samples
        whose nearest other sample is of their own kind.

    Raises:
        DataError: Shapes disagree, there are fewer than two rows, or values are not finite.

    Example:
        >>> real = np.array([[0.0], [1.0], [2.0]])
        >>> nearest_neighbour_two_sample(real, real + 100.0)
        NeighbourTwoSample(accuracy=1.0, real=1.0, fake=1.0)
    """
    real, fake = as_feature_pair(real, fake, equal_rows=True)
    rows = len(real)
    # The first of equal minima wins, and a random order makes it a fair draw between real and fake.
    order = np.random.default_rng(check_seed(seed)).permutation(2 * rows)
    is_real = order < rows
    pool = np.concatenate([real, fake])[order]

    def nearest(block, start):
        block[np.arange(len(block)), start + np.arange(len(block))] = np.inf
        return block.argmin(axis=1)

    neighbours = np.concatenate(list(_distance_blocks(pool, None, nearest)))
    same_kind = is_real[neighbours] == is_real
    return NeighbourTwoSample(
        float(same_kind.mean()), float(same_kind[is_real].mean()), float(same_kind[~is_real].mean())
    )


def _distance_blocks(x, y, reduce_block):
    """Yield `reduce_block(distances, start)` for blocks of rows of `x` against `y`, or against itself for None."""
    from sklearn.metrics import pairwise_distances_chunked

    return pairwise_distances_chunked(x, y, reduce_func=reduce_block, working_memory=_BLOCK_MIB)


def _neighbour_radii(points, k):
    """Distance of each point to its k-th nearest other point, (N,)."""

    def kth(block, start):
        # Position 0 of the sorted row is the point itself, at distance 0.
        return np.partition(block, k, axis=1)[:, k]

    return np.concatenate(list(_distance_blocks(points, None, kth)))


def _ball_counts(centres, radii, points):
    """Counts over the closed balls: how many hold each point (M,), and how many points each holds (N,)."""
    per_point = []
    per_ball = np.zeros(len(centres), np.int64)

    def count(block, start):
        inside = block <= radii
        per_point.append(inside.sum(axis=1))
        np.add(per_ball, inside.sum(axis=0), out=per_ball)

    for _ in _distance_blocks(points, centres, count):
        pass
    return np.concatenate(per_point), per_ball
