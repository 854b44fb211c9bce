"""RealNVP and the family of flows: the likelihood against autodiff's Jacobian, the way back, and what is one line."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logit
from scipy.stats import norm

import kerazoo
from kerazoo.data import open_source
from kerazoo.layers.partitions import Checkerboard, Halves
from kerazoo.models.flows._flow import DequantisedPixels
from kerazoo.utils.errors import ConfigError, DataError
from tests.zoo_rows import Row, Verb, all_rows, new, published, tiny_images

MARGIN = 0.05


def tiny_points(num=8):
    """Points on two arcs."""
    return {"points": open_source("moons", limit=num).arrays["points"]}


def logits_of(batch, noise):
    """Levels of 8 bits, and how the flow's inputs come of them."""
    shape = tuple(batch["image"].shape[1:])
    levels = tf.cast(batch["image"], tf.float32) + noise("train_dequantise", shape, "unit")

    def to_flow(levels):
        p = MARGIN + (1 - 2 * MARGIN) * levels / 256
        return tf.math.log(p / (1 - p))

    return levels, to_flow


def points_of(batch, noise):
    return batch["points"], tf.identity


def reference(prepared, model, batch, noise):
    """-log of the standard normal density of the latents, times |det| of the Jacobian as autodiff finds it."""

    def loss():
        values, to_flow = prepared(batch, noise)
        with tf.GradientTape() as tape:
            tape.watch(values)
            z, _ = model.flow(to_flow(values))
        rows, size = z.shape
        jacobian = tf.reshape(tape.batch_jacobian(z, values), [rows, size, size])
        log_normal = -0.5 * tf.reduce_sum(tf.square(z) + np.log(2 * np.pi), axis=1)
        return -log_normal - tf.linalg.slogdet(jacobian)[1]

    yield "flow", loss


def verbs(shape, key, limits=(-np.inf, np.inf)):
    """The rows of the verbs of a flow of examples of a shape."""
    size = int(np.prod(shape))
    return {
        "generate": Verb(lambda model, batch: model.generate(3, seed=0), (3, *shape), limits),
        "encode": Verb(lambda model, batch: model.encode(batch[key]), (8, size)),
        "decode": Verb(lambda model, batch: model.decode(model.encode(batch[key])), (8, *shape), limits),
        "score": Verb(lambda model, batch: model.score(batch[key]), (8,)),
    }


IMAGES, NOISE = tiny_images(4, size=8)["image"], np.random.default_rng(0).random((4, 8, 8, 1), "float32")

ROWS = {
    "real_nvp": Row(
        arguments={"image_shape": (8, 8, 1), "filters": 4, "logit_margin": MARGIN},
        batch=functools.partial(tiny_images, size=8),
        # Six couplings of two channels: 3x3 to 4 filters, two 3x3 within, 1x1 to scale and shift, the tanh's factors.
        # Four of the last scale: four channels, 8 filters.
        parameters=6 * (76 + 2 * 148 + 20 + 2) + 4 * (296 + 2 * 584 + 72 + 4),
        verbs=verbs((8, 8, 1), "image", (0, 1)),
        mechanism="one loss",
        sample=lambda model, seed: model.generate(3, seed=seed),
        falling=("flow_loss", "bits_per_dimension"),
        reference=functools.partial(reference, logits_of),
        same=(
            (
                "score",
                {"images": IMAGES / np.float32(255), "noise": np.random.default_rng(0).random((4, 8, 8, 1), "float32")},
                lambda model: model.score(IMAGES, seed=0),
            ),
        ),
    ),
    "real_nvp@points": Row(
        arguments={"num_features": 2, "num_couplings": 4, "hidden_units": (8,)},
        batch=tiny_points,
        # 1 -> 8 -> a scale and a shift, and the tanh's factor
        parameters=4 * (16 + 18 + 1),
        verbs=verbs((2,), "points"),
        mechanism="one loss",
        sample=lambda model, seed: model.generate(3, seed=seed),
        falling=("flow_loss",),
        source="moons",
        reference=functools.partial(reference, points_of),
    ),
}


