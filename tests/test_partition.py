"""Partition functions of RBMs: exact sums against enumeration, annealed importance sampling against exact sums."""

import itertools

import numpy as np
import pytest
from scipy.special import logsumexp

from kerazoo.metrics import ais_log_partition, exact_log_partition
from kerazoo.utils.errors import ConfigError, DataError


def random_rbm(num_visible, num_hidden, scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    kernel = rng.normal(0, scale, (num_visible, num_hidden))
    return kernel, rng.normal(size=num_visible), rng.normal(size=num_hidden)


def states(num):
    return np.array(list(itertools.product([0.0, 1.0], repeat=num)))


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4)])
def test_exact_sum_equals_enumeration_of_both_sides(shape):
    kernel, b, a = random_rbm(*shape)
    v, h = states(shape[0]), states(shape[1])
    energies = -(v @ b)[:, None] - (h @ a)[None] - v @ kernel @ h.T
    np.testing.assert_allclose(exact_log_partition(kernel, b, a), logsumexp(-energies), rtol=1e-12)


@pytest.mark.parametrize("shape", [(784, 13), (7, 600)])
def test_without_weights_the_units_are_independent(shape):
    _, b, a = random_rbm(*shape)
    expected = np.logaddexp(0, b).sum() + np.logaddexp(0, a).sum()
    assert abs(exact_log_partition(np.zeros(shape), b, a) - expected) < 1e-6
    found = ais_log_partition(np.zeros(shape), b, a, num_temperatures=30, num_chains=10, base_visible_bias=b)
    assert abs(found.estimate - expected) < 0.1  # the hidden biases are annealed


def test_exact_sum_of_extreme_weights_is_finite():
    kernel = np.full((600, 3), 50.0)
    np.testing.assert_allclose(exact_log_partition(kernel, np.zeros(600), np.zeros(3)), 600 * 150.0, rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_ais_estimates_the_exact_sum_within_its_interval(seed):
    weights = random_rbm(30, 12, scale=0.5, seed=seed)
    exact = exact_log_partition(*weights)
    found = ais_log_partition(*weights, num_temperatures=1000, seed=seed)
    assert found.lower < found.estimate < found.upper
    assert found.lower - 0.01 <= exact <= found.upper + 0.01
    assert abs(found.estimate - exact) < 0.1
    assert found == ais_log_partition(*weights, num_temperatures=1000, seed=seed)


def test_a_base_near_the_data_narrows_the_interval():
    """Where visible units are seldom on, independent units of these frequencies lie nearer than a fair coin's."""
    kernel, _, a = random_rbm(40, 8, scale=0.3)
    b = np.full(40, -4.0)
    widths = []
    for base in (None, b):
        _, lower, upper = ais_log_partition(kernel, b, a, num_temperatures=50, base_visible_bias=base)
        widths.append(upper - lower)
    assert widths[1] < widths[0] / 2


def test_wrong_arguments_are_one_line_errors():
    kernel, b, a = random_rbm(30, 26)
    with pytest.raises(ConfigError, match=r"2\^26 terms"):
        exact_log_partition(kernel, b, a)
    with pytest.raises(DataError, match="must have shape"):
        exact_log_partition(kernel.T, b, a)
    with pytest.raises(DataError, match="NaN"):
        ais_log_partition(kernel * np.nan, b, a)
    with pytest.raises(DataError, match="base_visible_bias"):
        ais_log_partition(kernel, b, a, base_visible_bias=a)
    with pytest.raises(ConfigError, match="num_chains"):
        ais_log_partition(kernel, b, a, num_chains=1)
    with pytest.raises(ConfigError, match="num_temperatures"):
        ais_log_partition(kernel, b, a, num_temperatures=10)
