"""Measures of codes: clusters, probes of few labels, disentanglement; each against hand-worked cases and formulas."""

import itertools

import numpy as np
import pytest
from scipy.stats import entropy

from kerazoo import metrics
from kerazoo.utils.errors import ConfigError, DataError

RNG = np.random.default_rng(0)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


# Clusters


def test_agreement_of_clusters_by_hand():
    # Cluster 0 holds classes 0, 0, 1; cluster 1 holds 1, 1, 0; cluster 2 holds 0, 0.
    clusters, labels = [0, 0, 0, 1, 1, 1, 2, 2], [0, 0, 1, 1, 1, 0, 0, 0]
    purity, accuracy, nmi, ari = metrics.cluster_agreement(clusters, labels)
    assert purity == (2 + 2 + 2) / 8
    assert accuracy == (2 + 2) / 8  # two classes match two clusters only
    # Pairs of one cluster: 3 + 3 + 1; of one class: C(5,2) + C(3,2) = 13; of both: 1 + 1 + 1; of all: 28.
    expected = 7 * 13 / 28
    assert ari == pytest.approx((3 - expected) / ((7 + 13) / 2 - expected))
    joint = np.array([[2, 1], [1, 2], [2, 0]]) / 8
    information = entropy(joint.ravel(), np.outer(joint.sum(1), joint.sum(0)).ravel())
    assert nmi == pytest.approx(information / ((entropy(joint.sum(1)) + entropy(joint.sum(0))) / 2))


def test_the_matching_is_the_best_of_all():
    clusters, labels = RNG.integers(5, size=200), RNG.integers(5, size=200)
    clusters[:80] = (labels[:80] + 2) % 5
    best = max(np.mean(np.array(p)[clusters] == labels) for p in itertools.permutations(range(5)))
    assert metrics.cluster_agreement(clusters, labels).accuracy == best
    renamed = np.array([3, 0, 4, 1, 2])[labels]
    assert metrics.cluster_agreement(renamed, labels) == pytest.approx((1, 1, 1, 1))


def test_k_means_finds_separate_groups_and_nothing_in_noise():
    centres, labels = 20 * normal(0, 4, 3), np.arange(200) % 4
    found = metrics.clustering_scores(centres[labels] + normal(1, 200, 3), labels)
    assert found == pytest.approx((1, 1, 1, 1))
    noise = metrics.clustering_scores(normal(2, 200, 3), labels)
    assert abs(noise.ari) < 0.05
    assert noise.purity < 0.45
    more = metrics.clustering_scores(centres[labels] + normal(1, 200, 3), labels, num_clusters=8)
    assert more.purity == 1
    assert more.accuracy < 1
    assert more == metrics.clustering_scores(centres[labels] + normal(1, 200, 3), labels, num_clusters=8)


# Probes


@pytest.mark.parametrize("k", [1, 3, 5])
def test_neighbour_probe_is_the_majority_of_the_nearest(k):
    train, test = normal(0, 60, 3), normal(1, 40, 3)
    labels, test_labels = RNG.integers(3, size=60), RNG.integers(3, size=40)
    nearest = np.linalg.norm(test[:, None] - train[None], axis=-1).argsort(axis=1)[:, :k]
    votes = np.stack([np.bincount(row, minlength=3) for row in labels[nearest]])
    assert metrics.knn_probe(train, labels, test, test_labels, k=k) == np.mean(votes.argmax(axis=1) == test_labels)


def test_probes_of_few_labels():
    """Each class has two clusters: one label a class cannot know both of them, ten do."""
    groups = np.arange(400) % 4
    features, labels = 30 * normal(0, 4, 5)[groups] + normal(1, 400, 5), groups % 2
    few, many = (
        metrics.few_label_probe(features, labels, features, labels, labels_per_class=n, probe=metrics.knn_probe)
        for n in (1, 10)
    )
    assert many.mean > 0.99
    assert few.mean < 0.9
    assert few.std > many.std
    drawn = []

    def probe(train, train_labels, test, test_labels):
        drawn.append((train, train_labels))
        assert test is features
        return len(drawn)

    found = metrics.few_label_probe(
        features, labels, features, labels, labels_per_class=3, num_seeds=4, probe=probe, seed=5
    )
    assert found == (2.5, np.std([1, 2, 3, 4]))
    assert all(np.array_equal(np.bincount(chosen), [3, 3]) for _, chosen in drawn)
    assert len({rows.tobytes() for rows, _ in drawn}) == 4
    rows = {row.tobytes(): label for row, label in zip(features, labels, strict=True)}
    assert all(rows[row.tobytes()] == label for part in drawn for row, label in zip(*part, strict=True))


