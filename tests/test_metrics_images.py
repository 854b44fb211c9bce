"""The report of an image generator, extractors made of Keras models, and the package itself."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from kerazoo import metrics
from kerazoo.metrics.extractor import as_probabilities
from kerazoo.utils.errors import ConfigError, DataError


class LinearExtractor:
    """A fixed random projection; the class is the quadrant of the image that is brightest."""

    def __init__(self):
        self.matrix = np.random.default_rng(7).normal(size=(64, 5)) / 8

    def features(self, images):
        return images.reshape(len(images), -1) @ self.matrix

    def classify(self, images):
        quadrants = images.reshape(len(images), 2, 4, 2, 4).mean(axis=(2, 4)).reshape(len(images), 4)
        scores = np.exp(20 * quadrants)
        return scores / scores.sum(axis=1, keepdims=True)


def quadrant_images(seed, num_images, classes=4):
    """Noise with one bright quadrant, (N, 8, 8, 1) in [0, 1]."""
    random = np.random.default_rng(seed)
    images = random.uniform(0, 0.5, (num_images, 2, 4, 2, 4))
    bright = random.integers(classes, size=num_images)
    images[np.arange(num_images), bright // 2, :, bright % 2, :] += 0.5
    return images.reshape(num_images, 8, 8, 1).astype("float32")


TEST, TRAIN = quadrant_images(0, 400), quadrant_images(1, 450)


def report(fake, **options):
    return metrics.image_generation_report(fake, TEST, TRAIN, LinearExtractor(), num_neighbour=200, **options)


def test_report_of_a_perfect_generator():
    found = report(quadrant_images(2, 500))
    assert set(found) == {
        *("classifier_fid", "classifier_fid_floor", "classifier_fid_ratio", "kid", "kid_std", "precision", "recall"),
        *("precision_k5", "recall_k5", "density", "coverage"),
        *("precision_floor", "precision_k5_floor", "density_floor", "coverage_floor"),
        *("two_sample_accuracy", "two_sample_accuracy_real", "two_sample_accuracy_fake"),
        *("class_histogram_kl", "num_classes", "top_class_probability", "within_class_diversity", "num_images"),
    }
    assert all(type(value) is float for value in found.values())
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["num_images"] == 400  # the smallest set
    assert found["num_classes"] == 4
    assert found["classifier_fid_ratio"] == found["classifier_fid"] / found["classifier_fid_floor"]
    assert 0.2 < found["classifier_fid_ratio"] < 5
    assert found["two_sample_accuracy"] == pytest.approx(0.5, abs=0.1)
    assert found["within_class_diversity"] == pytest.approx(1.0, abs=0.05)
    assert found["class_histogram_kl"] < 0.05
    assert found["top_class_probability"] > 0.99


def test_report_is_made_of_the_measures_at_equal_numbers():
    fake, extractor = quadrant_images(2, 500, classes=3), LinearExtractor()
    found = report(fake)
    real, generated, train = (extractor.features(images[:400]) for images in (TEST, fake, TRAIN))
    assert found["classifier_fid"] == metrics.fid(real, generated)
    assert found["classifier_fid_floor"] == metrics.fid(real, train)
    assert (found["kid"], found["kid_std"]) == metrics.kid(real, generated, subset_size=200)
    real, generated, train = real[:200], generated[:200], train[:200]
    assert (found["precision"], found["recall"]) == metrics.precision_recall(real, generated, k=3)
    assert (found["precision_k5"], found["recall_k5"]) == metrics.precision_recall(real, generated, k=5)
    assert found["precision_floor"] == metrics.precision_recall(real, train, k=3).precision
    assert (found["density_floor"], found["coverage_floor"]) == metrics.density_coverage(real, train, k=5)
    assert (found["density"], found["coverage"]) == metrics.density_coverage(real, generated, k=5)
    assert found["two_sample_accuracy"] == metrics.nearest_neighbour_two_sample(real, generated).accuracy
    assert found["num_classes"] == 3
    assert found["class_histogram_kl"] == pytest.approx(np.log(4 / 3), abs=0.05)


def test_report_repeats_with_its_seed():
    fake = quadrant_images(2, 400)
    first = report(fake)
    assert report(fake) == first
    assert report(fake, seed=1)["kid"] != first["kid"]


def test_report_shows_collapse_and_memorising():
    collapsed = report(np.repeat(quadrant_images(2, 8), 50, axis=0))
    assert collapsed["within_class_diversity"] < 0.9
    assert collapsed["classifier_fid_ratio"] > 5
    assert collapsed["two_sample_accuracy_fake"] == 1.0
    assert report(TEST)["two_sample_accuracy"] == 0.0


def test_report_of_a_generator_of_a_class_that_is_not_real():
    # The real images have their bright quadrant at the left, the generated ones at the right.
    test, train, fake = (quadrant_images(seed, 20, classes=1) for seed in range(3))
    found = metrics.image_generation_report(fake[:, :, ::-1], test, train, LinearExtractor())
    assert np.isnan(found["within_class_diversity"])
    # Counts 20 and 0 of the real classes become 20.5 and 0.5, and those of the two others 0.5.
    assert found["class_histogram_kl"] == pytest.approx(np.log(22 / 0.5))


def test_report_names_what_is_wrong():
    fake, extractor = quadrant_images(2, 50), LinearExtractor()
    broken = LinearExtractor()
    broken.classify = broken.features
    for arguments, message in [
        (((fake * 255).astype("uint8"), TEST, TRAIN, extractor), r"fake must be floating-point images in \[0, 1\]"),
        ((fake * 2 - 1, TEST, TRAIN, extractor), r"fake must lie in \[0, 1\], got \["),
        ((fake, TEST[..., 0], TRAIN, extractor), "real_test must have 4 axes"),
        ((fake[:, :4], TEST, TRAIN, extractor), r"one shape, got \(4, 8, 1\), \(8, 8, 1\), \(8, 8, 1\)"),
        ((fake[:5], TEST, TRAIN, extractor), "fake needs at least 6 images, got 5"),
        ((fake, TEST, TEST, extractor), "real_test and real_train are the same images"),
        ((fake * np.nan, TEST, TRAIN, extractor), "fake holds NaN or infinity"),
        ((fake, TEST, TRAIN, broken), "one row of class probabilities for each image"),
    ]:
        with pytest.raises(DataError, match=message):
            metrics.image_generation_report(*arguments)
    with pytest.raises(ConfigError, match=r"num_neighbour = .*: an integer of at least 6"):
        metrics.image_generation_report(fake, TEST, TRAIN, extractor, num_neighbour=5)


def functional_classifier(activation):
    keras.utils.set_random_seed(0)
    images = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(4, 3, activation="relu", name="conv")(images)
    x = keras.layers.Dense(6, activation="relu", name="hidden")(keras.layers.Flatten()(x))
    x = keras.layers.Dropout(0.5)(x)
    x = keras.layers.Dense(4, name="head")(x)
    return keras.Model(images, keras.layers.Softmax()(x) if activation == "softmax" else x)


@pytest.mark.parametrize("activation", ["softmax", "logits"])
def test_extractor_of_a_functional_model(activation):
    model = functional_classifier(activation)
    extractor = metrics.as_extractor(model, batch_size=30)
    features, probabilities = extractor.features(TEST[:50]), extractor.classify(TEST[:50])
    kernel, bias = (np.asarray(w) for w in model.get_layer("head").get_weights())
    logits = features @ kernel + bias
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert features.shape == (50, 6)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-5)
    np.testing.assert_array_equal(features, extractor.features(TEST[:50]))  # no dropout


def test_report_takes_a_sequential_model():
    keras.utils.set_random_seed(0)
    layers = [keras.Input((8, 8, 1)), keras.layers.AveragePooling2D(4), keras.layers.Flatten(), keras.layers.Dense(3)]
    model = keras.Sequential(layers)
    features = metrics.as_extractor(model).features(TEST)
    np.testing.assert_allclose(features, TEST.reshape(400, 2, 4, 2, 4).mean(axis=(2, 4)).reshape(400, 4), rtol=1e-5)
    fake = quadrant_images(2, 60)
    found = metrics.image_generation_report(fake, TEST, TRAIN, model)
    expected = metrics.fid(features[:60], metrics.as_extractor(model).features(fake))
    assert found["classifier_fid"] == pytest.approx(expected, rel=1e-4)  # float32, in other batches


def test_extractor_checks_its_images_and_passes_extractors_through():
    extractor = metrics.as_extractor(functional_classifier("softmax"))
    assert metrics.as_extractor(extractor) is extractor
    with pytest.raises(DataError, match=r"takes images of shape \(8, 8, 1\), got \(4, 8, 1\)"):
        extractor.features(TEST[:, :4])
    with pytest.raises(DataError, match=r"must lie in \[0, 1\]"):
        extractor.classify(TEST * 255)


def test_extractor_says_why_a_model_cannot_be_split():
    class Subclassed(keras.Model):
        def call(self, images):
            return images

    def sequential(*layers):
        return keras.Sequential(layers)

    image, flatten, dense = keras.Input((8, 8, 1)), keras.layers.Flatten, keras.layers.Dense
    pool = keras.layers.GlobalAveragePooling2D
    head = dense(3)
    sequential(image, flatten(), head)
    for model, message in [
        ("vgg", "got str"),
        (Subclassed(), "neither a functional model nor a Sequential"),
        (sequential(flatten(), dense(3)), "neither a functional model nor a Sequential"),
        (sequential(image, flatten(), dense(1)), "at least two class scores"),
        (sequential(keras.Input((8,)), dense(3)), "must map images"),
        (sequential(image, keras.layers.Conv2D(3, 1), pool()), "has no Dense layer of its own"),
        (sequential(image, dense(3), pool()), "flatten or pool before it"),
        (sequential(keras.Input((8, 8, 1)), flatten(), head), "was first called in another model"),
    ]:
        with pytest.raises(ConfigError, match=message) as caught:
            metrics.as_extractor(model)
        assert "\n" not in str(caught.value)


def test_probabilities_stay_and_logits_go_through_a_softmax():
    probabilities = np.array([[0.25, 0.75], [1.0, 0.0]])
    np.testing.assert_array_equal(as_probabilities(probabilities), probabilities)
    # Rows that sum to one with a negative entry, and large logits that overflow a plain exponential.
    np.testing.assert_allclose(as_probabilities(np.array([[2.0, -1.0]])), [[1 / (1 + np.exp(-3)), 1 / (1 + np.exp(3))]])
    np.testing.assert_array_equal(as_probabilities(np.array([[1000.0, 0.0]])), [[1.0, 0.0]])


def test_importing_the_package_loads_no_heavy_library():
    heavy = ("tensorflow", "keras", "scipy", "sklearn")
    script = f"import sys, kerazoo.metrics; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
