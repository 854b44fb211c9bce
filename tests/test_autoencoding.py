"""Autoencoders as a task: pictures, errors beside those of PCA, probes; for linear ones PCA is the closed form."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

import kerazoo
from kerazoo.data import from_arrays, open_source
from kerazoo.presets.config import EvaluationConfig
from kerazoo.tasks import Data, task_module, write_samples
from kerazoo.utils.images import as_float_array

TASK = task_module("autoencoding")


class Linear(kerazoo.ZooModel):
    """The best linear autoencoder of the train split of `digits`, or of points: an orthonormal basis, found by SVD."""

    task = "autoencoding"

    def __init__(self, rows, num_codes):
        super().__init__()
        self.shape = rows.shape[1:]
        flat = self.flat(rows)
        self.mean = flat.mean(axis=0)
        self.basis = np.linalg.svd(flat - self.mean, full_matrices=False)[2][:num_codes].T

    def flat(self, rows):
        return as_float_array(rows).reshape(len(rows), -1)

    def encode(self, rows):
        return (self.flat(rows) - self.mean) @ self.basis

    def reconstruct(self, rows):
        return (self.mean + self.encode(rows) @ self.basis.T).reshape(-1, *self.shape)


@pytest.fixture(scope="module")
def digits():
    return Data("digits")


def test_the_best_linear_autoencoder_is_as_good_as_pca(digits):
    model = Linear(digits.open("train").arrays["image"], 6)
    found = TASK.evaluate(model, digits, EvaluationConfig())
    test = as_float_array(digits.open("test").arrays["image"])
    errors = np.square(model.reconstruct(test) - test).sum(axis=(1, 2, 3))
    assert found["squared_error"] == pytest.approx(errors.mean(), rel=1e-4)
    assert found["squared_error_ratio"] == pytest.approx(1, abs=1e-3)
    assert found["psnr"] == pytest.approx(np.mean(-10 * np.log10(errors / 64)), rel=1e-4)
    assert found["pca_psnr"] == pytest.approx(found["psnr"], rel=1e-3)
    assert (found["num_codes"], found["num_examples"]) == (6, 360)
    assert found["linear_probe_accuracy"] == pytest.approx(found["pca_linear_probe_accuracy"], abs=0.02)
    assert found["linear_probe_accuracy"] > 0.75
    assert set(TASK.HEADLINES) <= set(found)


def test_a_worse_autoencoder_is_worse_than_pca(digits):
    model = Linear(digits.open("train").arrays["image"], 6)
    model.basis = np.linalg.qr(np.random.default_rng(0).normal(size=(64, 6)))[0]
    found = TASK.evaluate(model, digits, EvaluationConfig(num=100))
    assert found["squared_error_ratio"] > 1.5
    assert found["num_examples"] == 100
    assert found["linear_probe_accuracy"] < found["pca_linear_probe_accuracy"]


def test_codes_as_wide_as_the_data_leave_no_error(digits):
    model = Linear(digits.open("train").arrays["image"], 64)
    found = TASK.evaluate(model, digits, EvaluationConfig(num=50))
    assert "squared_error_ratio" not in found
    assert found["psnr"] == pytest.approx(100, abs=1)


def test_a_model_of_the_zoo_whose_codes_are_a_distribution(digits, tmp_path):
    model = kerazoo.create("vae", image_shape=(8, 8, 1), latent_dim=3, hidden_units=(8,))
    found = TASK.evaluate(model, digits, EvaluationConfig(num=60))
    assert found["num_codes"] == 3
    assert found["squared_error_ratio"] > 1
    assert TASK.sample(model, tmp_path / "vae", data=digits)[0].exists()


def test_a_vae_shows_the_reconstructions_of_data_that_are_asked_for(digits, tmp_path):
    model = kerazoo.create("vae", image_shape=(8, 8, 1), latent_dim=3, hidden_units=(8,))
    drawn, offered = (
        write_samples(model, tmp_path / name, num=9, scale=1, **options)[0].read_bytes()
        for name, options in (("drawn", {}), ("offered", {"data": digits}))
    )
    assert drawn == offered
    asked = dataclasses.replace(digits, asked=True)
    (file,) = write_samples(model, tmp_path / "asked", num=3, data=asked, scale=1)
    picture = np.asarray(Image.open(file).convert("L")) / 255
    source = asked.open("test")
    images = as_float_array(source.sample(3, seed=0)["image"])
    for row, expected in enumerate((images, model.reconstruct(images))):
        for column in range(3):
            x, y = 2 + 10 * column, 2 + 10 * row
            np.testing.assert_allclose(picture[y : y + 8, x : x + 8], expected[column, ..., 0], atol=1 / 255)


def test_originals_stand_over_their_reconstructions(digits, tmp_path):
    model = Linear(digits.open("train").arrays["image"], 64)
    (file,) = TASK.sample(model, tmp_path / "digits.png", num=13, data=digits, scale=1)
    picture = np.asarray(Image.open(file).convert("L"))
    assert picture.shape == (4 * 10 + 2, 10 * 10 + 2)
    for row, columns in ((0, 10), (2, 3)):
        for column in range(columns):
            x = 2 + 10 * column
            above, below = (picture[2 + 10 * r : 10 + 10 * r, x : x + 8].astype(int) for r in (row, row + 1))
            np.testing.assert_allclose(above, below, atol=1)
            assert above.std() > 10
    assert (picture[22:30, 32:] == 255).all()  # nothing stands behind the last one
    (small,) = TASK.sample(model, tmp_path / "few", num=3, data=digits, scale=1)
    assert Image.open(small).size == (3 * 10 + 2, 2 * 10 + 2)


def test_autoencoders_of_points(tmp_path):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(300, 4)) * [3, 1, 0.1, 0.1]

    class Points(Data):
        def open(self, split):
            return from_arrays({"points": points[:200] if split == "train" else points[200:]}, split=split)

    model = Linear(points[:200], 2)
    found = TASK.evaluate(model, Points(), EvaluationConfig())
    assert found["squared_error"] == pytest.approx(found["pca_squared_error"])
    assert found["squared_error"] == pytest.approx(0.02, rel=0.3)  # the two discarded variances
    assert set(found) == {"squared_error", "pca_squared_error", "squared_error_ratio", "num_codes", "num_examples"}
    assert TASK.sample(model, tmp_path / "points", data=Points())[0].name == "points.png"


def test_ring_points_are_measured_with_their_modes_as_labels():
    data = Data("ring")
    model = Linear(open_source("ring").arrays["points"], 1)
    found = TASK.evaluate(model, data, EvaluationConfig(num=500))
    assert found["squared_error_ratio"] == pytest.approx(1, abs=1e-3)
    assert 0.5 < found["linear_probe_accuracy"] < 0.9  # eight modes on a line
    assert found["linear_probe_accuracy"] == pytest.approx(found["pca_linear_probe_accuracy"], abs=0.01)
