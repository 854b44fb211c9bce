"""Distances between samples: the permutation test of MMD, Wasserstein-1 in one dimension, total variation."""

import itertools

import numpy as np
import pytest
from scipy.stats import kstest

from kerazoo import metrics
from kerazoo.utils.errors import ConfigError, DataError


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def slow_mmd(x, y, bandwidths):
    def k(a, b):
        return sum(np.exp(-np.sum((a - b) ** 2) / (2 * s)) for s in bandwidths)

    within = [np.mean([k(a, b) for a, b in itertools.permutations(z, 2)]) for z in (x, y)]
    return sum(within) - 2 * np.mean([k(a, b) for a in x for b in y])


def test_the_statistic_is_the_unbiased_estimate():
    x, y = normal(0, 9, 3), normal(1, 7, 3) + 0.5
    assert metrics.mmd_test(x, y).squared_mmd == pytest.approx(slow_mmd(x, y, (2, 5, 10, 20, 40, 80)))
    assert metrics.mmd_test(x, y, bandwidths=[0.5]).squared_mmd == pytest.approx(slow_mmd(x, y, [0.5]))


def test_the_p_value_of_few_rows_is_that_of_all_divisions():
    x, y = normal(0, 4, 1), normal(1, 4, 1) + 1
    rows, found = np.concatenate([x, y]), slow_mmd(x, y, [2.0])
    divisions = [list(chosen) for chosen in itertools.combinations(range(8), 4)]
    values = [slow_mmd(rows[c], np.delete(rows, c, axis=0), [2.0]) for c in divisions]
    exact = np.mean(np.array(values) >= found - 1e-12)
    p = metrics.mmd_test(x, y, bandwidths=[2.0], num_permutations=5000).p_value
    assert p == pytest.approx(exact, abs=0.03)


def test_p_values_are_uniform_for_one_distribution_and_small_for_two():
    pairs = [(normal(2 * i, 20, 2), normal(2 * i + 1, 25, 2)) for i in range(80)]
    p = [metrics.mmd_test(*pair, num_permutations=99).p_value for pair in pairs]
    assert kstest(p, "uniform").pvalue > 0.05
    apart = metrics.mmd_test(normal(0, 200, 2), normal(1, 200, 2) + 0.5, num_permutations=199)
    assert apart.p_value == 1 / 200
    assert apart == metrics.mmd_test(normal(0, 200, 2), normal(1, 200, 2) + 0.5, num_permutations=199, seed=0)
    # Equal rows everywhere: every division is as large.
    assert metrics.mmd_test(np.ones((5, 2)), np.ones((5, 2))).p_value == 1


def test_wasserstein_distances():
    x, y = normal(0, 50), normal(1, 50) * 2 + 1
    assert metrics.wasserstein_1d(x, y) == pytest.approx(np.abs(np.sort(x) - np.sort(y)).mean())
    assert metrics.wasserstein_1d(x, x + 3) == pytest.approx(3)
    assert metrics.wasserstein_1d(x[:, None], x) == 0
    # A third of the mass of one place moves by 1, for samples of different sizes.
    assert metrics.wasserstein_1d([0, 0, 1], [0]) == pytest.approx(1 / 3)


def test_total_variation():
    p, q = np.random.default_rng(0).dirichlet(np.ones(6), 2)
    subsets = itertools.chain.from_iterable(itertools.combinations(range(6), n) for n in range(7))
    largest = max(p[list(s)].sum() - q[list(s)].sum() for s in subsets)
    assert metrics.total_variation(p, q) == pytest.approx(largest)
    assert metrics.total_variation([3, 0], [0, 9]) == 1
    assert metrics.total_variation(p, 7 * p) == pytest.approx(0)


def test_reverse_kl_of_modes():
    found = metrics.mode_coverage([[0.0], [0.0], [0.0], [9.0]], [[0.0], [9.0]], 0.1)
    assert found.reverse_kl == pytest.approx(0.75 * np.log(1.5) + 0.25 * np.log(0.5))


def test_arguments_are_checked():
    x = normal(0, 10, 2)
    for call, error, message in [
        (lambda: metrics.mmd_test(x, x[:, :1]), DataError, "same number of features"),
        (lambda: metrics.mmd_test(x, x, bandwidths=[1, -1]), ConfigError, "bandwidths = -1: a number above 0"),
        (lambda: metrics.mmd_test(x, x, bandwidths=[]), ConfigError, "bandwidths"),
        (lambda: metrics.mmd_test(x, x, num_permutations=0), ConfigError, "num_permutations = 0"),
        (lambda: metrics.wasserstein_1d(x, x), DataError, r"shape \(num,\) or \(num, 1\).*got shape \(10, 2\)"),
        (lambda: metrics.wasserstein_1d([], [1]), DataError, "real must be numbers"),
        (lambda: metrics.total_variation([1, -1], [1, 1]), DataError, "p must hold counts"),
        (lambda: metrics.total_variation([1, 1], [0, 0]), DataError, "q must hold counts"),
        (lambda: metrics.total_variation([1, 1], [1]), DataError, "one shape"),
    ]:
        with pytest.raises(error, match=message):
            call()
