"""Claims of Vincent et al. 2010 and Bengio et al. 2013: corruptions, tied weights, and what the chain converges to."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.layers.tied import TiedDense
from kerazoo.models.autoencoders._corruption import CORRUPTIONS
from kerazoo.models.autoencoders.denoising_autoencoder import DenoisingAutoencoder
from kerazoo.tasks import Data, write_samples
from kerazoo.utils.errors import ConfigError
from tests.zoo_rows import Row, Verb, published, tiny_images


def reference(model, batch, noise):
    """Salt and pepper on the input, one kernel up and down, and the cross-entropy of the clean image."""
    x = tf.reshape(tf.cast(batch["image"], tf.float32) / 255, [len(batch["image"]), -1])
    u = tf.reshape(noise("corruption", model.image_shape, "unit"), x.shape)
    seen = tf.where(u < model.corruption_level, tf.where(u < model.corruption_level / 2, 1.0, 0.0), x)
    kernel, bias, back = model.variables_of("autoencoder")

    def loss():
        p = tf.sigmoid(tf.matmul(tf.sigmoid(tf.matmul(seen, kernel) + bias), tf.transpose(kernel)) + back)
        return -tf.reduce_sum(x * tf.math.log(p) + (1 - x) * tf.math.log(1 - p), axis=1)

    yield "autoencoder", loss


ROWS = {
    "denoising_autoencoder": Row(
        arguments={
            "image_shape": (16, 16, 1),
            "latent_dim": 7,
            "corruption": "salt_and_pepper",
            "corruption_level": 0.3,
            "tied_weights": True,
        },
        batch=tiny_images,
        # 256 -> 7 with a bias, and the bias of the way back
        parameters=1792 + 7 + 256,
        verbs={
            "encode": Verb(lambda model, batch: model.encode(batch["image"]), (8, 7), (0, 1)),
            "reconstruct": Verb(lambda model, batch: model.reconstruct(batch["image"]), (8, 16, 16, 1), (0, 1)),
            "generate": Verb(lambda model, batch: model.generate(3, num_steps=4, seed=0), (3, 16, 16, 1), (0, 1)),
            "walk": Verb(lambda model, batch: model.walk(2, num_steps=5, every=2, seed=0), (2, 2, 16, 16, 1), (0, 1)),
        },
        sample=lambda model, seed: model.generate(3, num_steps=4, seed=seed),
        mechanism="one loss",
        falling=("autoencoder_loss", "squared_error"),
        reference=reference,
    ),
}

TINY = ROWS["denoising_autoencoder"].arguments


def tiny(**arguments):
    keras.utils.set_random_seed(0)
    return kerazoo.create("denoising_autoencoder", **{**TINY, **arguments})


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_corruptions_change_what_they_say(name):
    draw, change = CORRUPTIONS[name]
    rng, x = np.random.default_rng(0), np.full((200, 500), 0.5, "float32")
    noise = (rng.random if draw == "unit" else rng.standard_normal)(x.shape, "float32")
    found = np.asarray(change(x, noise, 0.2))
    if name == "gaussian":
        assert (found - x).std() == pytest.approx(0.2, rel=0.02)
        assert found.mean() == pytest.approx(0.5, abs=0.01)
        return
    shares = {value: (found == value).mean() for value in (0.0, 0.5, 1.0)}
    expected = {"masking": (0.2, 0.8, 0.0), "salt_and_pepper": (0.1, 0.8, 0.1)}[name]
    assert list(shares.values()) == pytest.approx(expected, abs=0.01)


def test_only_training_corrupts():
    model, images = tiny(corruption_level=1.0), tiny_images()["image"]
    model.compile(seed=0)
    p, x = model.reconstruct(images).astype("float64"), images / 255
    expected = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=(1, 2, 3)).mean()
    assert model.evaluate(images, verbose=0, return_dict=True)["autoencoder_loss"] == pytest.approx(expected, rel=1e-5)
    trained = model.fit(images, batch_size=8, verbose=0).history["autoencoder_loss"][0]
    assert abs(trained - expected) > 1e-3


def test_tied_weights_are_one_kernel_for_each_layer():
    model = tiny(hidden_units=(9,))
    down, code = [layer for layer in model.encoder.layers if isinstance(layer, keras.layers.Dense)]
    x = np.random.default_rng(0).random((2, 7), "float32")
    h = 1 / (1 + np.exp(-(x @ code.kernel.numpy().T)))
    expected = 1 / (1 + np.exp(-(h @ down.kernel.numpy().T)))
    np.testing.assert_allclose(model.decode(x).reshape(2, -1), expected, rtol=1e-5)
    assert len(model.weights) == len(model.variables_of("autoencoder")) == 6
    assert len([layer for layer in model.decoder.layers if isinstance(layer, TiedDense)]) == 2


def test_a_probability_above_one_is_refused():
    with pytest.raises(ConfigError, match=r"^corruption_level = 1\.5: of salt_and_pepper, a probability$"):
        tiny(corruption_level=1.5)
    tiny(corruption="gaussian", corruption_level=1.5)


class Categorical(DenoisingAutoencoder):
    """The same over images with a single bright pixel: the decoder's outputs are the log-odds of its place."""

    def reconstruction_loss(self, images, outputs):
        flat = [tf.reshape(x, [tf.shape(x)[0], -1]) for x in (images, outputs)]
        return tf.nn.softmax_cross_entropy_with_logits(*flat)

    def pixels(self, outputs):
        return tf.nn.softmax(outputs, axis=2)

    def draw_images(self, outputs, uniform):
        gumbel = -tf.math.log(-tf.math.log(tf.clip_by_value(uniform, 1e-7, 1 - 1e-7)))
        return tf.one_hot(tf.argmax(outputs + gumbel, axis=2), outputs.shape[2], axis=2)


