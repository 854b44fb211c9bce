"""The partition function of a restricted Boltzmann machine, exactly and by annealed importance sampling.

An RBM with kernel W (visible by hidden units), visible bias b and hidden bias a has log p(v) = -F(v) - log Z,

    -F(v) = v'b + sum_j softplus(a_j + v'W_j),        Z = sum_v exp(-F(v)),

and the sum may also run over the hidden units. Salakhutdinov and Murray 2008, "On the Quantitative Analysis of Deep
Belief Networks", sections 2 and 4.
"""

import itertools
from typing import NamedTuple

import numpy as np

from kerazoo.metrics._checks import finite_array
from kerazoo.utils.checks import check_integer, check_seed
from kerazoo.utils.errors import ConfigError, DataError

MAX_EXACT_UNITS = 25
# States, and columns, whose terms are in memory at a time.
_CHUNK = 2048
_COLUMNS = 512
# Salakhutdinov and Murray 2008, section 4.1: of 14,500 inverse temperatures, 500 lie evenly up to 0.5, 4,000 from
# there up to 0.9 and 10,000 up to 1.
_SEGMENTS = ((0.0, 0.5, 500), (0.5, 0.9, 4_000), (0.9, 1.0, 10_000))


class LogPartition(NamedTuple):
    """log Z with the bounds of its 3-sigma interval; they agree where it is exact."""

    estimate: float
    lower: float
    upper: float


def exact_log_partition(kernel, visible_bias, hidden_bias):
    """log Z as a sum over all states of the smaller side.

    Args:
        kernel: Array (V, H).
        visible_bias: Array (V,).
        hidden_bias: Array (H,).

    Returns:
        log Z as a float, computed in float64.

    Raises:
        DataError: Shapes disagree, or values are not finite.
        ConfigError: Both sides have more than 25 units: too many states to sum over.

    Example:
        >>> round(exact_log_partition(np.zeros((3, 2)), np.zeros(3), np.zeros(2)), 6)  # 2^5 equal states
        3.465736
    """
    kernel, visible_bias, hidden_bias = _as_weights(kernel, visible_bias, hidden_bias)
    if kernel.shape[0] < kernel.shape[1]:
        kernel, visible_bias, hidden_bias = kernel.T, hidden_bias, visible_bias
    num = kernel.shape[1]
    if num > MAX_EXACT_UNITS:
        raise ConfigError(f"the exact sum has 2^{num} terms; with more than {MAX_EXACT_UNITS} units use AIS.")
    total = -np.inf
    for start in range(0, 2**num, _CHUNK):
        index = np.arange(start, min(start + _CHUNK, 2**num))
        states = (index[:, None] >> np.arange(num) & 1).astype(np.float64)
        log_terms = states @ hidden_bias + _sum_softplus(states @ kernel.T + visible_bias)
        highest = max(total, log_terms.max())
        total = highest + np.log(np.exp(total - highest) + np.exp(log_terms - highest).sum())
    return float(total)


