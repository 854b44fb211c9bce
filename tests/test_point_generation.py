"""Points as a task, and the ring that WGAN-GP must cover."""

import numpy as np
import pytest

import kerazoo
from kerazoo.data import from_arrays, open_source
from kerazoo.metrics import mode_coverage
from kerazoo.presets.config import EvaluationConfig
from kerazoo.presets.preset import find_preset
from kerazoo.tasks import Data, task_module
from kerazoo.training import train
from tests.test_wgan_gp import points, some_points


class TestPointGeneration:
    task = task_module("point-generation")

    def test_picture(self, tmp_path):
        for width in (1, 2, 3):
            model = points(num_features=width)
            (file,) = self.task.sample(model, tmp_path / f"points-{width}", num=20, seed=0)
            assert file.name == f"points-{width}.png"
        (file,) = self.task.sample(points(), tmp_path / "over", seed=0, data=Data("ring"))
        assert file.stat().st_size > 1000

    def test_figures_on_the_ring(self):
        class Perfect:
            def generate(self, num, seed):
                return open_source("ring").sample(num, seed=seed)["points"]

        report = self.task.evaluate(Perfect(), Data("ring"), EvaluationConfig(num=500))
        assert (report["modes_covered"], report["num_modes"], report["num_points"]) == (8, 8, 500)
        assert report["high_quality"] == pytest.approx(1 - np.exp(-4.5), abs=0.006)
        assert report["two_sample_accuracy"] == pytest.approx(0.5, abs=0.05)
        assert abs(report["squared_mmd"]) < 0.02
        assert report["mmd_p_value"] > 0.05
        assert "gradient_norm" not in report

    def test_a_moved_ring_fails_the_test_of_alikeness(self):
        class Moved:
            def generate(self, num, seed):
                return open_source("ring").sample(num, seed=seed)["points"] + 0.3

        report = self.task.evaluate(Moved(), Data("ring"), EvaluationConfig(num=500))
        assert report["mmd_p_value"] < 0.01

    def test_figures_without_modes(self):
        class Arrays(Data):
            def open(self, split):
                return from_arrays({"points": some_points(40, 3)}, split=split)

        report = self.task.evaluate(points(num_features=3), Arrays(), EvaluationConfig(num=30))
        assert set(report) == {
            *(f"two_sample_accuracy{half}" for half in ("", "_real", "_fake")),
            *("squared_mmd", "mmd_p_value", "gradient_norm", "num_points"),
        }
        assert report["num_points"] == 30


@pytest.mark.slow
def test_the_ring_of_gaussians(tmp_path):
    """The preset's own run: all modes, points within 3 sigma of them, gradients near 1."""
    train(find_preset("wgan_gp_ring").config, tmp_path / "run")
    model, ring = kerazoo.load(tmp_path / "run"), open_source("ring", split="test")
    found = mode_coverage(model.generate(2500, seed=0), ring.info.modes.centres, float(ring.info.modes.std))
    assert found.covered == 8
    assert found.high_quality >= 0.85  # the published weights, of another machine's run, have 0.9 and more
    assert model.gradient_norms(ring.sample(2500)["points"]).mean() == pytest.approx(1, abs=0.15)
