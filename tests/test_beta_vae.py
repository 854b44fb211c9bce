"""Beta-VAE: the weight of the KL, the capacity that rises, traversals, and what is measured where factors are known."""

import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.metrics import beta_vae_score, mutual_information_gap
from kerazoo.presets.config import EvaluationConfig
from kerazoo.tasks import Data
from kerazoo.utils.errors import ConfigError
from tests.zoo_rows import Row, Verb, new, tiny_images


def reference(model, batch, noise):
    """Cross-entropy with grey pixels, and a weighted KL."""
    x = tf.reshape(tf.cast(batch["image"], tf.float32) / 255, [-1, 256])
    eps = noise("train_posterior", (1, 3))[:, 0]

    def loss():
        mean, log_variance = tf.split(model.encoder(x), 2, axis=1)
        logits = tf.reshape(model.decoder(mean + tf.exp(log_variance / 2) * eps), [-1, 256])
        log_p = x * tf.math.log_sigmoid(logits) + (1 - x) * tf.math.log_sigmoid(-logits)
        kl = 0.5 * (mean**2 + tf.exp(log_variance) - log_variance - 1)
        return 2.0 * tf.reduce_sum(kl, axis=1) - tf.reduce_sum(log_p, axis=1)

    yield "beta_vae", loss


ROWS = {
    "beta_vae": Row(
        arguments={"image_shape": (16, 16, 1), "latent_dim": 3, "beta": 2.0, "filters": 4, "units": 8},
        batch=tiny_images,
        # 4x4 convolutions to 2x2x4, dense 16 -> 8 -> 8 -> 2 x 3; 3 -> 8 -> 8 -> 16, 3x3 convolutions to four times 4, 1
        parameters=(68 + 2 * 260 + 136 + 72 + 54) + (32 + 72 + 144 + 2 * 592 + 148),
        verbs={
            "generate": Verb(lambda model, batch: model.generate(3, seed=0), (3, 16, 16, 1), (0, 1)),
            "encode": Verb(lambda model, batch: model.encode(batch["image"])["mean"], (8, 3)),
            "reconstruct": Verb(lambda model, batch: model.reconstruct(batch["image"]), (8, 16, 16, 1), (0, 1)),
            "score": Verb(lambda model, batch: model.score(batch["image"]), (8,), (-np.inf, 0)),
        },
        mechanism="one loss",
        sample=lambda model, seed: model.generate(3, seed=seed),
        falling=("beta_vae_loss",),
        reference=reference,
    ),
}


def test_with_a_weight_of_one_the_loss_is_the_negative_bound():
    model, batch = new("beta_vae", beta=1.0), tiny_images()
    model.compile(seed=0)
    model.track = lambda **values: None
    bound, reconstruction, kl = model._bound(*model.draw(tf.constant(batch["image"]), "train"))
    np.testing.assert_allclose(model.objective(bound, reconstruction, kl), -bound, rtol=1e-5)


def test_the_capacity_rises_over_the_first_part_of_training():
    """Burgess et al. 2018, equation 8."""
    model = new("beta_vae", beta=10.0, capacity=8.0, capacity_ramp=0.5)
    model.compile(seed=0)
    model.plan_stage(100)
    for step, aim in ((0, 0.0), (25, 4.0), (50, 8.0), (90, 8.0)):
        model.step.assign(step)
        for kl in (3.0, 9.0):
            assert float(model.objective(None, 100.0, tf.constant(kl))) == pytest.approx(100 + 10 * abs(kl - aim))


def test_the_picture_sets_one_latent_at_a_time():
    model = new("beta_vae")
    images, columns = model.sample_grid(None, seed=0)
    assert (len(images), columns) == (3 * 9, 9)
    z = model.encode(model.generate(1, seed=0))["mean"]
    z[0, 1] = -2
    np.testing.assert_allclose(images[9], model.decode(z)[0], atol=1e-6)
    assert model.sample_grid(5, seed=0)[0].shape == (5, 16, 16, 1)


def test_disentanglement_is_measured_where_factors_are_known():
    model = kerazoo.create("beta_vae", filters=4, units=8)
    settings = EvaluationConfig(split="test", num=300)
    found = model.own_figures(Data("shapes", (32, 32, 3)), settings, None)
    rows = Data("shapes", (32, 32, 3)).open("test").sample(300, seed=0)
    factors = np.stack([rows[name] for name in ("shape", "colour", "scale", "angle", "row", "column")], axis=1)
    codes = model.encode(rows["image"])["mean"]
    assert found["beta_vae_score"] == beta_vae_score(codes, factors)
    assert found["mutual_information_gap"] == mutual_information_gap(codes, factors)
    assert kerazoo.create("vae", image_shape=(8, 8, 1)).own_figures(Data("digits"), settings, None) == {}


def test_two_latents_have_a_manifold():
    model = new("vae", latent_dim=2)
    grid = model.manifold(3)
    corner = model.decode([[-0.967422, 0.967422]])  # the middle of the lowest and of the highest third
    np.testing.assert_allclose(grid[0, 0], corner[0], atol=1e-5)
    np.testing.assert_allclose(grid[1, 1], model.decode([[0.0, 0.0]])[0], atol=1e-5)
    assert model.sample_grid(None, seed=0)[1] == 20
    with pytest.raises(ConfigError, match=r"^latent_dim = 3: the manifold of two latents can be shown$"):
        new("vae").manifold()


def test_sides_that_cannot_be_halved_are_one_line():
    with pytest.raises(ConfigError, match="sides that are multiples of 8 are expected"):
        kerazoo.create("beta_vae", image_shape=(28, 28, 1))
    assert type(new("beta_vae")).fitting_shape((37, 45, 3), {}) == (32, 32, 3)
