"""Adversarial examples: the equation, the ball, confident classifiers, and what `evaluate` reports about them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import kerazoo
from kerazoo.cli import main
from kerazoo.data import from_arrays
from kerazoo.metrics.robustness import adversarial_error, fast_gradient_sign, predicted_classes
from kerazoo.presets.config import EvaluationConfig
from kerazoo.tasks import Data, task_module
from kerazoo.utils.errors import ConfigError, DataError

RNG = np.random.default_rng(0)
IMAGES = RNG.random((20, 4, 4, 1), "float32")
LABELS = np.arange(20) % 3


def linear(seed=0, size=1.0, activation=None):
    """A softmax regression of 4x4 images with three classes."""
    layers = [keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3, activation)]
    model = keras.Sequential(layers)
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(size=(16, 3)) * size, rng.normal(size=3)])
    return model


def gradient(model, images, labels):
    """Of the cross-entropy of a softmax regression, in float64: W (p - onehot)."""
    kernel, bias = (np.asarray(w, "float64") for w in model.get_weights())
    logits = images.reshape(len(images), -1) @ kernel + bias
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return ((p - np.eye(3)[labels]) @ kernel.T).reshape(images.shape)


def test_one_step_is_the_equation():
    model = linear()
    expected = np.clip(IMAGES + 0.1 * np.sign(gradient(model, IMAGES, LABELS)), 0, 1)
    found = kerazoo.robustness.fast_gradient_sign(model, IMAGES, LABELS, 0.1, batch_size=7)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)
    uint8 = np.round(IMAGES * 255).astype("uint8")
    np.testing.assert_allclose(
        fast_gradient_sign(model, uint8, LABELS, 0.1), fast_gradient_sign(model, uint8 / np.float32(255), LABELS, 0.1)
    )


def test_several_steps_are_the_iteration_and_stay_in_the_ball():
    model, x = linear(seed=3), IMAGES.astype("float64")
    for _ in range(4):
        moved = x + 0.03 * np.sign(gradient(model, x, LABELS))
        x = np.clip(np.clip(moved, IMAGES - 0.08, IMAGES + 0.08), 0, 1)
    found = fast_gradient_sign(model, IMAGES, LABELS, 0.08, num_steps=4, step_size=0.03)
    np.testing.assert_allclose(found, x, atol=1e-5)
    default = fast_gradient_sign(model, IMAGES, LABELS, 0.08, num_steps=10)
    given = fast_gradient_sign(model, IMAGES, LABELS, 0.08, num_steps=10, step_size=0.01)
    np.testing.assert_allclose(default, given, atol=1e-6)
    assert np.abs(default - IMAGES).max() <= 0.08 + 1e-6


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_a_confident_classifier_does_not_hide_its_gradient(activation):
    """With logits of hundreds every probability is 0 or 1 in float32, and so has no gradient of its own."""
    model = linear(size=200.0, activation=activation)
    labels = predicted_classes(model, IMAGES)
    found = fast_gradient_sign(model, IMAGES, labels, 0.01)
    inside = (IMAGES > 0.01) & (IMAGES < 0.99)
    moved = np.abs(found - IMAGES)[inside]
    assert np.mean(np.isclose(moved, 0.01, atol=1e-5)) > 0.9
    assert adversarial_error(model, IMAGES, labels, 0.0) == 0
    assert adversarial_error(model, IMAGES, labels, 0.3) > 0.8


@pytest.mark.parametrize("architecture", ["cnn_classifier", "dbn"])
def test_classifiers_of_the_zoo(architecture):
    options = {"cnn_classifier": {"filters": (2, 2), "feature_dim": 4}, "dbn": {"hidden_units": (5,)}}[architecture]
    model = kerazoo.create(architecture, image_shape=(8, 8, 1), num_classes=3, **options)
    images = RNG.random((5, 8, 8, 1), "float32")
    labels = np.array([0, 1, 2, 0, 1])
    x = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model.logits(x))
    expected = np.clip(images + 0.05 * np.sign(tape.gradient(loss, x)), 0, 1)
    np.testing.assert_allclose(fast_gradient_sign(model, images, labels, 0.05), expected, atol=1e-6)


def test_arguments_are_checked():
    model = linear()
    for arguments, error, message in [
        ((model, IMAGES * 2, LABELS, 0.1), DataError, r"images must lie in \[0, 1\]"),
        ((model, (IMAGES * 255).astype(int), LABELS, 0.1), DataError, "floating-point images .* got dtype int64"),
        ((model, [["a"]], LABELS, 0.1), DataError, "floating-point images"),
        ((model, IMAGES[:0], LABELS[:0], 0.1), DataError, "images needs at least 1 images, got 0"),
        ((model, IMAGES, LABELS[:3], 0.1), DataError, "labels must hold one class for each of the 20 rows, got 3"),
        ((model, IMAGES, LABELS + 1, 0.1), DataError, r"labels must lie in \[0, 3\), got \[1, 3\]"),
        ((model, IMAGES, LABELS, -0.1), ConfigError, r"epsilon = -0\.1: a number of at least 0"),
        ((lambda x, training: x[:, :, 0, 0][:, :1], IMAGES, LABELS, 0.1), DataError, r"gives \(1, 1\) for an image"),
    ]:
        with pytest.raises(error, match=message):
            fast_gradient_sign(*arguments)
    with pytest.raises(ConfigError, match="step_size = 0: a number above 0"):
        fast_gradient_sign(model, IMAGES, LABELS, 0.1, step_size=0)
    with pytest.raises(ConfigError, match="num_steps = 0"):
        fast_gradient_sign(model, IMAGES, LABELS, 0.1, num_steps=0)


class Digits(Data):
    def open(self, split):
        return from_arrays({"image": IMAGES8, "label": LABELS}, split=split, class_names=("zero", "one", "two"))


IMAGES8 = np.round(RNG.random((20, 8, 8, 1)) * 255).astype("uint8")


def classifier():
    keras.utils.set_random_seed(1)
    return kerazoo.create("cnn_classifier", image_shape=(8, 8, 1), num_classes=3, filters=(2, 2), feature_dim=4)


def test_the_report_has_both_errors_where_epsilon_is_set():
    task, model = task_module("image-classification"), classifier()
    plain = task.evaluate(model, Digits(), EvaluationConfig())
    assert set(plain) == {"accuracy", "cross_entropy", "num_images"}
    found = task.evaluate(model, Digits(), EvaluationConfig(epsilon=0.25))
    assert found["clean_error"] == pytest.approx(1 - found["accuracy"])
    assert found["adversarial_error"] == adversarial_error(model, IMAGES8, LABELS, 0.25)
    assert found["adversarial_error"] > found["clean_error"]
    assert task.evaluate(model, Digits(), EvaluationConfig(epsilon=0))["adversarial_error"] == found["clean_error"]


def test_images_without_labels_are_refused(tmp_path):
    class Unlabelled(Data):
        def open(self, split):
            return from_arrays({"image": IMAGES8}, split=split, name="photos")

    task, model = task_module("image-classification"), classifier()
    with pytest.raises(DataError, match="photos has no labels"):
        task.evaluate(model, Unlabelled(), EvaluationConfig())
    with pytest.raises(DataError, match="photos has no labels"):
        task.sample(model, tmp_path / "attack", data=Unlabelled(), epsilon=0.1)
    assert task.sample(model, tmp_path / "plain", data=Unlabelled(), num=3)[0].exists()


def test_pictures_show_image_perturbation_and_sum(tmp_path):
    task, model = task_module("image-classification"), classifier()
    (file,) = task.sample(model, tmp_path / "attack", num=2, data=Digits(), epsilon=0.1, scale=1)
    picture = np.asarray(Image.open(file).convert("L")) / 255
    assert picture.shape == (2 * (8 + 2 + 16) + 2, 3 * (8 + 2) + 2)
    image, perturbation, total = (picture[2:10, x : x + 8] for x in (2, 12, 22))
    np.testing.assert_allclose(np.clip(image + 0.1 * (2 * perturbation - 1), 0, 1), total, atol=0.005)
    (file,) = task.sample(model, tmp_path / "plain", num=2, data=Digits())
    assert file.exists()


def test_epsilon_on_the_command_line(here, capsys):
    classifier().save_preset("mine")
    options = ["--data", "digits", "--num", "50", "--set"]
    assert main(["evaluate", "mine", *options, "evaluation.epsilon=2"]) == 1
    assert "evaluation.epsilon" in capsys.readouterr().err
    assert main(["evaluate", "mine", *options, "evaluation.epsilon=0.25"]) == 1
    assert "digits has labels up to 9 where the model has 3 classes" in capsys.readouterr().err
    assert kerazoo.create("cnn_classifier", image_shape=(8, 8, 1), filters=(2, 2), feature_dim=4).save_preset("ten")
    assert main(["evaluate", "ten", *options, "evaluation.epsilon=0.25"]) == 0
    lines = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert float(lines["clean_error"]) == pytest.approx(1 - float(lines["accuracy"]), abs=1e-4)
    assert float(lines["adversarial_error"]) >= float(lines["clean_error"])