def test_a_chain_over_ten_states_has_the_distribution_of_the_data():
    """Bengio et al. 2013, section 5: any distribution of discrete states, found from the corruption's undoing alone."""
    p = np.array([1, 2, 3, 4, 5, 5, 4, 8, 2, 1]) / 35
    images = np.eye(10, dtype="float32").repeat((p * 1400).round().astype(int), axis=0).reshape(-1, 1, 10, 1)
    keras.utils.set_random_seed(0)
    model = Categorical(image_shape=(1, 10, 1), latent_dim=30, corruption="salt_and_pepper", corruption_level=0.4)
    model.compile(optimizer=keras.optimizers.Adam(0.01), seed=0, steps_per_execution=28)
    model.fit(images, batch_size=100, epochs=60, verbose=0)
    found = model.generate(5000, num_steps=50, seed=0).reshape(5000, 10).mean(axis=0)
    assert np.abs(found - p).sum() / 2 < 0.05


def test_a_walk_is_what_generate_gives_on_the_way():
    model = tiny()
    walk = model.walk(3, num_steps=7, every=3, seed=5)
    assert walk.shape == (3, 2, 16, 16, 1)
    np.testing.assert_array_equal(walk[:, 1], model.generate(3, num_steps=6, seed=5))
    np.testing.assert_array_equal(walk[:, 0], model.generate(3, num_steps=3, seed=5))
    with pytest.raises(ConfigError, match=r"^every = 8"):
        model.walk(num_steps=7, every=8)


def test_a_step_corrupts_reconstructs_and_draws():
    model, rng = tiny(corruption="gaussian", corruption_level=0.5), np.random.default_rng(0)
    drawn = (rng.random((4, 16, 16, 1)) < 0.5).astype("float32")
    noise, uniform = rng.standard_normal(drawn.shape, "float32"), rng.random(drawn.shape, "float32")
    found = model.endpoints()["step"](drawn=drawn, noise=noise, uniform=uniform)
    pixels = model.pixels(model.decoder(model.encoder(drawn + 0.5 * noise)))
    np.testing.assert_allclose(found["images"], pixels, rtol=1e-5)
    np.testing.assert_array_equal(found["drawn"], uniform < found["images"])


def test_the_picture_has_corrupted_images_their_reconstructions_and_a_chain(tmp_path):
    from PIL import Image

    model = tiny(image_shape=(8, 8, 1))
    (file,) = write_samples(model, tmp_path / "a", num=10, data=Data("digits", (8, 8, 1)), scale=1)
    assert Image.open(file).size == (10 * 10 + 2, (2 + 2 + 5) * 10 + 2)


@pytest.mark.skipif("denoising_autoencoder_mnist" not in published(), reason="the preset is not trained yet")
def test_recorded_figures_meet_their_bars():
    metrics = kerazoo.info("denoising_autoencoder_mnist")["metrics"]
    assert metrics["denoised_psnr"] >= metrics["noisy_psnr"] + 4
    assert metrics["chain_classes"] >= 8
