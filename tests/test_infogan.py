"""Claims of Chen et al. 2016 on InfoGAN: the bound of mutual information, and codes that can be chosen and read."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import norm

import kerazoo
from kerazoo.losses import categorical_information, uniform_information
from kerazoo.presets.config import EvaluationConfig
from kerazoo.tasks import Data
from kerazoo.utils.errors import ConfigError, DataError
from tests.zoo_rows import Row, Verb, new, tiny_images


def reference(model, batch, noise):
    """Equation 6: the GAN's game, less lambda times the bound of equation 4, for both updates."""
    real = tf.cast(batch["image"], tf.float32) / 127.5 - 1.0
    category = tf.one_hot(noise("latent_1", (), "integers", maximum=3), 3)
    codes = noise("latent_2", (2,), "uniform")
    z = tf.concat([noise("latent_0", (5,), "uniform"), category, codes], axis=1)
    fake = tf.stop_gradient(model.generator(z, training=True))

    def judge(images):
        outputs = model.discriminator(images, training=True)
        logit, logits, mean, log_variance = outputs[:, 0], outputs[:, 1:4], outputs[:, 4:6], outputs[:, 6:8]
        log_q = tf.reduce_sum(category * tf.nn.log_softmax(logits), axis=1)
        gaussian = -((codes - mean) ** 2) / (2 * tf.exp(log_variance)) - log_variance / 2 - math.log(2 * math.pi) / 2
        bounds = math.log(3) + log_q, 2 * math.log(2) + tf.reduce_sum(gaussian, axis=1)
        return logit, model.categorical_weight * bounds[0] + model.continuous_weight * bounds[1]

    def of_discriminator():
        (on_real, _), (on_fake, bound) = judge(real), judge(fake)
        return -tf.math.log_sigmoid(on_real) - tf.math.log_sigmoid(-on_fake) - bound

    def of_generator():
        on_fake, bound = judge(model.generator(z, training=True))
        return -tf.math.log_sigmoid(on_fake) - bound

    yield "discriminator", of_discriminator
    yield "generator", of_generator


ROWS = {
    "infogan": Row(
        arguments={
            "image_shape": (16, 16, 1),
            "latent_dim": 5,
            "filters": 4,
            "kernel_size": 3,
            "num_categories": 3,
            "continuous_weight": 0.5,
            "code_units": 6,
        },
        batch=tiny_images,
        # DCGAN's generator of 5 + 3 + 2 latents and its discriminator; Q's six units, normalised, and 3 + 2 x 2 outputs
        parameters=(10 * 128 + 288 + 37 + 4 * 12) + (40 + 288 + 32 + 128 + 1) + (128 * 6 + 4 * 6 + 6 * 7 + 7),
        verbs={
            "generate": Verb(lambda model, batch: model.generate(3, seed=0), (3, 16, 16, 1), (0, 1)),
            "traverse": Verb(lambda model, batch: model.traverse(1, num_columns=2), (7, 2, 16, 16, 1), (0, 1)),
            "discriminate": Verb(lambda model, batch: model.discriminate(batch["image"]), (8,), (0, 1)),
            "probabilities": Verb(lambda m, batch: m.infer_codes(batch["image"])["probabilities"], (8, 3), (0, 1)),
            "means": Verb(lambda model, batch: model.infer_codes(batch["image"])["means"], (8, 2)),
        },
        mechanism="gan",
        sample=lambda model, seed: model.generate(3, seed=seed),
        falling=("discriminator_loss",),
        learners=("discriminator",),
        reference=reference,
        litert_fixed={"generate"},
    ),
}


def test_the_bound_of_a_category_is_its_information_where_q_is_the_posterior_and_less_elsewhere():
    """Equation 4 on a channel of three equally likely categories and four images, where all is a sum."""
    channel = np.random.default_rng(0).dirichlet(np.ones(4), 3)  # p(x | c)
    joint = channel / 3
    information = (joint * np.log(joint / (joint.sum(axis=0) / 3))).sum()
    categories, images = (index.ravel() for index in np.indices(joint.shape))

    def bound(q):
        each = categorical_information(np.eye(3, dtype="float32")[categories], np.log(q.T[images]).astype("float32"))
        return (joint.ravel() * each.numpy()).sum()

    posterior = joint / joint.sum(axis=0)
    assert bound(posterior) == pytest.approx(information, abs=1e-5)
    assert bound(posterior * [[1.0], [2.0], [0.5]]) < information - 0.01
    assert information < math.log(3)