# Disentanglement

FACTORS = np.stack(np.meshgrid(range(10), range(10), range(5), indexing="ij"), axis=-1).reshape(-1, 3)


def test_codes_that_are_the_factors_are_disentangled():
    codes = np.concatenate([FACTORS + 0.01 * normal(0, 500, 3), normal(1, 500, 2)], axis=1)  # and two idle ones
    assert metrics.beta_vae_score(codes, FACTORS) > 0.99
    assert metrics.mutual_information_gap(codes, FACTORS) > 0.85


def test_rotated_codes_have_no_gap():
    rotation = np.linalg.qr(normal(3, 3, 3))[0]
    codes = (FACTORS - FACTORS.mean(axis=0)) / FACTORS.std(axis=0) @ rotation
    assert metrics.mutual_information_gap(codes, FACTORS) < 0.3
    twice = np.repeat(FACTORS.astype(float), 2, axis=1)  # each factor in two codes
    assert metrics.mutual_information_gap(twice, FACTORS) == pytest.approx(0, abs=1e-9)
    # The beta-VAE score does not see that: some code is still for each factor.
    assert metrics.beta_vae_score(twice, FACTORS) > 0.99


def test_codes_without_the_factors_are_chance():
    codes = normal(5, 500, 4)
    assert metrics.beta_vae_score(codes, FACTORS) == pytest.approx(1 / 3, abs=0.06)
    assert metrics.mutual_information_gap(codes, FACTORS) < 0.05


def test_the_gap_by_hand():
    # The first code tells whether the factor is 3 and so h(1/4) of log 4; the second whether it is at least 2: log 2.
    factor = np.repeat(np.arange(4), 25)
    codes = np.stack([factor == 3, factor >= 2, np.zeros(100)], axis=1).astype(float)
    gap = (np.log(2) - entropy([0.25, 0.75])) / np.log(4)
    assert metrics.mutual_information_gap(codes, factor[:, None]) == pytest.approx(gap)


def test_a_vote_is_of_pairs_that_share_the_factor():
    from kerazoo.metrics.disentanglement import _groups, _vote

    codes = FACTORS.astype(float)
    vote = _vote(codes, _groups(FACTORS[:, 1]), 4000, np.random.default_rng(0))
    assert vote[1] == 0
    # Of two different rows with one second factor, the first differs by the mean distance of two of 0..9.
    first = FACTORS[FACTORS[:, 1] == 0][:, 0]
    expected = np.abs(first[:, None] - first[None])[~np.eye(50, dtype=bool)].mean()
    assert vote[0] == pytest.approx(expected, rel=0.05)


def test_arguments_are_checked():
    x, labels = normal(0, 20, 2), np.arange(20) % 2
    for call, error, message in [
        (lambda: metrics.cluster_agreement([0, 1], [0]), DataError, "same length, got 2 and 1"),
        (lambda: metrics.cluster_agreement([0, -1], [0, 1]), DataError, "clusters must be at least 0, got -1"),
        (lambda: metrics.clustering_scores(x, labels, num_clusters=21), ConfigError, "from 1 to 20"),
        (lambda: metrics.clustering_scores(x, labels[:3]), DataError, "one class for each of the 20 rows, got 3"),
        (
            lambda: metrics.knn_probe(x, labels, x, labels, k=21),
            DataError,
            "k=21 needs at least that many training rows, got 20",
        ),
        (
            lambda: metrics.few_label_probe(x[:15], labels[:15], x, labels, labels_per_class=8),
            DataError,
            "labels_per_class=8 needs at least that many rows of each class, and class 1 has 7",
        ),
        (lambda: metrics.beta_vae_score(x, np.zeros((20, 2), int)), DataError, "factor 0 must have at least two"),
        (lambda: metrics.beta_vae_score(x, np.arange(20)[:, None]), DataError, "factor 0 must have at least two"),
        (lambda: metrics.beta_vae_score(x, x), DataError, r"integers of shape \(20, factors\), got .* float64"),
        (lambda: metrics.mutual_information_gap(x[:, :1], labels[:, None]), DataError, "two codes or more"),
        (lambda: metrics.mutual_information_gap(x, labels[:, None], num_bins=1), ConfigError, "num_bins = 1"),
    ]:
        with pytest.raises(error, match=message):
            call()
