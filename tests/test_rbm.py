"""Restricted Boltzmann machines: energies and updates against NumPy, likelihoods against enumeration."""

import itertools

import keras
import numpy as np
import pytest
from scipy.special import expit, logsumexp

import kerazoo
from kerazoo.data import open_source
from kerazoo.layers.restricted_boltzmann import RestrictedBoltzmann, uniform_draws
from kerazoo.metrics import ais_log_partition, exact_log_partition
from kerazoo.utils.errors import ConfigError
from tests.zoo_rows import Row, Verb, tiny_images

BINARY = np.round(tiny_images()["image"] / np.float32(255))

ROWS = {
    "rbm": Row(
        arguments={"image_shape": (16, 16, 1), "hidden_units": 6, "num_gibbs_steps": 2, "num_chains": 5},
        batch=tiny_images,
        # the kernel, both sides' biases, and the log-odds of the pixels that annealed importance sampling starts from
        parameters=256 * 6 + 256 + 6 + 256,
        verbs={
            "generate": Verb(lambda model, batch: model.generate(3, num_gibbs_steps=4, seed=0), (3, 16, 16, 1), (0, 1)),
            "encode": Verb(lambda model, batch: model.encode(batch["image"]), (8, 6), (0, 1)),
            "reconstruct": Verb(lambda model, batch: model.reconstruct(batch["image"]), (8, 16, 16, 1), (0, 1)),
            "free_energy": Verb(lambda model, batch: model.free_energy(batch["image"]), (8,)),
            "score": Verb(lambda model, batch: model.score(batch["image"]), (8,), (-np.inf, 0)),
        },
        sample=lambda model, seed: model.generate(3, num_gibbs_steps=4, seed=seed),
        rising=("pseudo_likelihood",),
        same=(("free_energy", {"images": BINARY}, lambda model: model.free_energy(BINARY)),),
        mechanism="energy",
        represents=True,
    ),
}


RNG = np.random.default_rng(0)


def states(num):
    return np.array(list(itertools.product([0.0, 1.0], repeat=num)), "float32")


def tiny(hidden_units=3, image_shape=(2, 2, 1), scale=1.0, **arguments):
    """An RBM whose weights matter."""
    model = kerazoo.create("rbm", image_shape=image_shape, hidden_units=hidden_units, **arguments)
    rng = np.random.default_rng(1)
    for weight in model.rbm.weights:
        weight.assign(rng.normal(0, scale, weight.shape))
    return model


def weights(model):
    return [np.array(w.numpy(), "float64") for w in (model.rbm.kernel, model.rbm.visible_bias, model.rbm.hidden_bias)]


def test_energies_probabilities_and_pseudo_likelihood_equal_enumeration():
    layer = RestrictedBoltzmann(5, 3, "random_normal")
    for weight in layer.weights:
        weight.assign(RNG.normal(size=weight.shape))
    kernel, b, a = (w.numpy() for w in layer.weights)
    v, h = states(5), states(3)
    log_joint = (v @ b)[:, None] + (h @ a)[None] + v @ kernel @ h.T
    log_v = logsumexp(log_joint, axis=1)
    np.testing.assert_allclose(layer.free_energy(v), -log_v, rtol=1e-5)
    np.testing.assert_allclose(layer(v), np.exp(log_joint - log_v[:, None]) @ h, rtol=1e-4)
    np.testing.assert_allclose(
        expit(layer.visible_logits(h)), np.exp(log_joint - logsumexp(log_joint, axis=0)).T @ v, rtol=1e-4
    )
    estimates = [layer.pseudo_likelihood(v, layer.hidden_logits(v), np.full(32, i)).numpy() for i in range(5)]
    flipped = [[np.flatnonzero((v == np.abs(row - unit)).all(axis=1))[0] for unit in np.eye(5)] for row in v]
    expected = -np.logaddexp(0, log_v[np.array(flipped)] - log_v[:, None]).sum(axis=1)
    np.testing.assert_allclose(np.mean(estimates, axis=0), expected, rtol=1e-4)


def numpy_sweeps(model, h, draw, num_steps):
    kernel, b, a = weights(model)
    for step in range(num_steps):
        v = draw(f"visible_{step}", model.num_pixels).numpy() < 2 * expit(h @ kernel.T + b) - 1
        p = expit(v @ kernel + a)
        h = draw(f"hidden_{step}", model.hidden_units).numpy() < 2 * p - 1
    return v.astype(float), p, h.astype(float)


