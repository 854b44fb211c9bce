"""The bounds of Kingma and Welling 2014 and Burda et al. 2016, against NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logsumexp
from scipy.stats import norm

import kerazoo
from kerazoo.losses import (
    bernoulli_log_likelihood,
    gaussian_kl,
    gaussian_log_density,
    importance_weighted_bound,
)
from tests.zoo_rows import Row, Verb, tiny_images

LATENTS = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")

ROWS = {
    "vae": Row(
        arguments={"image_shape": (16, 16, 1), "latent_dim": 3, "hidden_units": (7, 6)},
        batch=tiny_images,
        # 256 -> 7 -> 6 -> 2 x 3 and 3 -> 6 -> 7 -> 256, all with biases
        parameters=(1799 + 48 + 42) + (24 + 49 + 2048),
        verbs={
            "generate": Verb(lambda model, batch: model.generate(3, seed=0), (3, 16, 16, 1), (0, 1)),
            "encode": Verb(lambda model, batch: model.encode(batch["image"])["mean"], (8, 3)),
            "reconstruct": Verb(lambda model, batch: model.reconstruct(batch["image"]), (8, 16, 16, 1), (0, 1)),
            "traverse": Verb(lambda model, batch: model.traverse(batch["image"][0], 1), (7, 16, 16, 1), (0, 1)),
            "score": Verb(lambda model, batch: model.score(batch["image"]), (8,), (-np.inf, 0)),
        },
        sample=lambda model, seed: model.generate(3, seed=seed),
        falling=("vae_loss",),
        same=(("decode", {"z": LATENTS}, lambda model: model.decode(LATENTS)),),
        mechanism="one loss",
        represents=True,
    ),
}


TINY = ROWS["vae"].arguments
RNG = np.random.default_rng(0)


def tiny(**arguments):
    keras.utils.set_random_seed(0)
    return kerazoo.create("vae", **{**TINY, **arguments})


def test_gaussian_density_and_kl():
    mean, log_variance = RNG.normal(size=(2, 4, 3)).astype("float32")
    z = RNG.normal(size=(4, 3)).astype("float32")
    expected = norm.logpdf(z, mean, np.exp(log_variance / 2)).sum(axis=1)
    np.testing.assert_allclose(gaussian_log_density(z, mean, log_variance), expected, rtol=1e-5)
    draws = mean + np.exp(log_variance / 2) * RNG.normal(size=(200_000, 4, 3))
    sampled = norm.logpdf(draws, mean, np.exp(log_variance / 2)) - norm.logpdf(draws)
    np.testing.assert_allclose(gaussian_kl(mean, log_variance), sampled.sum(axis=2).mean(axis=0), rtol=0.02)


def test_bernoulli_likelihood_and_importance_weighted_bound():
    x = (RNG.random((4, 5)) < 0.5).astype("float32")
    logits = RNG.normal(size=(4, 5)).astype("float32")
    p = 1 / (1 + np.exp(-logits))
    expected = (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1)
    np.testing.assert_allclose(bernoulli_log_likelihood(x, logits), expected, rtol=1e-5)
    weights = RNG.normal(size=(4, 6)).astype("float32")
    expected = logsumexp(weights, axis=1) - np.log(6)
    np.testing.assert_allclose(importance_weighted_bound(tf.constant(weights)), expected, rtol=1e-5)


def test_score_is_the_bound_computed_by_hand():
    model = tiny()
    x = (RNG.random((4, 16, 16, 1)) < 0.5).astype("float32")
    rng = np.random.default_rng(3)
    rng.random((4, 256), "float32")  # the binarisation, which leaves binary images as they are
    eps = rng.standard_normal((4, 20, 3), "float32")
    posterior = model.encode(x)
    mean, std = posterior["mean"][:, None], np.exp(posterior["log_variance"][:, None] / 2)
    z = mean + std * eps
    p = model.decode(z.reshape(-1, 3)).reshape(4, 20, 256)
    flat = x.reshape(4, 1, 256)
    log_p = (flat * np.log(p) + (1 - flat) * np.log(1 - p)).sum(axis=2) + norm.logpdf(z).sum(axis=2)
    log_w = log_p - norm.logpdf(z, mean, std).sum(axis=2)
    expected = logsumexp(log_w, axis=1) - np.log(20)
    np.testing.assert_allclose(model.score(x, num_importance_samples=20, seed=3), expected, rtol=1e-4)
    np.testing.assert_allclose(model.score(x, num_importance_samples=20, seed=3, batch_size=3), expected, rtol=1e-4)


def test_the_bound_rises_with_the_number_of_samples():
    model = tiny()
    images = tiny_images(64)["image"]
    bounds = [model.score(images, num_importance_samples=k, seed=0).mean() for k in (1, 5, 50)]
    assert bounds[0] < bounds[1] < bounds[2]


def test_adapt_gives_the_output_the_log_odds_of_the_pixels():
    model = tiny()
    images = tiny_images(30)["image"]
    model.adapt({"image": images})
    expected = np.clip((images / 255).reshape(30, -1).mean(axis=0), 1e-3, 1 - 1e-3)
    bias = model.decoder.layers[-1].bias.numpy()
    np.testing.assert_allclose(1 / (1 + np.exp(-bias)), expected, rtol=1e-4)


def test_several_samples_train_by_the_tighter_bound():
    """From equal weights, the loss of 20 samples lies below that of one."""
    losses = {}
    for samples in (1, 20):
        model = tiny(num_importance_samples=samples)
        model.compile(seed=0)
        losses[samples] = model.fit(tiny_images(), batch_size=8, verbose=0).history["vae_loss"][0]
    assert losses[20] < losses[1]


@pytest.mark.parametrize("key", ["nll_500", "negative_elbo"])
def test_recorded_figures_meet_their_bars(key):
    assert kerazoo.info("vae_mnist")["metrics"][key] <= {"nll_500": 91, "negative_elbo": 108}[key]
