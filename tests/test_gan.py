"""Claims of Goodfellow et al. 2014: the game of two networks, its best discriminator, its two losses and k steps."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.data import open_source
from kerazoo.losses import minimax_discriminator_loss, minimax_generator_loss, non_saturating_generator_loss
from kerazoo.networks.dense import build_maxout_network
from kerazoo.utils.errors import ConfigError
from tests.zoo_rows import Row, Verb, tiny_images, tiny_points


def reference(model, batch, noise):
    """Equation 1 for the discriminator, -log D(G(z)) for the generator, with dropout in both."""
    real = tf.cast(batch["image"], tf.float32) / 255.0
    z = noise("latent", (model.latent_dim,))

    def judged(images):
        return tf.sigmoid(model.discriminator(images, training=True)[:, 0])

    def of_discriminator():
        return -tf.math.log(judged(real)) - tf.math.log(1 - judged(tf.stop_gradient(model.generator(z))))

    yield "discriminator", of_discriminator
    yield "generator", lambda: -tf.math.log(judged(model.generator(z)))


ROWS = {
    "gan": Row(
        arguments={
            "image_shape": (16, 16, 1),
            "latent_dim": 5,
            "generator_units": (8,),
            "discriminator_units": (6, 5),
            "maxout_pieces": 2,
        },
        batch=tiny_images,
        # generator: 5 -> 8 -> 256; discriminator: 256 -> 6 and 6 -> 5 units of two pieces, 5 -> 1
        parameters=(48 + 9 * 256) + (257 * 12 + 7 * 10 + 6),
        verbs={
            "generate": Verb(lambda model, batch: model.generate(3, seed=0), (3, 16, 16, 1), (0, 1)),
            "discriminate": Verb(lambda model, batch: model.discriminate(batch["image"]), (8,), (0, 1)),
        },
        mechanism="gan",
        sample=lambda model, seed: model.generate(3, seed=seed),
        falling=("discriminator_loss",),
        learners=("discriminator",),
        reference=reference,
    ),
    "gan@points": Row(
        arguments={
            "num_features": 2,
            "latent_dim": 3,
            "generator_units": (8,),
            "discriminator_units": (8,),
            "maxout_pieces": 2,
            "dropout": 0.0,
            "input_dropout": 0.0,
            "generator_objective": "minimax",
            "discriminator_steps": 2,
        },
        batch=tiny_points,
        parameters=(4 * 8 + 9 * 2) + (3 * 16 + 9),  # 3 -> 8 -> 2; 2 -> 8 units of two pieces -> 1
        verbs={
            "generate": Verb(lambda model, batch: model.generate(3, seed=0), (3, 2)),
            "discriminate": Verb(lambda model, batch: model.discriminate(batch["points"]), (8,), (0, 1)),
        },
        mechanism="gan with several updates",
        represents=True,
        sample=lambda model, seed: model.generate(3, seed=seed),
        falling=("discriminator_loss",),
        learners=("discriminator",),
        source="ring",
    ),
}


def points(name="gan@points", **arguments):
    keras.utils.set_random_seed(0)
    return kerazoo.create("gan", **{**ROWS[name].arguments, **arguments})


def test_losses():
    logits = tf.constant([[0.0], [-4.0], [3.0]])
    judged = 1 / (1 + np.exp(-logits[:, 0]))
    np.testing.assert_allclose(minimax_generator_loss(logits), np.log(1 - judged), rtol=1e-5)
    np.testing.assert_allclose(non_saturating_generator_loss(logits), -np.log(judged), rtol=1e-5)
    # The game is of zero sum: what the generator minimises is its part of what the discriminator maximises.
    of_real = non_saturating_generator_loss(logits)
    both = minimax_discriminator_loss(logits, logits)
    np.testing.assert_allclose(both, of_real - minimax_generator_loss(logits), rtol=1e-5)


class TestNetworks:
    def test_maxout_by_hand(self):
        network = build_maxout_network(3, (4,), 1, 5, dropout=0.5, input_dropout=0.2)
        kernel, bias, last, last_bias = (v.numpy() for v in network.weights)
        x = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
        hidden = (x @ kernel + bias).reshape(6, 4, 5).max(axis=2)
        np.testing.assert_allclose(network(x), hidden @ last + last_bias, atol=1e-6)

    def test_paper_defaults(self):
        model = kerazoo.create("gan", image_shape=(8, 8, 1))
        assert model.generator_units == (1200, 1200)
        assert (model.discriminator_units, model.maxout_pieces) == ((240, 240), 5)
        assert (model.dropout, model.input_dropout) == (0.5, 0.2)
        assert (model.generator_objective, model.discriminator_steps) == ("non_saturating", 1)
        optimizers = model.default_optimizers().values()
        assert [(type(one), one.momentum) for one in optimizers] == [(keras.optimizers.SGD, 0.5)] * 2

    def test_generated_images_begin_at_the_mean_of_the_data(self):
        model, images = points("gan"), open_source("digits", image_shape=(16, 16, 1)).sample(200, seed=0)
        model.compile(seed=0)
        model.adapt(images)
        model.generator.layers[-1].kernel.assign(tf.zeros((8, 256)))
        mean = images["image"].mean(axis=0) / 255
        np.testing.assert_allclose(model.generate(2, seed=0)[1], mean.clip(1e-3, 1 - 1e-3), atol=1e-5)

    @pytest.mark.parametrize("arguments", [{}, {"image_shape": (16, 16, 1), "num_features": 2}])
    def test_images_or_points(self, arguments):
        with pytest.raises(ConfigError, match="one of image_shape and num_features"):
            kerazoo.create("gan", **arguments)


def test_k_updates_of_the_discriminator_for_one_of_the_generator():
    model = points(discriminator_steps=5)
    model.compile(seed=0)
    model.fit(tiny_points(20)["points"], batch_size=4, epochs=1, verbose=0)
    found = {role: int(optimizer.iterations.numpy()) for role, optimizer in model.optimizers.items()}
    assert found == {"discriminator": 5, "generator": 1}
