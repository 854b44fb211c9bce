"""The measures on features: against closed forms, hand-worked cases and naive second implementations."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.stats import binom, entropy

from kerazoo import metrics
from kerazoo.utils.errors import ConfigError, DataError


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def distances(x, y):
    return np.linalg.norm(x[:, None] - y[None], axis=-1)


# Frechet distance


def test_frechet_distance_of_diagonal_gaussians_is_the_distance_of_means_and_deviations():
    mean_a, mean_b, std_a, std_b = np.array([0.0, 1, 2]), np.array([1.0, 1, -1]), np.array([1.0, 2, 0]), np.ones(3)
    expected = ((mean_a - mean_b) ** 2).sum() + ((std_a - std_b) ** 2).sum()
    found = metrics.frechet_distance(mean_a, np.diag(std_a**2), mean_b, np.diag(std_b**2))
    assert found == pytest.approx(expected, rel=1e-12)


def test_frechet_distance_of_full_covariances_matches_the_matrix_square_root():
    a, b = (np.cov(normal(seed, 40, 6) @ normal(seed + 9, 6, 6), rowvar=False) for seed in (0, 1))
    shift = normal(2, 6)
    expected = shift @ shift + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert metrics.frechet_distance(shift, a, np.zeros(6), b) == pytest.approx(expected, rel=1e-10)


def test_frechet_distance_of_singular_covariances():
    # Along one line the Gaussians are one-dimensional: (2 - 5)^2. On orthogonal lines the cross term is zero.
    u, v = np.array([0.6, 0.8, 0.0]), np.array([-0.8, 0.6, 0.0])
    zero = np.zeros(3)
    same_line = metrics.frechet_distance(zero, 4 * np.outer(u, u), zero, 25 * np.outer(u, u))
    orthogonal = metrics.frechet_distance(zero, 4 * np.outer(u, u), zero, 25 * np.outer(v, v))
    point = metrics.frechet_distance(zero, np.zeros((3, 3)), zero, np.zeros((3, 3)))
    assert (same_line, orthogonal, point) == (pytest.approx(9.0), pytest.approx(29.0), 0.0)


def test_frechet_distance_refuses_what_is_no_covariance():
    zero = np.zeros(2)
    with pytest.raises(DataError, match="covariance_b must be positive semi-definite"):
        metrics.frechet_distance(zero, np.eye(2), zero, np.diag([1.0, -0.5]))
    with pytest.raises(DataError, match="covariance_a must be symmetric"):
        metrics.frechet_distance(zero, [[1.0, 0.5], [0.0, 1.0]], zero, np.eye(2))
    with pytest.raises(DataError, match=r"covariance_b must have shape \(2, 2\)"):
        metrics.frechet_distance(zero, np.eye(2), zero, np.eye(3))


@pytest.mark.parametrize("shape", [(200, 8), (5, 30), (50, 1)], ids=["full rank", "fewer rows than features", "1-D"])
def test_fid_of_a_set_with_itself_is_zero_and_of_a_moved_set_the_squared_shift(shape):
    x = normal(0, *shape).astype("float32")
    assert metrics.fid(x, x) == pytest.approx(0.0, abs=1e-10)
    assert metrics.fid(x, x + 3.0) == pytest.approx(9.0 * shape[1], rel=1e-5)
    assert metrics.fid(x, normal(1, *shape)) == pytest.approx(metrics.fid(normal(1, *shape), x), rel=1e-9)


# Kernel distance


def test_kid_matches_the_double_sum_over_different_pairs():
    x, y = normal(0, 12, 3), normal(1, 12, 3) + 0.5

    def kernel(a, b):
        return (a @ b / 3 + 1) ** 3

    def mean_of_pairs(a, b, different):
        return np.mean([kernel(a[i], b[j]) for i in range(12) for j in range(12) if i != j or not different])

    expected = mean_of_pairs(x, x, True) + mean_of_pairs(y, y, True) - 2 * mean_of_pairs(x, y, False)
    mean, std = metrics.kid(x, y, subset_size=12, num_subsets=3)
    assert mean == pytest.approx(expected, rel=1e-12)
    assert std == pytest.approx(0.0, abs=1e-12)


def test_kid_is_about_zero_for_one_distribution_and_repeats_with_its_seed():
    x, y = normal(0, 2000, 8), normal(1, 2000, 8)
    same = metrics.kid(x, y, subset_size=200, num_subsets=40)
    apart = metrics.kid(x, y + 0.5, subset_size=200, num_subsets=40)
    # The subsets make at most 2000 / 200 independent estimates.
    assert abs(same.mean) < 3 * same.std / np.sqrt(10)
    assert apart.mean > 10 * same.std
    assert same == metrics.kid(x, y, subset_size=200, num_subsets=40, seed=0)
    assert same != metrics.kid(x, y, subset_size=200, num_subsets=40, seed=1)


# Classifiers


def test_classifier_two_sample_accuracy_and_p_value():
    real = normal(0, 1000, 3)
    apart = metrics.classifier_two_sample(real, normal(1, 1000, 3) + 2.0)
    alike = metrics.classifier_two_sample(real, normal(1, 1000, 3))
    assert apart.accuracy > 0.9
    assert apart.p_value < 1e-6
    assert alike.accuracy == pytest.approx(0.5, abs=0.05)
    # The exact tail of 1,000 fair coins; the normal approximation is within half a step of it.
    successes = round(alike.accuracy * 1000)
    assert binom.sf(successes, 1000, 0.5) <= alike.p_value <= binom.sf(successes - 1, 1000, 0.5)
    assert alike == metrics.classifier_two_sample(real, normal(1, 1000, 3))


def test_linear_probe_reads_linear_classes_and_no_others():
    x, x_test = normal(0, 600, 5), normal(1, 600, 5)
    # Unequal scales and a dead feature: the probe standardises with the training statistics.
    scale = np.array([1e-3, 1.0, 1e3, 1.0, 0.0])
    linear = [a[:, [0, 2, 3]].argmax(axis=1) for a in (x, x_test)]
    parity = [(a[:, 0] * a[:, 2] > 0).astype(int) for a in (x, x_test)]
    assert metrics.linear_probe(x * scale, linear[0], x_test * scale, linear[1]) > 0.95
    assert metrics.linear_probe(x * scale, parity[0], x_test * scale, parity[1]) == pytest.approx(0.5, abs=0.1)


def test_linear_probe_handles_more_features_than_rows():
    centres = normal(0, 10, 400)
    labels = np.arange(200) % 10
    train, test = (centres[labels] + normal(seed, 200, 400) for seed in (1, 2))
    accuracy = metrics.linear_probe(train, labels, test, labels)
    assert accuracy == 1.0
    assert accuracy == metrics.linear_probe(train, labels, test, labels)
    with pytest.raises(DataError, match="at least two classes, got only class 0"):
        metrics.linear_probe(train, np.zeros(200, int), test, labels)


# Classes and modes


def test_class_histogram_kl():
    generated, real = [0, 0, 0, 1], [0, 1, 2, 2]
    expected = 0.75 * np.log(0.75 / 0.25)  # and 0.25 * log(1) for class 1; class 2 is dropped
    assert metrics.class_histogram_kl(generated, real, 3) == pytest.approx(expected)
    assert metrics.class_histogram_kl(real * 3, real, 3) == 0.0
    # Class 3 is absent from the real sample: its counts 1, 1, 2, 0 become 1.5, 1.5, 2.5, 0.5.
    assert metrics.class_histogram_kl([0, 3], real, 4) == pytest.approx(entropy([1, 0, 0, 1], [1.5, 1.5, 2.5, 0.5]))
    assert metrics.num_classes_covered(generated, 3) == 2


def test_within_class_diversity_is_the_mean_over_pairs():
    x, classes = normal(0, 60, 3), np.arange(60) % 4
    classes[classes == 3] = np.where(np.arange(15) < 1, 3, 0)  # class 3 keeps one sample, and so no pair
    means = [distances(g, g)[np.triu_indices(len(g), 1)].mean() for g in (x[classes == c] for c in range(3))]
    assert metrics.within_class_diversity(x, classes, 5) == pytest.approx(np.mean(means))
    with pytest.raises(DataError, match="at least two samples"):
        metrics.within_class_diversity(x[:2], [0, 1], 2)


def test_mode_coverage_by_hand():
    angle = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    modes = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    # Modes 0 and 1 with 30 points each, mode 2 with 19, and 21 points just beyond three deviations of mode 3.
    points = np.repeat(modes[:4], [30, 30, 19, 21], axis=0)
    points[-21:] += [0.0, 0.0301]
    covered, high_quality, kl = metrics.mode_coverage(points, modes, 0.01)
    assert (covered, high_quality) == (2, 0.79)
    assert kl == pytest.approx(entropy([0.3, 0.3, 0.19, 0.21, 0, 0, 0, 0], np.full(8, 1 / 8)))
    assert metrics.mode_coverage(points, modes, 0.01, min_count=19).covered == 3
    with pytest.raises(ConfigError, match="std must be a positive number"):
        metrics.mode_coverage(points, modes, 0.0)


def test_mode_coverage_of_the_true_distribution():
    modes = 2.0 * np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], axis=1)
    points = modes[np.arange(2500) % 8] + 0.02 * normal(0, 2500, 2)
    covered, high_quality, kl = metrics.mode_coverage(points, modes, 0.02)
    assert covered == 8
    assert high_quality == pytest.approx(1 - np.exp(-4.5), abs=0.007)
    assert kl < 1e-4


# Arguments

PAIRS = {
    "fid": metrics.fid,
    "kid": metrics.kid,
    "precision_recall": metrics.precision_recall,
    "density_coverage": metrics.density_coverage,
    "nearest_neighbour_two_sample": metrics.nearest_neighbour_two_sample,
    "classifier_two_sample": metrics.classifier_two_sample,
}


@pytest.mark.parametrize("measure", PAIRS.values(), ids=PAIRS)
def test_measures_of_two_sets_name_what_is_wrong(measure):
    x = normal(0, 20, 3)
    broken = x.copy()
    broken[4, 1] = np.nan
    for arguments, message in [
        ((x, x[:, :2]), "same number of features, got 3 and 2"),
        ((x[:1], x[:1]), "rows"),
        ((x, broken), "fake holds NaN or infinity"),
        ((x[0], x), r"real must have 2 axes, got shape \(3,\)"),
        ((x.astype(str), x), "real must hold real numbers"),
    ]:
        with pytest.raises(DataError, match=message) as caught:
            measure(*arguments)
        assert "\n" not in str(caught.value)


def test_other_arguments_are_checked():
    x = normal(0, 20, 3)
    for call, error, message in [
        (lambda: metrics.kid(x, x), DataError, "pass a smaller subset_size"),
        (lambda: metrics.kid(x, x, subset_size=1), ConfigError, "subset_size = .*: an integer of at least 2"),
        (lambda: metrics.precision_recall(x, x, k=0), ConfigError, "k = .*: an integer of at least 1"),
        (lambda: metrics.density_coverage(x[:5], x, k=5), DataError, "real needs at least 6 rows, got 5"),
        (lambda: metrics.nearest_neighbour_two_sample(x, x[:9]), DataError, "same number of rows, got 20 and 9"),
        (lambda: metrics.class_histogram_kl([0, 4], [0], 4), DataError, r"lie in \[0, 4\), got \[0, 4\]"),
        (lambda: metrics.class_histogram_kl([0.5], [0], 4), DataError, "vector of integer classes"),
        (lambda: metrics.within_class_diversity(x, [0, 1], 2), DataError, "one class for each of the 20 rows"),
    ]:
        with pytest.raises(error, match=message):
            call()
