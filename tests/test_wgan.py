"""Claims of Arjovsky et al. 2017 on WGAN: its algorithm, its clipping, and a critic that measures the distance."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import spearmanr

import kerazoo
from kerazoo.metrics import wasserstein_1d
from tests.zoo_rows import Row, Verb, new, tiny_images

ROWS = {
    "wgan": Row(
        arguments={
            "image_shape": (16, 16, 1),
            "latent_dim": 5,
            "filters": 4,
            "kernel_size": 3,
            "n_critic": 2,
            "clip_value": 2.0,  # above all initial weights, which a rate of zero then leaves as they are
        },
        batch=tiny_images,
        # generator as DCGAN's; critic: 3x3 kernels 1 -> 4 with bias and 4 -> 8, batch normalisation of 8, and
        # 4 x 4 x 8 -> 1 without a bias
        parameters=(640 + 288 + 37 + 4 * 12) + (40 + 288 + 32 + 128),
        verbs={
            "generate": Verb(lambda model, batch: model.generate(3, seed=0), (3, 16, 16, 1), (0, 1)),
            "critic_values": Verb(lambda model, batch: model.critic_values(batch["image"]), (8,)),
        },
        mechanism="gan with several updates",
        sample=lambda model, seed: model.generate(3, seed=seed),
        falling=("critic_loss",),
        learners=("critic",),
        litert_fixed={"generate"},
    ),
}


def test_a_step_is_algorithm_1():
    """Two updates of the critic, each on half of the batch and followed by clipping, then one of the generator."""
    rate, bound, batch = 0.05, 0.01, tiny_images()
    model, twin = (new("wgan", clip_value=bound) for _ in range(2))
    for one in (model, twin):
        one.compile({role: keras.optimizers.SGD(rate) for role in one.roles}, seed=3)
    critic, generator = twin.critic, twin.generator
    real = tf.cast(batch["image"], tf.float32) / 127.5 - 1.0

    def descend(variables, loss):
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(loss())
        for variable, gradient in zip(variables, tape.gradient(value, variables), strict=True):
            variable.assign_sub(rate * tf.convert_to_tensor(gradient))
        return float(value)

    losses = []
    for k in range(2):
        x, fake = real[k::2], generator(twin.noise(4, (5,), stream=f"latent_{k}"), training=True)
        values = critic.trainable_variables
        losses.append(descend(values, lambda x=x, fake=fake: critic(fake, training=True) - critic(x, training=True)))
        for variable in values:
            variable.assign(np.clip(variable.numpy(), -bound, bound))
    z = twin.noise(4, (5,), stream="latent_generator")
    descend(generator.trainable_variables, lambda: -critic(generator(z, training=True), training=True))
    found = model.fit(batch, batch_size=4, shuffle=False, verbose=0).history
    assert found["critic_loss"][0] == pytest.approx(np.mean(losses), rel=1e-4)
    assert found["wasserstein"][0] == pytest.approx(-np.mean(losses), rel=1e-4)
    for a, b in zip(model.trainable_variables, twin.trainable_variables, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-5, err_msg=a.path)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_clipping_is_of_all_the_critic_s_weights_alone(precision):
    model = new("wgan", clip_value=0.003, dtype=precision)
    model.compile(seed=0)
    model.fit(tiny_images(), batch_size=4, verbose=0)
    largest = [np.abs(v.numpy()).max() for v in model.critic.trainable_variables]
    assert max(largest) == np.float32(0.003)
    assert (
        sum(value == np.float32(0.003) for value in largest) >= 4
    )  # three kernels and the scales of batch normalisation
    assert max(np.abs(v.numpy()).max() for v in model.generator.trainable_variables) > 0.003


def test_paper_defaults():
    model = kerazoo.create("wgan", num_features=2)
    assert (model.n_critic, model.clip_value) == (5, 0.01)
    for optimizer in model.default_optimizers().values():
        assert isinstance(optimizer, keras.optimizers.RMSprop)
        assert float(optimizer.learning_rate.numpy()) == pytest.approx(5e-5)


def test_the_critic_s_gap_ranks_with_the_distance():
    """Section 3: with bounded weights the game's value is the Wasserstein-1 distance times a constant."""
    keras.utils.set_random_seed(0)
    sizes = {"num_features": 1, "latent_dim": 1, "generator_units": (2,), "critic_units": (16, 16), "n_critic": 1}
    model = kerazoo.create("wgan", **sizes)
    model.compile({"critic": keras.optimizers.RMSprop(1e-3, epsilon=1e-16), "generator": keras.optimizers.SGD(0.0)})
    kernels, biases = (model.generator.weights[0::2], model.generator.weights[1::2])
    for kernel in kernels:
        kernel.assign(np.reshape([1.0, -1.0], kernel.shape))  # relu(z) - relu(-z) is z
    biases[0].assign([0.0, 0.0])
    real = np.random.default_rng(0).normal(size=(512, 1)).astype("float32")
    gaps, distances = [], []
    for shift in (0.5, -2.0, 4.0, -0.1, 1.0, 3.0, -0.25, -1.5):
        biases[1].assign([shift])  # the generator's Gaussian has mean `shift`
        model.fit(real, batch_size=256, epochs=60, verbose=0)
        fake = model.generate(512, seed=1)
        gaps.append(model.critic_values(real).mean() - model.critic_values(fake).mean())
        distances.append(wasserstein_1d(real, fake))
    assert min(gaps) > 0
    assert spearmanr(gaps, distances).statistic > 0.9