def disturbed(name, scale=0.1, **arguments):
    """A row's model with noise on what it learns: fresh, every coupling of a flow is simple."""
    model, rng = new(name, **arguments), np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign_add(rng.normal(scale=scale, size=variable.shape))
    return model


@pytest.mark.parametrize("name", ["real_nvp", "real_nvp@points", "glow"])
def test_the_inverse_gives_the_examples_back(name):
    model, batch = disturbed(name), all_rows()[name].batch()
    examples = batch[model.batch_key]
    np.testing.assert_allclose(model.decode(model.encode(examples)), model.space.as_float(examples), atol=1e-4)


@pytest.mark.parametrize("name", ["real_nvp", "real_nvp@points", "glow"])
def test_the_log_determinant_is_that_of_autodiffs_jacobian(name):
    model = disturbed(name)
    z = np.random.default_rng(2).normal(size=(3, model.latent_dim)).astype("float32")
    x = tf.constant(model.flow.inverse(z))
    with tf.GradientTape() as tape:
        tape.watch(x)
        found, log_det = model.flow(x)
    jacobian = tf.reshape(tape.batch_jacobian(found, x), [3, model.latent_dim, model.latent_dim])
    np.testing.assert_allclose(found, z, atol=1e-4)
    assert np.abs(log_det).min() > 0.01
    np.testing.assert_allclose(log_det, tf.linalg.slogdet(jacobian)[1], atol=1e-4)


def test_the_density_of_points_integrates_to_one():
    model = disturbed("real_nvp@points", 0.2)
    axis = np.linspace(-30, 30, 1201, dtype="float32")
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    nats = model.score(points, batch_size=200_000).astype("float64")
    assert np.exp(nats).sum() * (axis[1] - axis[0]) ** 2 == pytest.approx(1, abs=1e-3)
    assert np.abs(nats - norm.logpdf(points).sum(axis=1)).max() > 1  # it is not the fresh model's


def test_fresh_couplings_change_nothing_and_the_score_is_a_normal_density():
    points = tiny_points()["points"]
    model = kerazoo.create("real_nvp", num_features=2)
    np.testing.assert_allclose(model.encode(points), points, atol=1e-6)
    np.testing.assert_allclose(model.score(points), norm.logpdf(points).sum(axis=1), rtol=1e-5)


