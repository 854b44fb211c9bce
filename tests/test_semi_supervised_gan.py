"""Claims of Salimans et al. 2016, section 5: K logits for K + 1 classes, a classifier that learns from few labels."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.data import from_arrays, keep_labels, open_source
from kerazoo.layers.weight_normalization import WeightNormalizedDense
from kerazoo.losses import minimax_discriminator_loss
from kerazoo.models.gans._batches import feature_matching_loss
from kerazoo.presets.config import make_config
from kerazoo.training import train
from kerazoo.utils.errors import DataError
from tests.zoo_rows import Row, Verb, tiny_images


def reference(model, batch, noise):
    """Equations 1 and 2 of section 5 with a softmax of K + 1 logits, the last of which is 0; feature matching."""
    real = tf.cast(batch["image"], tf.float32) / 255.0
    z = noise("latent", (model.latent_dim,), "uniform")
    fake = tf.stop_gradient(model.generator(z, training=True))
    labels = tf.one_hot(tf.cast(batch["label"], tf.int32), model.num_classes)

    def log_probabilities(images):
        """Of the K + 1 classes, and of the K given that it is one of them."""
        logits = model.discriminator(images, training=True)[1]
        return tf.nn.log_softmax(tf.pad(logits, [[0, 0], [0, 1]])), tf.nn.log_softmax(logits)

    def of_discriminator():
        supervised = -tf.reduce_sum(labels * log_probabilities(real)[1], axis=1)
        unlabelled = -tf.math.log(1.0 - tf.exp(log_probabilities(real)[0][:, -1]))
        generated = -log_probabilities(fake)[0][:, -1]
        return supervised + model.unlabelled_weight * (unlabelled + generated) / 2

    yield "discriminator", of_discriminator

    def of_generator():
        features = [model.discriminator(x, training=True)[0] for x in (real, model.generator(z, training=True))]
        difference = tf.reduce_mean(features[0], axis=0) - tf.reduce_mean(features[1], axis=0)
        return tf.fill([len(real)], tf.reduce_mean(difference**2))

    yield "generator", of_generator


TINY = {
    "image_shape": (16, 16, 1),
    "num_classes": 3,
    "latent_dim": 5,
    "discriminator_units": (8, 6),
    "generator_units": (7,),
}

ROWS = {
    "semi_supervised_gan": Row(
        arguments=TINY,
        batch=tiny_images,
        # generator: 5 x 7, batch normalisation of 7; every other layer has weights, lengths and biases
        parameters=(35 + 4 * 7 + (7 + 2) * 256) + ((256 + 2) * 8 + (8 + 2) * 6 + (6 + 2) * 3),
        verbs={
            "generate": Verb(lambda model, batch: model.generate(3, seed=0), (3, 16, 16, 1), (0, 1)),
            "classify": Verb(lambda model, batch: model.classify(batch["image"]), (8, 3), (0, 1)),
            "discriminate": Verb(lambda model, batch: model.discriminate(batch["image"]), (8,), (0, 1)),
        },
        mechanism="gan",
        sample=lambda model, seed: model.generate(3, seed=seed),
        falling=("discriminator_loss",),
        learners=("discriminator",),
        on_source={"num_classes": 10},
        reference=reference,
    ),
}


def test_the_discriminator_is_the_sigmoid_of_the_log_sum_of_exponentials():
    """D(x) = Z / (Z + 1), and its minimax loss is that of K + 1 classes."""
    model = kerazoo.create("semi_supervised_gan", **TINY)
    images = tiny_images()["image"]
    z = np.exp(model.logits(tf.constant(images / 255.0, tf.float32)).numpy()).sum(axis=1)
    np.testing.assert_allclose(model.discriminate(images), z / (z + 1), rtol=1e-5)
    log_z = tf.constant(np.log(z))
    expected = -np.log(z / (z + 1)) - np.log(1 - z / (z + 1))
    np.testing.assert_allclose(minimax_discriminator_loss(log_z, log_z), expected, rtol=1e-4)


def test_weights_have_their_length_apart_from_their_direction():
    rng = np.random.default_rng(0)
    layer = WeightNormalizedDense(3)
    x = rng.random((50, 5), "float32")
    layer(x)
    layer.scale.assign([1.0, 2.0, 3.0])
    v = layer.kernel.numpy()
    np.testing.assert_allclose(layer(x), x @ (v / np.linalg.norm(v, axis=0)) * [1.0, 2.0, 3.0], rtol=1e-3)
    v = tf.Variable(v)
    with tf.GradientTape() as tape:
        layer.kernel.assign(v)
        loss = tf.reduce_sum(layer(x) ** 2)
    gradient = tape.gradient(loss, layer.kernel.value).numpy()
    along = (gradient * v.numpy()).sum(axis=0) / np.linalg.norm(gradient, axis=0) / np.linalg.norm(v, axis=0)
    np.testing.assert_allclose(along, 0, atol=1e-2)  # equation 3: the gradient is across the weights


def test_the_discriminator_is_initialised_from_the_data():
    """Before their ReLU, the units of every layer have mean 0 and variance 1 on the images (Salimans and Kingma)."""
    model = kerazoo.create("semi_supervised_gan", image_shape=(8, 8, 1))
    model.compile(seed=0)
    images = open_source("digits", limit=300).arrays["image"]
    model.adapt({"image": images})
    logits = model.logits(tf.constant(images / 255.0, tf.float32)).numpy()
    np.testing.assert_allclose(logits.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(logits.std(axis=0), 1, atol=1e-2)
    features = model.discriminator(images / np.float32(255))[0].numpy()
    np.testing.assert_allclose((features**2).mean(), 0.5, atol=0.1)


def test_feature_matching_compares_averages():
    rng = np.random.default_rng(0)
    real, fake = rng.random((2, 6, 4), "float32")
    expected = ((real.mean(axis=0) - fake.mean(axis=0)) ** 2).mean()
    np.testing.assert_allclose(feature_matching_loss(tf.constant(real), tf.constant(fake)), np.full(6, expected), 1e-5)


def test_an_image_without_a_label_has_no_supervised_loss():
    model = kerazoo.create("semi_supervised_gan", **TINY, unlabelled_weight=0.0, input_noise=0.0, hidden_noise=0.0)
    model.compile(seed=0)
    batch = tiny_images()
    batch["label"][::2] = -1
    losses = model.test_on_batch(batch, return_dict=True)
    probabilities = model.classify(batch["image"])[1::2]
    expected = -np.log(probabilities[np.arange(4), batch["label"][1::2]]).sum() / 8
    assert losses["discriminator_loss"] == pytest.approx(expected, rel=1e-4)


def test_labels_that_are_not_there_are_refused_in_one_line():
    model = kerazoo.create("semi_supervised_gan", **TINY)
    model.compile(seed=0)
    batch = tiny_images()
    with pytest.raises(DataError, match="none of its 8 images has a label"):
        model.fit(batch | {"label": np.full(8, -1)}, batch_size=8, verbose=0)
    with pytest.raises(DataError, match="labels from -2 to 2 where the model has 3 classes"):
        model.fit(batch | {"label": np.where(batch["label"], batch["label"], -2)}, batch_size=8, verbose=0)
    other = kerazoo.create("acgan", image_shape=(16, 16, 1), num_classes=3, filters=2)
    other.compile(seed=0)
    with pytest.raises(DataError, match=r"3 of 8 examples have no label \(-1\)"):
        other.fit(batch | {"label": np.where(batch["label"], batch["label"], -1)}, batch_size=8, verbose=0)


def test_a_run_with_few_labels_is_measured_by_all(tmp_path):
    config = make_config(
        {
            "architecture": "semi_supervised_gan",
            "model": {"image_shape": [8, 8, 1], "discriminator_units": [32, 16], "generator_units": [16]},
            "data": {"source": "digits", "labels_per_class": 3, "label_seed": 1},
            "training": {"steps": 20, "batch_size": 50},
        }
    )
    model = kerazoo.load(train(config, tmp_path / "run").preset)
    assert "30 labelled" in kerazoo.info(tmp_path / "run")["training"]["data"]
    test = open_source("digits", split="test")

    class Data:
        def open(self, split):
            return test

    settings = config.evaluation.model_copy(update={"num": 200})
    found = model.classify(test.arrays["image"][:200]).argmax(axis=1)
    error = float(np.mean(found != test.arrays["label"][:200]))
    assert model.own_figures(Data(), settings, None) == {"test_error": pytest.approx(error)}


@pytest.mark.slow
def test_generated_images_make_few_labels_go_further():
    """The claim of table 1 on 8x8 digits, 30 labels: fewer errors than of the same network without the others."""
    digits, test = open_source("digits"), open_source("digits", split="test").arrays
    sizes = {"discriminator_units": (250, 120, 100), "generator_units": (100, 100), "latent_dim": 50}
    errors = {}
    for weight in (1.0, 0.0):
        keras.utils.set_random_seed(0)
        model = kerazoo.create("semi_supervised_gan", image_shape=(8, 8, 1), unlabelled_weight=weight, **sizes)
        model.compile({role: keras.optimizers.Adam(1e-3, beta_1=0.5) for role in model.roles}, seed=0)
        model.fit(keep_labels(digits, 3, seed=0), batch_size=100, epochs=100, verbose=0)
        errors[weight] = float(np.mean(model.classify(test["image"]).argmax(axis=1) != test["label"]))
    assert errors[1.0] < errors[0.0] - 0.03


def test_batches_of_a_partly_labelled_source_hold_both_streams():
    images = tiny_images(40)
    source = keep_labels(from_arrays(images), 2, seed=0)
    model = kerazoo.create("semi_supervised_gan", **TINY)
    batch = next(iter(model.prepare_examples(source).batches(16, seed=0)))
    assert {key: value.shape[0] for key, value in batch.items()} == {"image": 16, "labelled": 16, "label": 16}
    model.compile(seed=0)
    history = model.fit(source, batch_size=16, epochs=2, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert np.isfinite(list(model.evaluate(source, return_dict=True, verbose=0).values())).all()