def test_the_bound_of_continuous_codes_is_their_entropy_and_a_gaussian_density():
    rng = np.random.default_rng(0)
    codes, mean, log_variance = rng.standard_normal((3, 5, 2)).astype("float32")
    expected = (math.log(2) + norm.logpdf(codes, mean, np.exp(log_variance / 2))).sum(axis=1)
    np.testing.assert_allclose(uniform_information(codes, mean, log_variance), expected, rtol=1e-5)


def test_a_standard_deviation_that_is_given_leaves_squares_of_errors():
    """With sigma fixed, the bound of the continuous codes is a constant less the squared error over 2 sigma^2."""
    model = kerazoo.create("infogan", **ROWS["infogan"].arguments | {"code_std": 0.5})
    assert model.discriminator.output_shape == (None, 1 + 3 + 2)
    z = model.latent_prior.sample(4, seed=0)
    found = model.infer_codes(model.decode(z))
    np.testing.assert_allclose(found["log_variances"], np.full((4, 2), math.log(0.25)), rtol=1e-6)
    constant = 2 * (math.log(2) - math.log(2 * math.pi * 0.25) / 2)
    expected = constant - ((z[:, -2:] - found["means"]) ** 2).sum(axis=1) / (2 * 0.25)
    np.testing.assert_allclose(model._bounds(z)[1], expected, rtol=1e-4)


def test_one_code_is_varied_and_all_else_is_kept():
    model = new("infogan")
    z = model.latent_prior.sample(2, seed=4)
    by_category, by_code = model.traverse(0, num_columns=2, seed=4), model.traverse(2, [0.5], num_columns=2, seed=4)
    for category, images in enumerate(by_category):
        np.testing.assert_allclose(images, model.generate(2, categories=category, seed=4), atol=1e-6)
    codes = np.stack([z[:, 8], [0.5, 0.5]], axis=1)  # behind five numbers of noise and three categories
    np.testing.assert_allclose(by_code[0], model.generate(2, codes=codes, seed=4), atol=1e-6)
    images, columns = model.sample_grid(seed=4)
    assert (len(images), columns) == ((3 + 1 + 7 + 1 + 7) * 10, 10)
    assert len(model.sample_grid(40)[0]) == 19 * 2


def test_codes_that_there_are_not_are_one_line():
    model = new("infogan")
    with pytest.raises(DataError, match="label"):
        model.generate(2, categories=3)
    for arguments in ({"codes": [0.0]}, {"codes": np.zeros((3, 2))}, {"categories": [0]}):
        with pytest.raises(ConfigError):
            model.generate(2, **arguments)
    with pytest.raises(ConfigError, match="code = 3"):
        model.traverse(3)


def test_information_rises_in_training():
    """Figure 1: the bound goes towards the entropy of the code, log 3, of images that begin without any."""
    model = kerazoo.create("infogan", **ROWS["infogan"].arguments | {"code_units": 32})
    model.compile(seed=0)
    history = model.fit(tiny_images(64), batch_size=64, epochs=120, verbose=0).history["categorical_information"]
    assert history[0] < 0.1
    assert history[-1] > 0.5


def test_figures_are_those_of_chance_before_training():
    figures = new("infogan").own_figures(Data("digits", (16, 16, 1)), EvaluationConfig(num=200), None)
    assert figures["information_bound"] == pytest.approx(
        figures["categorical_information"] + figures["continuous_information"]
    )
    assert figures["categorical_information"] < 0.1
    assert 0.1 <= figures["category_accuracy"] < 0.4  # three categories of ten classes
    assert 0 <= figures["category_nmi"] < 0.4
