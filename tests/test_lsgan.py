"""Claims of Mao et al. 2017 on LSGAN: its losses, its targets, and gradients far from the data."""

import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.losses import least_squares_discriminator_loss, least_squares_generator_loss, minimax_discriminator_loss
from tests.zoo_rows import Row, Verb, tiny_images


def reference(model, batch, noise):
    """Equation 2 with (a, b, c) of the model, on one pass of the generator."""
    a, b, c = model.fake_target, model.real_target, model.generator_target
    real = tf.cast(batch["image"], tf.float32) / 127.5 - 1.0
    z = noise("latent", (model.latent_dim,), "uniform")
    fake = model.generator(z, training=True)

    def of_discriminator():
        judged = [model.discriminator(x, training=True)[:, 0] for x in (real, tf.stop_gradient(fake))]
        return ((judged[0] - b) ** 2 + (judged[1] - a) ** 2) / 2

    yield "discriminator", of_discriminator
    # The pass moves its moving averages once; the loss is of the same images.
    weights = [(v, v.numpy()) for v in model.generator.non_trainable_variables]

    def of_generator():
        judged = model.discriminator(model.generator(z, training=True), training=True)[:, 0]
        for variable, value in weights:
            variable.assign(value)
        return (judged - c) ** 2

    yield "generator", of_generator


ROWS = {
    "lsgan": Row(
        arguments={"image_shape": (16, 16, 1), "latent_dim": 5, "filters": 4, "kernel_size": 3},
        batch=tiny_images,
        # generator: 5 x 4 x 4 x 8, 3x3 kernels 8 -> 4 and 4 -> 1 with bias, batch normalisation of 8 and 4 channels;
        # discriminator: 3x3 kernels 1 -> 4 with bias and 4 -> 8, batch normalisation of 8, and 4 x 4 x 8 -> 1
        parameters=(640 + 288 + 37 + 4 * 12) + (40 + 288 + 32 + 129),
        verbs={
            "generate": Verb(lambda model, batch: model.generate(3, seed=0), (3, 16, 16, 1), (0, 1)),
            "discriminate": Verb(lambda model, batch: model.discriminate(batch["image"]), (8,)),
        },
        mechanism="gan",
        sample=lambda model, seed: model.generate(3, seed=seed),
        falling=("discriminator_loss",),
        learners=("discriminator",),
        reference=reference,
        litert_fixed={"generate"},
    ),
}


@pytest.mark.parametrize(("a", "b", "c"), [(-1.0, 1.0, 0.0), (0.0, 1.0, 1.0)])
def test_losses_are_squared_distances_to_the_targets(a, b, c):
    real, fake = tf.constant([[0.5], [2.0]]), tf.constant([[-3.0], [0.25]])
    expected = ((real[:, 0] - b) ** 2 + (fake[:, 0] - a) ** 2) / 2
    np.testing.assert_allclose(least_squares_discriminator_loss(real, fake, b, a), expected)
    np.testing.assert_allclose(least_squares_generator_loss(fake, c), (fake[:, 0] - c) ** 2)


def test_targets_are_arguments_and_are_kept():
    model = kerazoo.create("lsgan", image_shape=(16, 16, 1), filters=2, fake_target=-1, generator_target=0)
    assert (model.fake_target, model.real_target, model.generator_target) == (-1.0, 1.0, 0.0)
    assert model.get_config()["fake_target"] == -1.0


def test_scores_on_the_right_side_still_give_a_gradient():
    """Section 3.1: where sigmoid cross-entropy is saturated, the squared distance grows with the distance."""
    score = tf.Variable([[8.0]])
    with tf.GradientTape(persistent=True) as tape:
        squared = least_squares_generator_loss(score)
        saturated = minimax_discriminator_loss(score, tf.constant([[-8.0]]))
    assert tape.gradient(squared, score).numpy().item() == pytest.approx(14.0)
    assert abs(tape.gradient(saturated, score).numpy().item()) < 1e-3


def test_points_go_through_perceptrons():
    model = kerazoo.create("lsgan", num_features=2, latent_dim=3, generator_units=(8,), discriminator_units=(8,))
    assert model.count_params() == (4 * 8 + 9 * 2) + (3 * 8 + 9)
    model.compile(seed=0)
    model.fit("ring", batch_size=64, steps_per_epoch=2, verbose=0)
    assert model.generate(5, seed=0).shape == (5, 2)
    assert model.discriminate(model.generate(5, seed=0)).shape == (5,)
