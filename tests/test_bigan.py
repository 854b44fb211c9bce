"""Claims of Donahue et al. 2017 and Dumoulin et al. 2017: pairs, an encoder that learns beside the generator."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from kerazoo.losses import minimax_discriminator_loss
from kerazoo.presets.config import EvaluationConfig
from kerazoo.tasks import Data
from kerazoo.utils.errors import ConfigError
from tests.zoo_rows import Row, Verb, compiled, new, tiny_images


def reference(model, batch, noise):
    """Equation 3 of Donahue et al., the generator's and encoder's side with the pairs' targets exchanged."""
    real = tf.cast(batch["image"], tf.float32) / 127.5 - 1.0
    z = noise("latent", (5,), "uniform")

    def encode():
        outputs = model.encoder(real, training=True)
        if not model.stochastic_encoder:
            return outputs
        return outputs[:, :5] + tf.exp(outputs[:, 5:] / 2) * noise("code", (5,))

    def judge(images, codes):
        features = tf.nn.leaky_relu(model.discriminator(images, training=True), 0.2)
        return model.joint(tf.concat([features, codes], axis=1))[:, 0]

    codes, images = (tf.stop_gradient(x) for x in (encode(), model.generator(z, training=True)))

    def of_discriminator():
        return -tf.math.log_sigmoid(judge(real, codes)) - tf.math.log_sigmoid(-judge(images, z))

    def of_both():
        encoded, generated = judge(real, encode()), judge(model.generator(z, training=True), z)
        return -tf.math.log_sigmoid(generated) - tf.math.log_sigmoid(-encoded)

    yield "discriminator", of_discriminator
    yield "generator", of_both


TINY = {
    "image_shape": (16, 16, 1),
    "latent_dim": 5,
    "filters": 4,
    "kernel_size": 3,
    "joint_units": (6, 7),
    "dropout": 0,
    "input_dropout": 0,
}
COMMON = {
    "batch": tiny_images,
    "mechanism": "gan",
    "sample": lambda model, seed: model.generate(3, seed=seed),
    "falling": ("discriminator_loss",),
    "learners": ("discriminator",),
    "reference": reference,
    "litert_fixed": {"generate", "reconstruct"},
}
# DCGAN's generator; convolutions of two networks, of which six features, and five latents, are made;
# 6 + 5 -> 7 of two pieces -> 1 for the pair
PARAMETERS = (640 + 288 + 37 + 4 * 12) + 2 * (40 + 288 + 32) + (128 * 6 + 6) + (128 * 5 + 5) + (11 * 14 + 14 + 8)

ROWS = {
    "bigan": Row(
        **COMMON,
        arguments=TINY,
        parameters=PARAMETERS,
        verbs={
            "generate": Verb(lambda model, batch: model.generate(3, seed=0), (3, 16, 16, 1), (0, 1)),
            "encode": Verb(lambda model, batch: model.encode(batch["image"]), (8, 5)),
            "reconstruct": Verb(lambda model, batch: model.reconstruct(batch["image"]), (8, 16, 16, 1), (0, 1)),
            "discriminate": Verb(lambda model, batch: model.discriminate(batch["image"]), (8,), (0, 1)),
        },
        same=(
            (
                "discriminate",
                {"images": np.ones((2, 16, 16, 1), "float32"), "z": np.ones((2, 5), "float32")},
                lambda model: model.discriminate(np.ones((2, 16, 16, 1), "float32"), np.ones((2, 5))),
            ),
        ),
    ),
    "bigan@stochastic": Row(
        **COMMON,
        arguments={**TINY, "stochastic_encoder": True},
        parameters=PARAMETERS + (128 * 5 + 5),  # the log-variances
        verbs={"encode": Verb(lambda model, batch: model.encode(batch["image"]), (8, 5))},
    ),
}


def test_encoder_and_generator_fool_the_discriminator_together():
    """Their loss is the discriminator's with the sides of the two pairs exchanged (Donahue et al., section 3.4)."""
    model = compiled("bigan")
    batch = model.draw({"real": tf.constant(tiny_images()["image"] / 127.5 - 1, tf.float32)}, str)
    fake = model.fake(batch, training=False)
    encoded, generated = model._judge_both(batch, fake, training=False)
    expected = minimax_discriminator_loss(generated, encoded)
    np.testing.assert_allclose(model.generator_loss(batch, fake, training=False), expected, rtol=1e-6)


def test_the_discriminator_sees_image_and_code():
    model, images = new("bigan"), tiny_images()["image"]
    for variable in model.discriminator.trainable_variables:  # which begin so small that nothing shows
        variable.assign(20 * variable)
    judged = model.discriminate(images)
    np.testing.assert_allclose(judged, model.discriminate(images, model.encode(images)), rtol=1e-6)
    assert np.abs(judged - model.discriminate(images, np.ones((8, 5)))).max() > 1e-5
    assert np.ptp(model.discriminate(images, np.ones((8, 5)))) > 1e-5
    with pytest.raises(ConfigError, match="latents of shape"):
        model.discriminate(images, np.ones((8, 4)))
    with pytest.raises(ConfigError, match="as many rows"):
        model.discriminate(images, np.ones((7, 5)))


def test_a_stochastic_encoder_draws_around_its_mean():
    """Dumoulin et al., section 2.2: z = mu(x) + sigma(x) * epsilon."""
    model, rng = new("bigan@stochastic"), np.random.default_rng(0)
    images = np.repeat(tiny_images()["image"][:1] / 127.5 - 1, 4000, axis=0).astype("float32")
    model.encoder.layers[-1].bias.assign(np.r_[np.zeros(5), np.linspace(-2, 1, 5)])
    outputs = model.encoder(images[:1], training=False)[0].numpy()
    codes = model._codes(images, rng.standard_normal((4000, 5)).astype("float32"), training=False).numpy()
    np.testing.assert_allclose(codes.mean(axis=0), outputs[:5], atol=0.08)
    np.testing.assert_allclose(codes.std(axis=0), np.exp(outputs[5:] / 2), rtol=0.05)
    np.testing.assert_allclose(model.encode(tiny_images()["image"][:1])[0], outputs[:5], atol=1e-5)


def test_figures_compare_codes_and_reconstructions_with_labels():
    model, data, settings = new("bigan"), Data("digits", (16, 16, 1)), EvaluationConfig(num=100)
    labels = data.open("test").sample(100, seed=0)["label"]
    always_zero = SimpleNamespace(classify=lambda images: np.eye(10)[np.zeros(len(images), int)])
    figures = model.own_figures(data, settings, lambda: always_zero)
    assert figures["nearest_neighbour_accuracy"] > 0.5  # a random network keeps what is near
    for name in ("reconstructed_class_accuracy", "reconstructed_class_accuracy_real"):
        assert figures[name] == pytest.approx((labels == 0).mean())
