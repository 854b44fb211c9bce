"""Presets as LiteRT files: their sizes, and the results of their verbs through the file."""

import numpy as np
import pytest

import kerazoo
from kerazoo.data import open_source
from kerazoo.exporting import export_litert
from kerazoo.exporting.litert_verbs import run_exported
from tests.zoo_rows import published

pytestmark = pytest.mark.slow

# Their kernels, of Boltzmann machines and of tied layers, are stored in two layouts.
MULTIPLIED_FROM_BOTH_SIDES = {"dbn_mnist", "denoising_autoencoder_mnist", "rbm_mnist", "stacked_autoencoder_mnist"}


@pytest.mark.parametrize("preset", published())
def test_a_preset_is_one_file(preset, tmp_path):
    model = kerazoo.load(preset)
    metadata = export_litert(model, tmp_path / "model.tflite")
    assert {*metadata["signatures"], *metadata["left_out"]} == set(model.endpoints())
    # A weight is stored once for each layout that operators need, and not for each signature. Beside the weights stand
    # the operators and the metadata.
    layouts = 2.1 if preset in MULTIPLIED_FROM_BOTH_SIDES else 1.3
    assert metadata["bytes"] < layouts * 4 * model.count_params() + 200_000


@pytest.mark.parametrize(
    ("quantization", "ratio", "difference"), [("float16", 0.52, 1e-3), ("dynamic", 0.3, 0.01), ("int8", 0.3, 0.03)]
)
def test_quantised_weights_are_smaller(quantization, ratio, difference, tmp_path):
    model = kerazoo.load("dcgan_mnist")
    whole = export_litert(model, tmp_path / "whole.tflite")
    small = export_litert(model, tmp_path / "small.tflite", quantization=quantization)
    assert small["bytes"] < ratio * whole["bytes"]
    assert whole["differences"]["generate"] < 1e-5
    expected = model.generate(64, seed=0)
    with run_exported(model, tmp_path / "small.tflite"):
        # The mean over images in [0, 1]; at the edge of a stroke one pixel may differ by a half in int8.
        found = np.abs(model.generate(64, seed=0) - expected).mean()
    assert 0 < found < difference


def test_int8_keeps_a_classifiers_accuracy(tmp_path):
    model, test = kerazoo.load("cnn_classifier_mnist"), open_source("tfds:mnist", split="test").take(2000)
    metadata = export_litert(model, tmp_path / "model.tflite", quantization="int8")  # calibrated on the preset's data
    assert metadata["calibration"]["source"] == "tfds:mnist"
    accuracy = [_accuracy(model, test)]
    with run_exported(model, tmp_path / "model.tflite"):
        accuracy.append(_accuracy(model, test))
    assert accuracy[0] > 0.98
    assert abs(accuracy[1] - accuracy[0]) < 0.005


def _accuracy(model, source):
    return np.mean(model.classify(source.arrays["image"]).argmax(axis=1) == source.arrays["label"])


def test_translations_of_a_file_are_those_of_keras(tmp_path):
    model, path = kerazoo.load("attention_seq2seq_multi30k"), tmp_path / "model.tflite"
    export_litert(model, path)
    texts = ["A man rides a bike.", "Two dogs run in the snow.", "a woman in a red shirt with a baby"]
    expected = model.translate(texts), model.translate(texts, beam_width=1), model.score(texts, ["ein mann"] * 3)
    with run_exported(model, path):
        assert (model.translate(texts), model.translate(texts, beam_width=1)) == expected[:2]
        np.testing.assert_allclose(model.score(texts, ["ein mann"] * 3), expected[2], rtol=1e-5)