@pytest.mark.parametrize("persistent", [True, False])
def test_an_update_is_the_difference_of_the_statistics(persistent):
    model = tiny(scale=0.5, num_gibbs_steps=2, persistent=persistent, num_chains=5)
    model.compile({"rbm": keras.optimizers.SGD(0.1)}, seed=4)
    images = (RNG.random((6, 2, 2, 1)) < 0.5).astype("float32")
    v, chains = images.reshape(6, 4), np.zeros((5, 3))
    model.adapt({"image": images})
    for _ in range(2):
        before = weights(model)
        p = expit(v @ before[0] + before[2])
        start = chains if persistent else uniform_draws(model, 6, "train")("start", 3).numpy() < 2 * p - 1
        v_chain, p_chain, chains = numpy_sweeps(model, start, uniform_draws(model, len(start), "train"), 2)
        expected = [
            before[0] + 0.1 * (v.T @ p / 6 - v_chain.T @ p_chain / len(start)),
            before[1] + 0.1 * (v.mean(axis=0) - v_chain.mean(axis=0)),
            before[2] + 0.1 * (p.mean(axis=0) - p_chain.mean(axis=0)),
        ]
        model.fit(images, batch_size=6, shuffle=False, verbose=0)
        for found, value in zip(weights(model), expected, strict=True):
            np.testing.assert_allclose(found, value, atol=1e-6)
        if persistent:
            np.testing.assert_array_equal(np.asarray(model.state("chains")), chains)


def test_adapt_gives_the_visible_biases_the_log_odds_of_the_pixels():
    model = tiny()
    images = RNG.integers(0, 256, (50, 2, 2, 1), dtype=np.uint8)
    images[:, 0, 0] = 0
    model.adapt({"image": images})
    expected = np.clip((images / 255).reshape(50, 4).mean(axis=0), 1e-3, 1 - 1e-3)
    np.testing.assert_allclose(expit(model.rbm.visible_bias.numpy()), expected, rtol=1e-4)
    np.testing.assert_array_equal(model.base_visible_bias.numpy(), model.rbm.visible_bias.numpy())


def test_scores_are_normalised_and_samples_follow_them():
    model = tiny()
    images = states(4).reshape(16, 2, 2, 1)
    probabilities = np.exp(model.score(images))
    np.testing.assert_allclose(probabilities.sum(), 1, rtol=1e-5)
    np.testing.assert_allclose(model.score(images, log_partition=2.0), -model.free_energy(images) - 2, rtol=1e-5)
    marginals = np.tensordot(probabilities, images, 1)
    samples = model.generate(4000, num_gibbs_steps=30, seed=0)
    np.testing.assert_allclose(samples.mean(axis=0), marginals, atol=0.02)
    first = model.generate(4000, num_gibbs_steps=1, seed=0)  # all hidden units off
    np.testing.assert_allclose(first[0].ravel(), expit(weights(model)[1]), rtol=1e-5)


def test_log_partition_follows_the_weights():
    model = tiny()
    exact = model.log_partition()
    assert exact.lower == exact.estimate == exact.upper == exact_log_partition(*weights(model))
    model.rbm.kernel.assign(model.rbm.kernel * 2.0)
    assert model.log_partition().estimate == exact_log_partition(*weights(model)) != exact.estimate
    ais = model.log_partition(method="ais", num_chains=50, num_temperatures=300)
    assert abs(ais.estimate - model.log_partition().estimate) < 0.1
    assert model.log_partition(method="ais", num_chains=50, num_temperatures=300) is ais
    with pytest.raises(ConfigError, match="'exact'"):
        model.log_partition(method="guess")


use_trained = pytest.mark.xdist_group("trained_rbms")  # once, in one process


@pytest.fixture(scope="module")
def trained():
    """Small RBMs trained on digits by PCD with three seeds, and by CD-1: (persistent, seed) -> model."""
    source = open_source("digits")
    models = {}
    for persistent, seed in [(True, 0), (True, 1), (True, 2), (False, 0)]:
        keras.utils.set_random_seed(seed)
        model = kerazoo.create("rbm", image_shape=(8, 8, 1), hidden_units=14, persistent=persistent, num_chains=50)
        model.adapt(source.arrays)
        model.compile(seed=seed)
        model.fit(source, batch_size=50, epochs=30, verbose=0)
        models[persistent, seed] = model
    return models


@use_trained
@pytest.mark.parametrize("seed", range(3))
def test_ais_of_trained_models_is_within_a_tenth_of_a_nat(trained, seed):
    model = trained[True, seed]
    exact = model.log_partition().estimate
    ais = ais_log_partition(
        *weights(model), num_temperatures=2000, base_visible_bias=model.base_visible_bias.numpy(), seed=seed
    )
    assert abs(ais.estimate - exact) < 0.1
    assert ais.lower - 0.01 <= exact <= ais.upper + 0.01


@use_trained
def test_training_raises_the_likelihood(trained):
    images = open_source("digits", split="test").arrays["image"]
    fresh = kerazoo.create("rbm", image_shape=(8, 8, 1), hidden_units=14)
    fresh.adapt(open_source("digits").arrays)
    independent = fresh.score(images).mean()
    for model in trained.values():
        assert model.score(images).mean() > independent + 1


def test_recorded_figures_meet_their_bars():
    metrics = kerazoo.info("rbm_mnist")["metrics"]
    assert metrics["num_images"] == 10_000
    assert metrics["log_likelihood"] > -100
    assert metrics["log_likelihood_upper"] - metrics["log_likelihood_lower"] < 2
    assert abs(metrics["log_likelihood"] - metrics["log_likelihood_twice_the_temperatures"]) < 1
