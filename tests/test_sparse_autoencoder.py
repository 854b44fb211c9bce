"""Claims of Ng's notes on sparse autoencoders: the penalty, its average, and units that look for edges."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.data import open_source
from kerazoo.utils.errors import ConfigError
from tests.zoo_rows import Row, Verb, tiny_images


def reference(model, batch, noise):
    """J of section 3: half the squared error, decay of the kernels, and divergences from the batch's average."""
    x = tf.reshape(tf.cast(batch["image"], tf.float32) / 255, [len(batch["image"]), -1])
    up, bias, down, back = model.variables_of("autoencoder")
    rho = model.sparsity

    def loss():
        a = tf.sigmoid(tf.matmul(x, up) + bias)
        error = tf.reduce_sum((tf.sigmoid(tf.matmul(a, down) + back) - x) ** 2, axis=1) / 2
        mean = tf.reduce_mean(a, axis=0)
        kl = tf.reduce_sum(rho * tf.math.log(rho / mean) + (1 - rho) * tf.math.log((1 - rho) / (1 - mean)))
        decay = model.weight_decay / 2 * (tf.reduce_sum(up**2) + tf.reduce_sum(down**2))
        return error + decay + model.sparsity_weight * kl

    yield "autoencoder", loss


ROWS = {
    "sparse_autoencoder": Row(
        arguments={"image_shape": (16, 16, 1), "latent_dim": 5, "sparsity": 0.1, "weight_decay": 0.01},
        batch=tiny_images,
        # 256 -> 5 -> 256, both with biases
        parameters=1285 + 1536,
        verbs={
            "encode": Verb(lambda model, batch: model.encode(batch["image"]), (8, 5), (0, 1)),
            "reconstruct": Verb(lambda model, batch: model.reconstruct(batch["image"]), (8, 16, 16, 1), (0, 1)),
            "filters": Verb(lambda model, batch: model.filters(), (5, 16, 16, 1), (-1, 1)),
        },
        mechanism="one loss",
        falling=("autoencoder_loss",),
        reference=reference,
        batch_statistics=True,
    ),
}


def tiny(**arguments):
    keras.utils.set_random_seed(0)
    return kerazoo.create("sparse_autoencoder", **{**ROWS["sparse_autoencoder"].arguments, **arguments})


def test_two_replicas_take_the_average_of_the_whole_batch(two_replicas):
    batches = tf.data.Dataset.from_tensor_slices(tiny_images()).batch(8).repeat(3)

    def trained():
        model = tiny(average_decay=0.9)
        model.compile(optimizer=keras.optimizers.SGD(0.05), seed=0)
        model.fit(batches, verbose=0)
        return [*model.get_weights(), *(state.numpy() for state in model.states())]

    one = trained()
    with two_replicas.scope():
        two = trained()
    for a, b in zip(two, one, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_a_running_average_gives_the_slope_of_the_penalty():
    """A step along the gradient of the divergence at the average of earlier batches and this one."""
    model, images = tiny(average_decay=0.75, weight_decay=0.0), tiny_images()["image"]
    model.adapt({"image": images})
    model.compile(optimizer=keras.optimizers.SGD(1.0), seed=0)
    codes, bias = model.encode(images), model.encoder.get_layer("code").bias
    running = 0.75 * 0.1 + 0.25 * codes.mean(axis=0)
    slope = -0.1 / running + 0.9 / (1 - running)
    outputs, x = model.reconstruct(images).reshape(8, -1), images.reshape(8, -1) / 255
    back = ((outputs - x) * outputs * (1 - outputs)) @ model.decoder.get_layer("output").kernel.numpy().T
    expected = -((back + 3.0 * slope) * codes * (1 - codes)).mean(axis=0)
    model.fit(images, batch_size=8, verbose=0)
    np.testing.assert_allclose(bias.numpy(), expected, rtol=1e-4)
    np.testing.assert_allclose(model.state("mean_activation").numpy(), running, rtol=1e-5)


def test_filters_are_the_inputs_of_norm_one_that_excite_most():
    model = tiny()
    filters = model.filters().reshape(5, -1)
    np.testing.assert_allclose(np.linalg.norm(filters, axis=1), 1, rtol=1e-5)
    kernel = model.encoder.get_layer("code").kernel.numpy()
    np.testing.assert_allclose((filters @ kernel).diagonal(), np.linalg.norm(kernel, axis=0), rtol=1e-5)


def test_units_of_photos_are_as_sparse_as_they_should_be():
    source = open_source("patches:8,values=whitened,num=5000")
    keras.utils.set_random_seed(0)
    model = kerazoo.create("sparse_autoencoder", latent_dim=9, sparsity=0.02)
    model.compile(optimizer=keras.optimizers.Adam(0.01), seed=0, steps_per_execution=5)
    model.fit(source, batch_size=1000, epochs=60, verbose=0)
    test = open_source("patches:8,values=whitened", split="test").arrays["image"]
    assert np.abs(model.encode(test).mean(axis=0) - 0.02).max() < 0.01


@pytest.mark.parametrize("sparsity", [0.0, 1.0])
def test_a_sparsity_without_a_divergence_is_refused(sparsity):
    with pytest.raises(ConfigError, match=rf"sparsity = {sparsity}: "):
        tiny(sparsity=sparsity)


def test_recorded_figures_meet_their_bars():
    metrics = kerazoo.info("sparse_autoencoder_patches")["metrics"]
    assert metrics["mean_activation_gap"] <= 0.01
    assert metrics["gabor_fraction"] >= 0.8
