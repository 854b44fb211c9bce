"""Disentanglement: do single codes represent single factors of variation? For data whose factors are known."""

import numpy as np

from kerazoo.metrics._checks import as_features
from kerazoo.utils.checks import check_integer, check_seed
from kerazoo.utils.errors import DataError


def beta_vae_score(codes, factors, *, pairs_per_vote=64, num_train=2000, num_test=1000, seed=0):
    """The beta-VAE metric: how often a linear classifier can tell which factor two examples share.

    A vote takes a factor y at random and `pairs_per_vote` pairs of rows. The two rows of a pair share their value of y
    and are random in the other factors; the mean of |code - other code| over the pairs is small where a code depends on
    y alone. Logistic regression learns y from `num_train` such votes.

    Args:
        codes: Array (N, D). Of each example: the posterior's mean, by convention.
        factors: Array (N, F) of integers, F >= 2. The factors of the same examples; each with two values or more, and
            each value with two examples or more (others are left out).
        pairs_per_vote: Integer, at least 1, default 64, as in the code of Locatello et al. 2019.
        num_train: Integer, at least 10, default 2000. Votes that the classifier learns from.
        num_test: Integer, at least 1, default 1000. Votes that it is tested on.
        seed: Integer, default 0.

    Returns:
        The accuracy on the test votes, a float in [0, 1]; 1 / F is chance.

    Raises:
        DataError: Shapes disagree, values are not finite, or a factor has one value only.
        ConfigError: A number is out of range.

    Example:
        >>> factors = np.stack(np.meshgrid(range(8), range(8)), axis=-1).reshape(-1, 2)
        >>> beta_vae_score(factors.astype(float), factors)  # each code is a factor
        1.0

    Source: Higgins et al. 2017, "beta-VAE", section 3 and appendix A.4.
    """
    codes, factors = _codes_and_factors(codes, factors)
    pairs_per_vote = check_integer("pairs_per_vote", pairs_per_vote)
    num_train = check_integer("num_train", num_train, 10)
    num_votes = num_train + check_integer("num_test", num_test)
    rng = np.random.default_rng(check_seed(seed))
    groups = [_groups(factor) for factor in factors.T]
    labels = rng.permutation(np.arange(num_votes) % len(groups))
    votes = np.stack([_vote(codes, groups[label], pairs_per_vote, rng) for label in labels])

    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    classifier.fit(votes[:num_train], labels[:num_train])
    return float(classifier.score(votes[num_train:], labels[num_train:]))


def _groups(factor):
    """The rows of each value that occurs in at least two rows."""
    groups = [np.flatnonzero(factor == value) for value in np.unique(factor)]
    return [group for group in groups if len(group) > 1]


def _vote(codes, groups, num_pairs, rng):
    sizes = [len(group) for group in groups]
    values = rng.integers(len(groups), size=num_pairs)
    first = rng.integers(np.take(sizes, values))
    second = (first + rng.integers(1, np.take(sizes, values))) % np.take(sizes, values)  # another row
    rows = [[groups[v][i], groups[v][j]] for v, i, j in zip(values, first, second, strict=True)]
    pairs = codes[np.array(rows)]
    return np.abs(pairs[:, 0] - pairs[:, 1]).mean(axis=0)


def mutual_information_gap(codes, factors, *, num_bins=20):
    """The mutual information gap (MIG): how much more the best code knows about each factor than the second best.

    For each factor v, (I(z_1; v) - I(z_2; v)) / H(v) with the two codes z that know most about it; the mean over the
    factors. Mutual information is that of histograms: each code is cut into `num_bins` bins of equal width (Locatello
    et al. 2019), where Chen et al. take samples of q(z | x).

    Args:
        codes: Array (N, D), D >= 2. Of each example: the posterior's mean, by convention.
        factors: Array (N, F) of integers. The factors of the same examples, each with two values or more.
        num_bins: Integer, at least 2, default 20. With few examples, more bins raise every mutual information.

    Returns:
        The mean gap as a float in [0, 1].

    Raises:
        DataError: Shapes disagree, values are not finite, a factor has one value only, or there is one code only.
        ConfigError: `num_bins` is below 2.

    Example:
        >>> factors = np.stack(np.meshgrid(range(8), range(8)), axis=-1).reshape(-1, 2)
        >>> round(mutual_information_gap(factors.astype(float), factors), 6)
        1.0

    Source: Chen et al. 2018, "Isolating Sources of Disentanglement in Variational Autoencoders", section 4.1.
    """
    num_bins = check_integer("num_bins", num_bins, 2)
    codes, factors = _codes_and_factors(codes, factors)
    if codes.shape[1] < 2:
        raise DataError("mutual_information_gap compares two codes or more, and there is one.")

    from sklearn.metrics import mutual_info_score

    low, high = codes.min(axis=0), codes.max(axis=0)
    # The largest value falls into the last bin.
    bins = ((codes - low) / np.where(high > low, high - low, 1) * num_bins).astype(int).clip(max=num_bins - 1)
    gaps = []
    for factor in factors.T:
        second, first = np.sort([mutual_info_score(code, factor) for code in bins.T])[-2:]
        gaps.append((first - second) / mutual_info_score(factor, factor))
    return float(np.clip(np.mean(gaps), 0, 1))


def _codes_and_factors(codes, factors):
    codes = as_features("codes", codes)
    factors = np.asarray(factors)
    if factors.ndim != 2 or factors.dtype.kind not in "iu" or len(factors) != len(codes):
        raise DataError(
            f"factors must be integers of shape ({len(codes)}, factors), got shape {factors.shape} of {factors.dtype}."
        )
    for index, factor in enumerate(factors.T):
        if not (np.unique(factor, return_counts=True)[1] > 1).any() or (factor == factor[0]).all():
            raise DataError(f"factor {index} must have at least two values, and one of them twice.")
    return codes, factors
