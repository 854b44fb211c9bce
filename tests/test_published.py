"""The published weights do what their cards say."""

import os

import numpy as np
import pytest

import kerazoo
from kerazoo.evaluation import evaluate_preset

needs_mnist = pytest.mark.skipif("TFDS_DATA_DIR" not in os.environ, reason="TFDS_DATA_DIR names no prepared MNIST")


def metrics_of(preset):
    return kerazoo.info(preset)["metrics"]


def test_dcgan_draws_all_ten_digits():
    images = kerazoo.load("dcgan_mnist").generate(1000, seed=0)
    probabilities = kerazoo.load("cnn_classifier_mnist").classify(images)
    counts = np.bincount(probabilities.argmax(axis=1), minlength=10)
    assert counts.min() >= 50  # of 100 expected
    assert probabilities.max(axis=1).mean() >= 0.93


def test_dcgan_repeats_with_its_seed_and_not_otherwise():
    model = kerazoo.load("dcgan")
    np.testing.assert_array_equal(model.generate(4, seed=7), model.generate(4, seed=7))
    assert not np.array_equal(model.generate(4, seed=7), model.generate(4, seed=8))


def test_recorded_figures_of_dcgan_meet_their_bars():
    metrics = metrics_of("dcgan_mnist")
    assert metrics["num_images"] == 10_000
    assert metrics["num_classes"] == 10
    assert metrics["class_histogram_kl"] <= 0.05
    assert metrics["precision_k5"] >= 0.8
    assert metrics["density"] >= 0.7
    assert metrics["coverage"] >= 0.7
    assert metrics["top_class_probability"] >= 0.95
    assert metrics["linear_probe_accuracy"] >= 0.97


def test_recorded_accuracy_of_the_extractor_meets_its_bar():
    assert metrics_of("cnn_classifier_mnist")["accuracy"] >= 0.99


@needs_mnist
@pytest.mark.slow
@pytest.mark.parametrize("preset", kerazoo.list_presets())
def test_cards_figures_are_reproduced(preset):
    found = evaluate_preset(preset)["metrics"]
    for name, value in metrics_of(preset).items():
        assert found[name] == pytest.approx(value, abs=5e-4), name
