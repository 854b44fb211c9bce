"""Exact densities as a task: nats and bits of known densities, and what simpler ones reach."""

import numpy as np
import pytest
from PIL import Image
from scipy.stats import gaussian_kde

import kerazoo
from kerazoo.data import from_arrays
from kerazoo.metrics import kernel_density_nats, pixel_histogram_nats
from kerazoo.presets.config import EvaluationConfig
from kerazoo.tasks import Data, task_module
from kerazoo.utils.errors import ConfigError, DataError

TASK = task_module("exact-density")


class Gaussian(kerazoo.ZooModel):
    """A normal density of points, of zero mean."""

    task = "exact-density"

    def __init__(self, deviations):
        super().__init__()
        self.deviations = np.asarray(deviations)

    def generate(self, num_samples, *, seed=None):
        return np.random.default_rng(seed).normal(size=(num_samples, len(self.deviations))) * self.deviations

    def score(self, points):
        squares = np.square(points / self.deviations).sum(axis=1)
        return -0.5 * squares - np.log(self.deviations * np.sqrt(2 * np.pi)).sum()


class Uniform(kerazoo.ZooModel):
    """All 8-bit images are equally likely."""

    task, image_shape = "exact-density", (8, 8, 1)

    def generate(self, num_samples, *, seed=None):
        return np.random.default_rng(seed).random((num_samples, 8, 8, 1))

    def score(self, images):
        return np.full(len(images), -images[0].size * np.log(256))


class Points(Data):
    def open(self, split):
        return from_arrays({"points": Gaussian([1, 2]).generate(3000, seed=len(split))}, split=split)


def test_points_of_a_known_density():
    found = TASK.evaluate(Gaussian([1, 2]), Points(), EvaluationConfig())
    exact = np.log(2 * np.pi * np.e) + np.log(2)
    assert found["nats"] == pytest.approx(exact, abs=4 * found["nats_standard_error"])
    assert found["nats_standard_error"] == pytest.approx(1 / np.sqrt(3000), rel=0.1)
    assert found["bits_per_dimension"] == pytest.approx(found["nats"] / np.log(2) / 2)
    # The estimate is a little worse than the truth, a wrong model much.
    assert 0 < found["nats_kernel_density"] - found["nats"] < 0.05
    assert TASK.evaluate(Gaussian([2, 1]), Points(), EvaluationConfig())["nats"] > found["nats"] + 0.5
    assert found["num_examples"] == 3000
    assert set(TASK.HEADLINES) <= set(found)


def test_images_in_bits_per_dimension():
    found = TASK.evaluate(Uniform(), Data("digits"), EvaluationConfig(num=200))
    assert found["bits_per_dimension"] == pytest.approx(8)
    assert found["nats"] == pytest.approx(64 * np.log(256))
    # Digits have 17 grey levels and an empty margin: independent pixels need far less than 8 bits.
    assert 1.5 < found["bits_per_dimension_pixels"] < 4
    assert set(found) == {
        *("nats", "bits_per_dimension", "nats_standard_error", "bits_per_dimension_pixels", "num_examples"),
    }


def test_pictures(tmp_path):
    (file,) = TASK.sample(Uniform(), tmp_path / "images", num=4, scale=2)
    assert Image.open(file).size == (2 * 18 + 2,) * 2
    (file,) = TASK.sample(Gaussian([1, 1]), tmp_path / "points.svg", num=50, data=Data("ring"))
    assert file.name == "points.svg"
    assert TASK.sample(Gaussian([1]), tmp_path / "line")[0].exists()
    assert TASK.sample(Uniform(), tmp_path / "offered", num=4, data=Data("digits"))[0].exists()
    with pytest.raises(ConfigError, match=r"^data: images are drawn by the model alone; leave it out$"):
        TASK.sample(Uniform(), tmp_path / "asked", num=4, data=Data("digits", asked=True))


def test_kernel_densities_are_scipys():
    train, test = np.random.default_rng(0).normal(size=(200, 2)), np.random.default_rng(1).normal(size=(30, 2))
    for bandwidth in (0.1, 0.5):
        # scipy scales the covariance of the data; of white rows it is the bandwidth alone.
        white = (train - train.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(train.T))).T
        expected = -gaussian_kde(white.T, bandwidth).logpdf(test.T)
        np.testing.assert_allclose(kernel_density_nats(white, test, bandwidth=bandwidth), expected, rtol=1e-3)


def test_the_bandwidth_is_chosen_by_likelihood_and_not_by_the_test_rows():
    """Two narrow groups far apart: a bandwidth by the rows' spread alone would be a hundred times too wide."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(1000, 1)) * 0.01 + 10 * rng.integers(2, size=(1000, 1))
    exact = np.log(2) + 0.5 * np.log(2 * np.pi * np.e) + np.log(0.01)
    found = kernel_density_nats(rows[:800], rows[800:]).mean()
    assert exact - 0.1 < found < exact + 0.3
    alone = [kernel_density_nats(rows[:800], rows[i : i + 1])[0] for i in range(800, 810)]
    np.testing.assert_allclose(alone, kernel_density_nats(rows[:800], rows[800:810]), rtol=1e-3)


def test_independent_pixels():
    rng = np.random.default_rng(0)
    train, test = rng.integers(0, 3, (50, 2, 2, 1)).astype("uint8"), rng.integers(0, 4, (5, 2, 2, 1)).astype("uint8")
    expected = np.zeros(5)
    for i in range(5):
        for y in range(2):
            for x in range(2):
                expected[i] -= np.log(((train[:, y, x, 0] == test[i, y, x, 0]).sum() + 1) / (50 + 256))
    np.testing.assert_allclose(pixel_histogram_nats(train, test), expected)


def test_arguments_are_checked():
    x, images = np.zeros((5, 2)), np.zeros((3, 2, 2, 1), "uint8")
    for call, error, message in [
        (lambda: kernel_density_nats(x[:3], x), DataError, "train needs at least 4 rows, got 3"),
        (lambda: kernel_density_nats(x, x), DataError, "all rows of train are the same"),
        (lambda: kernel_density_nats(x, x, bandwidth=0), ConfigError, "bandwidth = 0: a number above 0"),
        (lambda: pixel_histogram_nats(images / 255, images), DataError, "train must be uint8 images"),
        (lambda: pixel_histogram_nats(images, images[:, :1]), DataError, "images of one shape"),
    ]:
        with pytest.raises(error, match=message):
            call()