def test_the_score_of_images_is_their_log_probability_in_nats():
    """Of a fresh model by hand: normal logits, times the slope of the logit, times 1 / 256 a pixel."""
    model = kerazoo.create("real_nvp", image_shape=(8, 8, 1), logit_margin=0.1)
    y = (IMAGES.astype("float64") + np.random.default_rng(3).random(IMAGES.shape, "float32")) / 256
    p = 0.1 + 0.8 * y
    expected = norm.logpdf(logit(p)) + np.log(0.8 / (p * (1 - p))) - np.log(256)
    np.testing.assert_allclose(model.score(IMAGES, seed=3), expected.sum(axis=(1, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(model.score(IMAGES / 255.0, seed=3), expected.sum(axis=(1, 2, 3)), rtol=1e-5)


def test_the_probabilities_of_a_pixels_levels_add_up():
    """To the normal distribution's mass between the logits of black and white."""
    levels = np.arange(256, dtype="uint8")[:, None, None, None]
    places = (np.arange(64, dtype="float32") + 0.5) / 64
    pixels = DequantisedPixels((1, 1, 1), MARGIN)
    x, log_jacobian = pixels.to_flow(tf.constant(levels), tf.constant(places[:, None, None, None, None]))
    x, log_jacobian = x.numpy()[..., 0, 0, 0], tf.math.log(1 / 256 * 0.9 / (tf.sigmoid(x) * (1 - tf.sigmoid(x))))
    total = (norm.pdf(x) * np.exp(log_jacobian.numpy()[..., 0, 0, 0])).sum(axis=1).mean()
    assert total == pytest.approx(norm.cdf(logit(0.95)) - norm.cdf(logit(0.05)), abs=1e-4)


def test_colours_of_a_checkerboard():
    x = np.arange(2 * 6 * 4 * 3, dtype="float32").reshape(2, 6, 4, 3)
    colour = np.add.outer(np.arange(6), np.arange(4)) % 2
    for swapped in (False, True):
        board = Checkerboard(swapped)
        kept, changed = board.split(tf.constant(x))
        assert set(np.ravel(kept)) == set(np.ravel(x[:, colour == int(swapped)]))
        assert kept.shape[1:] == board.shapes((6, 4, 3))[0]
        np.testing.assert_array_equal(board.join(kept, changed), x)
        moved = board.join(kept, changed + 1000)
        np.testing.assert_array_equal(moved - x, np.broadcast_to(1000 * (colour != swapped)[..., None], x.shape))


@pytest.mark.parametrize("swapped", [False, True])
def test_halves_of_an_odd_number(swapped):
    x, halves = np.arange(10, dtype="float32").reshape(2, 5), Halves(swapped)
    kept, changed = halves.split(tf.constant(x))
    assert [part.shape[1:] for part in (kept, changed)] == list(halves.shapes((5,)))
    np.testing.assert_array_equal(halves.join(kept, changed), x)


def test_every_latent_depends_on_every_pixel():
    model = disturbed("real_nvp", 0.3)
    x = tf.constant(np.random.default_rng(0).normal(size=(1, 8, 8, 1)), "float32")
    with tf.GradientTape() as tape:
        tape.watch(x)
        z, _ = model.flow(x)
    jacobian = tape.jacobian(z, x).numpy().reshape(64, 64)
    assert ((jacobian != 0).sum(axis=1) > 60).mean() > 0.4  # those of the first scale see a part of the image


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "RealNVP: one of image_shape and num_features (for points) is expected, not None and None"),
        (
            {"image_shape": (14, 14, 1)},
            "RealNVP: images of 14x14 pixels cannot be halved num_scales = 2 times: sides that are multiples of 4 are "
            "expected",
        ),
        ({"num_features": 1}, "RealNVP: num_features = 1: input should be greater than or equal to 2"),
    ],
)
def test_impossible_arguments_are_one_line(arguments, message):
    with pytest.raises(ConfigError) as error:
        kerazoo.create("real_nvp", **arguments)
    assert str(error.value) == message


def test_images_of_another_range_are_one_line():
    model = kerazoo.create("real_nvp", image_shape=(8, 8, 1))
    with pytest.raises(DataError, match="image"):
        model.score(np.full((1, 8, 8, 1), 2.0))


def test_the_size_that_fits_data_can_be_halved():
    cls = type(kerazoo.create("real_nvp", num_features=2))
    assert cls.fitting_shape((30, 33, 3), {}) == (28, 28, 3)
    assert cls.fitting_shape((32, 32, 3), {"num_scales": 3}) == (32, 32, 3)
    assert cls.fitting_shape((500, 400, 1), {}) == (64, 64, 1)


@pytest.mark.skipif("real_nvp_mnist" not in published(), reason="not trained yet")
def test_digits_need_few_bits():
    metrics = kerazoo.info("real_nvp_mnist")["metrics"]
    assert 0.5 < metrics["bits_per_dimension"] <= 1.6 < metrics["bits_per_dimension_pixels"]


@pytest.mark.skipif("real_nvp_moons" not in published(), reason="not trained yet")
def test_moons_are_as_likely_as_under_a_kernel_density_estimate():
    metrics = kerazoo.info("real_nvp_moons")["metrics"]
    assert metrics["nats"] <= metrics["nats_kernel_density"] + 0.05