def ais_log_partition(
    kernel,
    visible_bias,
    hidden_bias,
    *,
    num_chains=100,
    num_temperatures=14_500,
    base_visible_bias=None,
    seed=0,
):
    """log Z by annealed importance sampling.

    Chains start at independent visible units with biases bA, of known log Z0 = sum softplus(bA) + H log 2, and pass
    through p_b(v), proportional to exp(((1 - b) bA + b visible_bias)'v) * prod_j (1 + exp(b (a_j + v'W_j))), for b
    from 0 to 1: at each the log weight gains log p*_b(v) - log p*_previous(v), and one Gibbs sweep follows. The mean
    weight is an unbiased estimate of Z / Z0, whose logarithm tends to be too low, which flatters the model's
    likelihood: check that twice the temperatures do not move it.

    Args:
        kernel: Array (V, H).
        visible_bias: Array (V,).
        hidden_bias: Array (H,).
        num_chains: Number of independent chains, at least 2. Defaults to 100.
        num_temperatures: Number of inverse temperatures above 0, at least 30. Defaults to 14,500, the number of the
            paper.
        base_visible_bias: Array (V,) or None. bA; the log-odds of the (smoothed) mean of the data work best. Defaults
            to None, all zero.
        seed: Seed of all draws. Defaults to 0.

    Returns:
        LogPartition. The bounds are the logarithms of the mean weight minus and plus three standard errors; the lower
        one is -inf where that is not positive.

    Raises:
        DataError: Shapes disagree, or values are not finite.
        ConfigError: A count out of range.

    Example:
        >>> kernel = np.random.default_rng(0).normal(size=(6, 4))
        >>> found = ais_log_partition(kernel, np.zeros(6), np.zeros(4), num_temperatures=2000)
        >>> abs(found.estimate - exact_log_partition(kernel, np.zeros(6), np.zeros(4))) < 0.1
        True

    Source: Neal 2001, "Annealed Importance Sampling"; Salakhutdinov and Murray 2008, sections 3 and 4.
    """
    from threadpoolctl import threadpool_limits

    kernel, visible_bias, hidden_bias = _as_weights(kernel, visible_bias, hidden_bias)
    num_visible, num_hidden = kernel.shape
    num_chains = check_integer("num_chains", num_chains, 2)
    betas = _inverse_temperatures(check_integer("num_temperatures", num_temperatures, 30))
    base = (
        np.zeros(num_visible) if base_visible_bias is None else finite_array("base_visible_bias", base_visible_bias, 1)
    )
    if base.shape != visible_bias.shape:
        raise DataError(f"base_visible_bias must have shape ({num_visible},), got {base.shape}.")
    log_base = np.logaddexp(0, base).sum() + num_hidden * np.log(2)
    # Sampling in float32 is twice as fast; what is summed over the temperatures is float64.
    kernel, visible_bias, hidden_bias, base = (x.astype(np.float32) for x in (kernel, visible_bias, hidden_bias, base))
    rng = np.random.Generator(np.random.SFC64(check_seed(seed)))
    v = _bernoulli(np.broadcast_to(base, (num_chains, num_visible)), rng)
    log_weights = np.zeros(num_chains)
    # Threads would wait for each other longer than they compute: each product takes a millisecond.
    with threadpool_limits(1, user_api="blas"):
        for previous, beta in itertools.pairwise(betas):
            logits = v @ kernel + hidden_bias
            terms = _softplus(beta * logits) - _softplus(previous * logits)
            log_weights += (beta - previous) * (v @ (visible_bias - base)) + terms.sum(axis=1, dtype=np.float64)
            h = _bernoulli(beta * logits, rng)
            v = _bernoulli((1 - beta) * base + beta * (h @ kernel.T + visible_bias), rng)
    highest = log_weights.max()
    weights = np.exp(log_weights - highest)
    error = 3 * weights.std(ddof=1) / weights.mean() / np.sqrt(num_chains)
    estimate = log_base + highest + np.log(weights.mean())
    lower = estimate + np.log1p(-error) if error < 1 else -np.inf
    return LogPartition(float(estimate), float(lower), float(estimate + np.log1p(error)))


def _inverse_temperatures(num):
    """`num` + 1 float32 values from 0 to 1, as densely towards 1 as in the paper."""
    corners = np.cumsum([0, *(count for *_, count in _SEGMENTS)]) / sum(count for *_, count in _SEGMENTS)
    values = [0.0, *(high for _, high, _ in _SEGMENTS)]
    return np.interp(np.linspace(0, 1, num + 1), corners, values).astype(np.float32)


def _softplus(x):
    # Nearly twice as fast as log1p, and just as exact in a long sum.
    return np.maximum(x, 0) + np.log(1 + np.exp(-np.abs(x)))


def _sum_softplus(x):
    """The sum of softplus over each row, with one logarithm for up to 512 factors between 1 and 2."""
    factors = 1 + np.exp(-np.abs(x))
    logs = sum(np.log(factors[:, i : i + _COLUMNS].prod(axis=1)) for i in range(0, x.shape[1], _COLUMNS))
    return np.maximum(x, 0).sum(axis=1) + logs


def _bernoulli(logits, rng):
    """Binary draws (float32): 1 where the uniform u is below sigmoid(logits), that is u (1 + exp(-logits)) < 1."""
    with np.errstate(over="ignore"):  # exp(-logits) = inf draws 0, as it should
        return (rng.random(logits.shape, np.float32) * (1 + np.exp(-logits)) < 1).astype(np.float32)


def _as_weights(kernel, visible_bias, hidden_bias):
    kernel = finite_array("kernel", kernel, 2)
    visible_bias = finite_array("visible_bias", visible_bias, 1)
    hidden_bias = finite_array("hidden_bias", hidden_bias, 1)
    if kernel.shape != (len(visible_bias), len(hidden_bias)):
        raise DataError(f"kernel must have shape {(len(visible_bias), len(hidden_bias))}, got {kernel.shape}.")
    return kernel, visible_bias, hidden_bias
