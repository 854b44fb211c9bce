"""Claims of Li et al. 2017 on MMD GAN: algorithm 1, its clipping, and the reduction of the feasible set."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from tests.zoo_rows import Row, Verb, new, tiny_images

ROWS = {
    "mmd_gan": Row(
        arguments={
            "image_shape": (16, 16, 1),
            "latent_dim": 5,
            "code_dim": 3,
            "filters": 4,
            "kernel_size": 3,
            "n_critic": 2,
            "clip_value": 2.0,  # above all initial weights, which a rate of zero then leaves as they are
        },
        batch=tiny_images,
        # generator as DCGAN's; encoder: 3x3 kernels 1 -> 4 with bias and 4 -> 8, batch normalisation of 8, and
        # 4 x 4 x 8 -> 3; a decoder like the generator, of 3 numbers
        parameters=(640 + 288 + 37 + 4 * 12) + (40 + 288 + 32 + 128 * 3 + 3) + (384 + 288 + 37 + 4 * 12),
        verbs={
            "generate": Verb(lambda model, batch: model.generate(3, seed=0), (3, 16, 16, 1), (0, 1)),
            "encode": Verb(lambda model, batch: model.encode(batch["image"]), (8, 3)),
            "reconstruct": Verb(lambda model, batch: model.reconstruct(batch["image"]), (8, 16, 16, 1), (0, 1)),
        },
        mechanism="gan with several updates",
        sample=lambda model, seed: model.generate(3, seed=seed),
        falling=("critic_loss",),
        learners=("critic",),
        litert_fixed={"generate", "reconstruct"},
        batch_statistics=True,
    ),
}


def squared_mmd(x, y, bandwidths):
    def mean(a, b):
        squares = ((a[:, None] - b[None]) ** 2).sum(axis=-1)
        return np.mean(sum(np.exp(-squares / (2 * s)) for s in bandwidths))

    return mean(x, x) + mean(y, y) - 2 * mean(x, y)


def test_losses_are_those_of_algorithm_1():
    """Encoder and decoder maximise sqrt(MMD) - 16 |violation| - 8 (errors), the generator minimises the first two."""
    model = new("mmd_gan")
    model.compile(seed=0)
    real = tiny_images()["image"] / np.float32(127.5) - 1
    fake = model.generator(np.random.default_rng(0).normal(size=(8, 5)).astype("float32"), training=True)
    codes = [model.encoder(x, training=True).numpy() for x in (real, fake)]
    errors = [((model.decoder(c, training=True) - x) ** 2).numpy() for c, x in zip(codes, (real, fake), strict=True)]
    below = np.maximum(codes[1].mean(axis=0) - codes[0].mean(axis=0), 0).mean()
    assert below > 0
    gap = np.sqrt(squared_mmd(*codes, (1, 4, 16, 64, 256))) - 16 * below
    batch = {"real": tf.constant(real)}
    np.testing.assert_allclose(model.generator_loss(batch, fake), np.full(8, gap), rtol=1e-3)
    expected = 8 * sum(error.mean(axis=(1, 2, 3)) for error in errors) - gap
    np.testing.assert_allclose(model.discriminator_loss(batch, fake), expected, rtol=1e-3)


def test_clipping_is_of_the_encoder_alone():
    model = new("mmd_gan", clip_value=0.003)
    model.compile(seed=0)
    model.fit(tiny_images(), batch_size=4, verbose=0)
    largest = {name: [np.abs(v.numpy()).max() for v in getattr(model, name).trainable_variables] for name in NETWORKS}
    assert max(largest["encoder"]) == np.float32(0.003)
    assert min(max(largest["decoder"]), max(largest["generator"])) > 0.003


NETWORKS = ("encoder", "decoder", "generator")


def test_paper_defaults():
    model = kerazoo.create("mmd_gan", num_features=2)
    assert (model.n_critic, model.clip_value, model.reconstruction_weight) == (5, 0.01, 8.0)
    assert all(float(one.learning_rate.numpy()) == pytest.approx(5e-5) for one in model.default_optimizers().values())


@pytest.mark.slow
def test_the_learned_kernel_tells_the_sets_apart_better():
    """Equation 3: with the generator held, the encoder's updates raise the discrepancy."""
    keras.utils.set_random_seed(0)
    sizes = {"generator_units": (4,), "encoder_units": (16,), "code_dim": 4, "latent_dim": 2, "clip_value": 1.0}
    model = kerazoo.create("mmd_gan", num_features=2, **sizes)
    model.compile({"critic": keras.optimizers.Adam(3e-3), "generator": keras.optimizers.SGD(0.0)}, seed=0)
    x = np.random.default_rng(0).normal(1.0, 0.5, (320, 2)).astype("float32")
    gaps = model.fit(x, batch_size=64, epochs=40, verbose=0).history["gap"]
    assert gaps[-1] > 1.5 * gaps[0]
