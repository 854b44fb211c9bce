"""Claims on undercomplete autoencoders: linear ones are PCA (Baldi and Hornik 1989), others are better than it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.base.optimizers import LinearDecay
from kerazoo.metrics import discarded_variance, principal_angles, principal_components
from kerazoo.utils.errors import ConfigError
from tests.zoo_rows import Row, Verb, tiny_images


def reference(model, batch, noise):
    """The squared error of a network of rectifiers with a linear code and logistic pixels."""
    x = tf.reshape(tf.cast(batch["image"], tf.float32) / 255, [len(batch["image"]), -1])
    kernels, biases = (model.variables_of("autoencoder")[start::2] for start in (0, 1))
    activations = [tf.nn.relu, tf.nn.relu, tf.identity, tf.nn.relu, tf.nn.relu, tf.sigmoid]

    def loss():
        h = x
        for kernel, bias, activation in zip(kernels, biases, activations, strict=True):
            h = activation(tf.matmul(h, kernel) + bias)
        return tf.reduce_sum((h - x) ** 2, axis=1)

    yield "autoencoder", loss


ROWS = {
    "autoencoder": Row(
        arguments={"image_shape": (16, 16, 1), "latent_dim": 3, "hidden_units": (7, 6)},
        batch=tiny_images,
        # 256 -> 7 -> 6 -> 3 -> 6 -> 7 -> 256, all with biases
        parameters=(1799 + 48 + 21) + (24 + 49 + 2048),
        verbs={
            "encode": Verb(lambda model, batch: model.encode(batch["image"]), (8, 3)),
            "decode": Verb(lambda model, batch: model.decode(np.ones((2, 3), "float32")), (2, 16, 16, 1), (0, 1)),
            "reconstruct": Verb(lambda model, batch: model.reconstruct(batch["image"]), (8, 16, 16, 1), (0, 1)),
        },
        mechanism="one loss",
        falling=("autoencoder_loss", "squared_error"),
        reference=reference,
    ),
}


def correlated_images(num=512, size=8):
    """Images of a mean, four strong directions and sixty weak ones, all uncorrelated."""
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(size**2, size**2)))[0]
    parts = rng.uniform(-1, 1, (num, size**2)) * [1, 0.9, 0.8, 0.7, *np.linspace(0.4, 0.1, size**2 - 4)]
    images = parts @ basis.T
    return (0.5 + 0.45 * images / np.abs(images).max()).reshape(num, size, size, 1).astype("float32")


@pytest.mark.parametrize("hidden_units", [(), (12,)])
def test_a_linear_one_is_pca(hidden_units):
    """Excess loss at most 0.1%, and the decoder's columns span the first principal components."""
    images, num_steps = correlated_images(), 2000
    keras.utils.set_random_seed(0)
    options = {"image_shape": (8, 8, 1), "hidden_units": hidden_units, "activation": "linear"}
    model = kerazoo.create("autoencoder", latent_dim=4, **options)
    adam = keras.optimizers.Adam(LinearDecay(0.01, num_steps), beta_2=0.99)
    model.compile(optimizer=adam, seed=0, steps_per_execution=100)
    model.fit(tf.data.Dataset.from_tensors(images).repeat(), steps_per_epoch=num_steps, verbose=0)
    rows = images.reshape(len(images), -1)
    loss, least = model.evaluate(images, batch_size=512, verbose=0)[0], discarded_variance(rows, 4)
    assert least * (1 - 1e-5) < loss < 1.001 * least
    codes = np.concatenate([np.zeros((1, 4)), np.eye(4)]).astype("float32")
    decoded = model.decode(codes).reshape(5, -1)
    assert principal_angles((decoded[1:] - decoded[0]).T, principal_components(rows, 4)).max() < 2


def test_cross_entropy_is_that_of_the_pixels():
    keras.utils.set_random_seed(0)
    model = kerazoo.create("autoencoder", **ROWS["autoencoder"].arguments, cross_entropy=True)
    model.compile(seed=0)
    images = tiny_images()["image"]
    p, x = model.reconstruct(images).astype("float64"), images / 255
    expected = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=(1, 2, 3)).mean()
    assert model.evaluate(images, verbose=0, return_dict=True)["autoencoder_loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("arguments", [{}, {"cross_entropy": True}, {"activation": "linear"}])
def test_adapted_an_output_without_inputs_is_the_mean_image(arguments):
    model = kerazoo.create("autoencoder", **ROWS["autoencoder"].arguments, **arguments)
    images = tiny_images(30)["image"]
    model.adapt({"image": images})
    for layer in model.decoder.layers[:-1]:
        for weight in layer.weights:
            if weight is not model.decoder.get_layer("output").bias:
                weight.assign(np.zeros(weight.shape))
    mean = (images / 255).mean(axis=0).clip(1e-3, 1 - 1e-3)
    np.testing.assert_allclose(model.decode(np.ones((1, 3), "float32"))[0], mean, atol=1e-5)


def test_a_code_as_long_as_the_image_is_refused():
    with pytest.raises(ConfigError, match=r"^latent_dim = 64: the code .* has 64 values$"):
        kerazoo.create("autoencoder", image_shape=(8, 8, 1), latent_dim=64)


def test_colour_photos_have_codes():
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    model = kerazoo.create("autoencoder", image_shape=(32, 32, 3), hidden_units=(8,))
    assert model.reconstruct(images).shape == images.shape


def test_recorded_figures_meet_their_bars():
    metrics = kerazoo.info("autoencoder_mnist")["metrics"]
    assert (metrics["num_codes"], metrics["num_examples"]) == (32, 10_000)
    assert metrics["squared_error_ratio"] <= 0.5
