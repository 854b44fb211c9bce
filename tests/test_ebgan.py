"""Claims of Zhao, Mathieu and LeCun 2017 on EBGAN: energies, the margin, and codes that pull away from each other."""

import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.losses import margin_discriminator_loss, pulling_away
from kerazoo.presets.config import EvaluationConfig
from kerazoo.tasks import Data
from tests.zoo_rows import Row, Verb, compiled, new, tiny_images


def energies(model, examples):
    codes = model.encoder(examples, training=True)
    return tf.reduce_mean((model.decoder(codes, training=True) - examples) ** 2, axis=(1, 2, 3)), codes


def reference(model, batch, noise):
    """Equations 1, 2 and 4, on one pass of the generator."""
    real = tf.cast(batch["image"], tf.float32) / 127.5 - 1.0
    z = noise("latent", (model.latent_dim,))
    fake = tf.stop_gradient(model.generator(z, training=True))
    yield (
        "discriminator",
        lambda: energies(model, real)[0] + tf.maximum(0.0, model.margin - energies(model, fake)[0]),
    )

    def of_generator():
        found, codes = energies(model, model.generator(z, training=True))
        pairs = [(i, j) for i in range(8) for j in range(8) if i != j]
        cosines = [tf.tensordot(codes[i], codes[j], 1) / tf.norm(codes[i]) / tf.norm(codes[j]) for i, j in pairs]
        return found + 0.1 * tf.reduce_mean(tf.stack(cosines) ** 2)

    yield "generator", of_generator


ROWS = {
    "ebgan": Row(
        arguments={
            "image_shape": (16, 16, 1),
            "latent_dim": 5,
            "code_dim": 3,
            "filters": 4,
            "kernel_size": 3,
        },
        batch=tiny_images,
        # generator as DCGAN's; encoder: 3x3 kernels 1 -> 4 with bias and 4 -> 8, batch normalisation of 8, and
        # 4 x 4 x 8 -> 3; a decoder like the generator, of 3 numbers
        parameters=(640 + 288 + 37 + 4 * 12) + (40 + 288 + 32 + 128 * 3 + 3) + (384 + 288 + 37 + 4 * 12),
        verbs={
            "generate": Verb(lambda model, batch: model.generate(3, seed=0), (3, 16, 16, 1), (0, 1)),
            "energy": Verb(lambda model, batch: model.energy(batch["image"]), (8,), (0, 4)),
            "reconstruct": Verb(lambda model, batch: model.reconstruct(batch["image"]), (8, 16, 16, 1), (0, 1)),
        },
        mechanism="gan",
        sample=lambda model, seed: model.generate(3, seed=seed),
        falling=("discriminator_loss",),
        learners=("discriminator",),
        reference=reference,
        litert_fixed={"generate", "reconstruct", "energy"},
        batch_statistics=True,
    ),
}


def test_generated_examples_count_up_to_the_margin():
    fake = tf.Variable([0.2, 0.9, 1.5])
    with tf.GradientTape() as tape:
        losses = margin_discriminator_loss(tf.constant([0.1, 0.2, 0.3]), fake, margin=1.0)
    np.testing.assert_allclose(losses, [0.9, 0.3, 0.3], rtol=1e-6)
    np.testing.assert_array_equal(tape.gradient(losses, fake), [-1, -1, 0])


def test_pulling_away_is_the_mean_squared_cosine_of_pairs():
    codes = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    unit = codes / np.linalg.norm(codes, axis=1, keepdims=True)
    pairs = [(unit[i] @ unit[j]) ** 2 for i in range(6) for j in range(6) if i != j]
    assert float(pulling_away(codes)) == pytest.approx(np.mean(pairs), rel=1e-5)
    assert float(pulling_away(np.eye(4, dtype="float32"))) == pytest.approx(0, abs=1e-6)
    assert float(pulling_away(np.ones((3, 4)))) == pytest.approx(1, rel=1e-5)


def test_pulling_away_spreads_codes():
    codes = tf.Variable(1.0 + 0.1 * np.random.default_rng(0).normal(size=(4, 4)).astype("float32"))
    before = float(pulling_away(codes))
    for _ in range(100):
        with tf.GradientTape() as tape:
            loss = pulling_away(codes)
        codes.assign_sub(tape.gradient(loss, codes))
    assert float(pulling_away(codes)) < 0.2 * before


def test_energy_is_the_error_of_the_reconstruction():
    model, images = new("ebgan"), tiny_images()["image"]
    errors = (2 * (model.reconstruct(images) - images / np.float32(255))) ** 2  # pixels of the networks are in [-1, 1]
    np.testing.assert_allclose(model.energy(images), errors.mean(axis=(1, 2, 3)), rtol=1e-4)


def test_its_own_figures_are_mean_energies():
    model = compiled("ebgan")
    settings = EvaluationConfig(data="digits", num=20, seed=3)
    figures = model.own_figures(Data("digits", model.image_shape), settings, None)
    assert figures["energy_fake"] == pytest.approx(model.energy(model.generate(20, seed=3)).mean())
    assert figures["margin"] == 1.0
    assert set(figures) == {"energy_real", "energy_fake", "margin"}


def test_points():
    points = kerazoo.create("ebgan", num_features=3, encoder_units=(8, 4), code_dim=2)
    assert [layer.shape[-1] for layer in points.decoder.weights] == [4, 4, 8, 8, 3, 3]
    x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    assert points.reconstruct(x).shape == (5, 3)
    np.testing.assert_allclose(points.energy(x), ((points.reconstruct(x) - x) ** 2).mean(axis=1), rtol=1e-4)
