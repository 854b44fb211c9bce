"""Glow's parts: actnorm's first values, 1x1 convolutions by their LU decomposition, temperature, walks."""

import functools

import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.layers.bijections import ActNorm, Invertible1x1
from kerazoo.utils.errors import ConfigError
from tests.test_real_nvp import IMAGES, MARGIN, disturbed, logits_of, reference, verbs
from tests.zoo_rows import Row, new, published, tiny_images

ROWS = {
    "glow": Row(
        arguments={"image_shape": (8, 8, 1), "num_steps": 1, "filters": 4, "logit_margin": MARGIN},
        batch=functools.partial(tiny_images, size=8),
        # A step of 4 channels, then one of 8: actnorm; P, L, U, signs and log-scales; 3x3, 1x1 and 3x3 convolutions.
        parameters=(8 + 56 + 76 + 20 + 148) + (16 + 208 + 296 + 72 + 584),
        verbs=verbs((8, 8, 1), "image", (0, 1)),
        mechanism="one loss",
        sample=lambda model, seed: model.generate(3, seed=seed),
        falling=("flow_loss", "bits_per_dimension"),
        reference=functools.partial(reference, logits_of),
    ),
}


def test_the_first_examples_leave_every_actnorm_with_zero_mean_and_unit_variance():
    model = new("glow", num_steps=2)
    rng = np.random.default_rng(0)
    model.adapt({"image": rng.integers(0, 200, (256, 8, 8, 1)).astype("uint8")})
    images = rng.integers(0, 200, (4096, 8, 8, 1)).astype("uint8")
    x = model.preparation.to_flow(tf.constant(images), rng.random(images.shape, "float32"))[0]
    seen = 0
    for part in [*model.flow.parts[:-1], tf.identity, *model.flow.parts[-1].deeper.parts[:-1]]:
        x = tf.split(x, 2, axis=-1)[1] if part is tf.identity else part(x)[0]
        if isinstance(part, ActNorm):
            seen += 1
            np.testing.assert_allclose(tf.reduce_mean(x, axis=[0, 1, 2]), 0, atol=0.15)
            np.testing.assert_allclose(tf.math.reduce_std(x, axis=[0, 1, 2]), 1, atol=0.15)
    assert seen == 4


def test_fit_adapts_once():
    model = new("glow")
    assert not np.any(model.flow.parts[1].bias.numpy())
    model.compile(seed=0)
    model.fit(tiny_images(8, size=8), batch_size=8, verbose=0)
    assert np.any(model.flow.parts[1].bias.numpy())


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 12])
def test_a_1x1_convolution_is_a_rotation_at_first_and_has_an_inverse(channels):
    layer = Invertible1x1((2, 3, channels))
    x = np.random.default_rng(0).normal(size=(5, 2, 3, channels)).astype("float32")
    y, log_det = layer(tf.constant(x))
    np.testing.assert_allclose(np.linalg.norm(y, axis=-1), np.linalg.norm(x, axis=-1), rtol=1e-5)
    np.testing.assert_allclose(log_det, np.zeros(5), atol=1e-5)
    rng = np.random.default_rng(1)
    for variable in layer.trainable_variables:
        variable.assign_add(rng.normal(scale=0.1, size=variable.shape))
    y, log_det = layer(tf.constant(x))
    kernel = layer(tf.eye(channels)[:, None, None] * tf.ones((1, 2, 3, 1)))[0][:, 0, 0]
    np.testing.assert_allclose(y, x @ kernel.numpy(), atol=1e-5)
    np.testing.assert_allclose(log_det, np.full(5, 6 * np.linalg.slogdet(kernel)[1]), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.inverse(y), x, atol=1e-5)


def test_temperature_is_the_standard_deviation_of_the_latents():
    model = disturbed("glow")
    z = model.latent_prior.sample(5, seed=3)
    np.testing.assert_array_equal(model.generate(5, seed=3), model.decode(z))
    np.testing.assert_allclose(model.generate(5, seed=3, temperature=0.5), model.decode(z / 2), atol=1e-6)
    np.testing.assert_allclose(model.generate(2, temperature=0), model.decode(np.zeros((2, 64))), atol=1e-6)
    with pytest.raises(ConfigError, match=r"^temperature = -1: a number of at least 0 is expected$"):
        model.generate(2, temperature=-1)


def test_a_walk_leads_from_one_image_to_the_other():
    model = disturbed("glow")
    walk = model.interpolate(5, latents=model.encode(IMAGES[:2]))
    np.testing.assert_allclose(walk[0, [0, -1]], IMAGES[:2] / 255, atol=1e-4)
    assert np.abs(walk[0, 2] - IMAGES[0] / 255).max() > 0.01


def test_images_that_cannot_be_halved_are_one_line():
    with pytest.raises(ConfigError, match=r"^Glow: images of 28x28 pixels cannot be halved num_scales = 3 times"):
        kerazoo.create("glow", num_scales=3)


@pytest.mark.skipif(not {"glow_mnist", "real_nvp_mnist"} <= set(published()), reason="not trained yet")
def test_glow_needs_no_more_bits_than_real_nvp():
    bits = {name: kerazoo.info(f"{name}_mnist")["metrics"]["bits_per_dimension"] for name in ("glow", "real_nvp")}
    assert 0.5 < bits["glow"] <= bits["real_nvp"]
