"""The conditional VAE of Sohn et al. 2015: its bound by hand, completions, and nearest neighbours beside it."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit, logsumexp
from scipy.stats import norm

import kerazoo
from kerazoo.base.priors import Normal
from kerazoo.metrics import neighbour_completion_nats
from kerazoo.presets.config import EvaluationConfig
from kerazoo.tasks import Data, task_module
from kerazoo.utils.errors import ConfigError, DataError
from tests.zoo_rows import Row, Verb, new, published, tiny_images

IMAGES = tiny_images(4)["image"] / np.float32(255)
MASK = np.random.default_rng(0).random((4, 16, 16)) < 0.5


def lower_left(model):
    return model.quadrants(1)


ROWS = {
    "conditional_vae": Row(
        arguments={"image_shape": (16, 16, 1), "latent_dim": 3, "hidden_units": (7,)},
        batch=tiny_images,
        # 256 -> 7 -> 2 x 3 of the prior, 512 -> 7 -> 2 x 3 of the recognition, 3 + 256 -> 7 -> 256
        parameters=(1799 + 48) + (3591 + 48) + (1820 + 2048),
        verbs={
            "complete": Verb(lambda m, batch: m.complete(batch["image"], lower_left(m)), (8, 16, 16, 1), (0, 1)),
            "score": Verb(lambda m, batch: m.score(batch["image"], lower_left(m)), (8,), (-np.inf, 0)),
        },
        mechanism="one loss",
        falling=("conditional_vae_loss",),
        same=(
            (
                "complete",
                {
                    "images": IMAGES,
                    "mask": MASK[..., None].astype("float32"),
                    "z": Normal(3).sample_with(np.random.default_rng(0), 4),
                },
                lambda model: model.complete(IMAGES, MASK, seed=0),
            ),
        ),
    ),
}


def test_the_score_is_the_conditional_bound_by_hand():
    """p(y, z | x) / q(z | x, y) of draws from q, over the missing pixels alone, with the prior's own mean."""
    model = new("conditional_vae")
    binary = (np.random.default_rng(1).random((4, 256)) < 0.5).astype("float32")
    rng = np.random.default_rng(5)
    rng.random((4, 256), "float32")  # the binarisation, which leaves binary images as they are
    eps = rng.standard_normal((4, 20, 3), "float32")
    mask = MASK.reshape(4, 256)
    given = mask * (2 * binary - 1)
    prior = np.split(model.prior_network(given).numpy()[:, None], 2, axis=-1)
    both = np.concatenate([2 * binary - 1, given], axis=1)
    mean, log_variance = np.split(model.recognition(both).numpy()[:, None], 2, axis=-1)
    z = mean + np.exp(log_variance / 2) * eps
    inputs = np.concatenate([z, np.repeat(given[:, None], 20, axis=1)], axis=-1)
    p = expit(model.decoder(inputs.reshape(80, -1).astype("float32")).numpy()).reshape(4, 20, 256)
    log_p = np.where(binary[:, None] > 0, np.log(p), np.log(1 - p)) * ~mask[:, None]
    log_w = log_p.sum(axis=2) + norm.logpdf(z, prior[0], np.exp(prior[1] / 2)).sum(axis=2)
    log_w -= norm.logpdf(z, mean, np.exp(log_variance / 2)).sum(axis=2)
    found = model.score(binary.reshape(4, 16, 16, 1), MASK, num_importance_samples=20, seed=5)
    np.testing.assert_allclose(found, logsumexp(log_w, axis=1) - np.log(20), rtol=1e-4)


def test_completions_keep_what_is_given_and_do_not_look_at_the_rest():
    model = new("conditional_vae")
    found = model.complete(IMAGES, MASK, seed=0)
    np.testing.assert_array_equal(found[MASK], IMAGES[MASK])
    other = np.where(MASK[..., None], IMAGES, 1 - IMAGES)
    np.testing.assert_array_equal(model.complete(other, MASK, seed=0), found)
    assert np.abs(model.complete(IMAGES, MASK, seed=1) - found).max() > 0


