"""The neighbour measures: against hand-worked cases and the definition over all pairs."""

import numpy as np
import pytest

from kerazoo import metrics


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def distances(x, y):
    return np.linalg.norm(x[:, None] - y[None], axis=-1)


def test_neighbour_measures_by_hand_on_a_line():
    real, fake = np.array([[0.0], [1.0], [3.0], [7.0]]), np.array([[0.5], [4.0], [20.0]])
    # k = 1: the real radii are 1, 1, 2, 4 and the balls [-1, 1], [0, 2], [1, 5], [3, 11];
    # the fake radii are 3.5, 3.5, 16 and the balls [-3, 4], [0.5, 7.5], [4, 36], which hold all of the real points.
    assert metrics.precision_recall(real, fake, k=1) == (pytest.approx(2 / 3), 1.0)
    # 0.5 lies in two real balls, 4 in two, 20 in none; all four balls are reached.
    assert metrics.density_coverage(real, fake, k=1) == (pytest.approx(4 / 3), 1.0)
    # One sample has a density too, and reaches balls 3 and 4.
    assert metrics.density_coverage(real, fake[1:2], k=1) == (2.0, 0.5)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_neighbour_measures_match_the_naive_definition(k, monkeypatch):
    # 0.01 MiB is a handful of rows: the sums over several blocks are tested too.
    monkeypatch.setattr("kerazoo.metrics.neighbours._BLOCK_MIB", 0.01)
    real, fake = normal(0, 150, 4), normal(1, 130, 4) * 0.8 + 0.3
    real_radii, fake_radii = (np.sort(distances(x, x), axis=1)[:, k] for x in (real, fake))
    cross = distances(real, fake)
    in_real, in_fake = cross <= real_radii[:, None], cross <= fake_radii[None]
    precision, recall = metrics.precision_recall(real, fake, k)
    density, coverage = metrics.density_coverage(real, fake, k)
    assert precision == pytest.approx(in_real.any(axis=0).mean())
    assert recall == pytest.approx(in_fake.any(axis=1).mean())
    assert density == pytest.approx(in_real.sum() / (k * len(fake)))
    assert coverage == pytest.approx(in_real.any(axis=1).mean())


def test_neighbour_measures_of_one_distribution():
    real, fake = normal(0, 1000, 8), normal(1, 1000, 8)
    density, coverage = metrics.density_coverage(real, fake, k=5)
    assert density == pytest.approx(1.0, abs=0.1)
    assert coverage == pytest.approx(1 - 2**-5, abs=0.02)
    assert metrics.precision_recall(real, fake + 100) == (0.0, 0.0)


def test_two_sample_accuracy_is_half_for_one_distribution_one_apart_and_zero_for_copies():
    real = normal(0, 500, 4)
    assert metrics.nearest_neighbour_two_sample(real, normal(1, 500, 4)).accuracy == pytest.approx(0.5, abs=0.05)
    assert metrics.nearest_neighbour_two_sample(real, real + 100) == (1.0, 1.0, 1.0)
    assert metrics.nearest_neighbour_two_sample(real, real.copy()) == (0.0, 0.0, 0.0)


def test_two_sample_halves_show_a_collapsed_generator_that_the_average_hides():
    # The generator draws two points beside each of half of the real points.
    real = 100.0 * np.arange(20)[:, None]
    fake = np.concatenate([real[::2] + 1, real[::2] + 1.5])
    # Half of the real points have a generated neighbour; the others have one as well, at 98.5 against 100.
    assert metrics.nearest_neighbour_two_sample(real, fake) == (0.5, 0.0, 1.0)


def test_two_sample_ties_are_a_fair_draw():
    point = np.zeros((300, 2))
    result = metrics.nearest_neighbour_two_sample(point, point, seed=0)
    assert result == metrics.nearest_neighbour_two_sample(point, point, seed=0)
    # All neighbours are one and the same point: its kind decides, and over seeds it is either.
    kinds = {metrics.nearest_neighbour_two_sample(point, point, seed=seed).real > 0.5 for seed in range(8)}
    assert kinds == {False, True}