def test_in_training_one_two_or_three_quadrants_are_given():
    model = new("conditional_vae")
    model.compile(seed=0)
    x, _ = model.draw(tf.zeros((600, 16, 16, 1)), "train")
    masks = x.numpy()[:, 256:].reshape(600, 16, 16)
    assert ((masks == 0) | (masks == 1)).all()
    quadrants = np.stack([masks[:, 0, 0], masks[:, 0, -1], masks[:, -1, 0], masks[:, -1, -1]], axis=1)
    assert (quadrants.sum(axis=1) * 64 == masks.sum(axis=(1, 2))).all()
    counts = np.bincount(quadrants.sum(axis=1).astype(int), minlength=5)
    assert counts[[0, 4]].tolist() == [0, 0]
    assert counts[1:4].min() > 160
    assert quadrants.mean(axis=0) == pytest.approx(np.full(4, 0.5), abs=0.08)


def test_quadrants_are_given_from_the_lower_left_on():
    model = kerazoo.create("conditional_vae", image_shape=(4, 6, 3))
    corners = [(-1, 0), (0, 0), (-1, -1), (0, -1)]
    for number in range(5):
        mask = model.quadrants(number)
        assert mask.sum() == 6 * number
        assert [bool(mask[corner]) for corner in corners] == [i < number for i in range(4)]


@pytest.mark.parametrize("mask", [np.ones((16, 15)), np.ones((3, 16, 16)), np.full((16, 16), 0.5)])
def test_impossible_masks_are_one_line(mask):
    with pytest.raises(DataError, match=r"^mask of shape .*: 0 and 1, or booleans, of shape \(16, 16\) or \(4, 16, 16"):
        new("conditional_vae").complete(IMAGES, mask)


def test_the_task_measures_and_draws(tmp_path):
    model, data = kerazoo.create("conditional_vae", image_shape=(8, 8, 1), hidden_units=(5,)), Data("digits", (8, 8, 1))
    task = task_module(model.task)
    found = task.evaluate(model, data, EvaluationConfig(num=20))
    assert set(task.HEADLINES) <= set(found)
    # A fresh model says little; neighbours know more, and more of it the more is given.
    assert found["nearest_neighbours_3"] < found["nearest_neighbours_2"] < found["nearest_neighbours_1"]
    assert found["nearest_neighbours_1"] < found["negative_cll_1"]
    (file,) = task.sample(model, tmp_path / "picture", num=3, data=data)
    assert file.exists()


def test_nearest_neighbours_by_what_is_given():
    rng = np.random.default_rng(0)
    train, test = rng.random((40, 6)), (rng.random((7, 6)) < 0.5).astype(float)
    given = np.array([1, 0, 1, 1, 0, 0], bool)
    expected = []
    for row in test:
        nearest = np.argsort(((train[:, given] - row[given]) ** 2).sum(axis=1))[:3]
        p = (train[nearest][:, ~given].sum(axis=0) + 0.5) / 4
        expected.append(-np.log(np.where(row[~given] > 0, p, 1 - p)).sum())
    np.testing.assert_allclose(neighbour_completion_nats(train, test, given, num_neighbours=3), expected)
    found = neighbour_completion_nats(train, test, given)
    assert any(np.allclose(found, neighbour_completion_nats(train, test, given, num_neighbours=n)) for n in (5, 10, 20))
    with pytest.raises(DataError, match="given must say which of 6 pixels are known"):
        neighbour_completion_nats(train, test, given[:5])
    with pytest.raises(ConfigError, match="num_neighbours = 0"):
        neighbour_completion_nats(train, test, given, num_neighbours=0)


@pytest.mark.skipif("conditional_vae_mnist" not in published(), reason="not trained yet")
def test_completions_are_likelier_than_under_nearest_neighbours():
    metrics = kerazoo.info("conditional_vae_mnist")["metrics"]
    assert metrics["negative_cll_1"] <= metrics["nearest_neighbours_1"] - 15
