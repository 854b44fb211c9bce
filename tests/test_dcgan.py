"""The claims of Radford et al. 2016 about DCGAN, checked on its networks, its updates and its verbs."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import kerazoo
from kerazoo.data import from_arrays, open_source
from kerazoo.losses import minimax_discriminator_loss, non_saturating_generator_loss
from kerazoo.networks.convolutional import side_lengths
from kerazoo.utils.errors import ConfigError, DataError
from kerazoo.utils.images import pool_to_grid
from tests.zoo_rows import Row, Verb, tiny_images

LATENTS = np.random.default_rng(0).uniform(-1, 1, (4, 5)).astype("float32")

ROWS = {
    "dcgan": Row(
        arguments={"image_shape": (16, 16, 1), "latent_dim": 5, "filters": 4, "kernel_size": 3},
        batch=tiny_images,
        # generator: 5 x 4 x 4 x 8, 3x3 kernels 8 -> 4 and 4 -> 1 with bias, batch normalisation of 8 and 4 channels;
        # discriminator: 3x3 kernels 1 -> 4 with bias and 4 -> 8, batch normalisation of 8, and 4 x 4 x 8 -> 1
        parameters=(640 + 288 + 37 + 4 * 12) + (40 + 288 + 32 + 129),
        verbs={
            "generate": Verb(lambda model, batch: model.generate(3, seed=0), (3, 16, 16, 1), (0, 1)),
            "interpolate": Verb(
                lambda model, batch: model.interpolate(4, num_rows=2, seed=0), (2, 4, 16, 16, 1), (0, 1)
            ),
            "discriminate": Verb(lambda model, batch: model.discriminate(batch["image"]), (8,), (0, 1)),
            "features": Verb(lambda model, batch: model.features(batch["image"]), (8, 16 * (4 + 8))),
        },
        sample=lambda model, seed: model.generate(3, seed=seed),
        falling=("discriminator_loss",),
        learners=("discriminator",),
        same=(("generate", {"z": LATENTS}, lambda model: model.decode(LATENTS)),),
        mechanism="gan",
        represents=True,
        litert_fixed={"generate"},
    ),
}


TINY = ROWS["dcgan"].arguments


def tiny(**arguments):
    keras.utils.set_random_seed(0)
    return kerazoo.create("dcgan", **{**TINY, **arguments})


def of_type(network, kind):
    return [layer for layer in network.layers if isinstance(layer, kind)]


class TestNetworks:
    def test_64_pixels_give_the_generator_of_figure_1(self):
        model = kerazoo.create("dcgan")
        shapes = [layer.output.shape[1:] for layer in of_type(model.generator, layers.BatchNormalization)]
        assert shapes == [(4, 4, 1024), (8, 8, 512), (16, 16, 256), (32, 32, 128)]
        assert model.generator.output_shape == (None, 64, 64, 3)
        assert model.latent_dim == 100

    def test_normalisation_is_left_out_where_the_paper_leaves_it_out(self):
        model = tiny(image_shape=(32, 32, 3))
        # all generator layers but the output, all discriminator layers but the input's
        assert len(of_type(model.generator, layers.BatchNormalization)) == 3
        assert len(of_type(model.discriminator, layers.BatchNormalization)) == 2
        assert isinstance(model.discriminator.layers[2], layers.LeakyReLU)
        assert model.generator.layers[-1].activation is keras.activations.tanh
        assert isinstance(model.generator.layers[-2], layers.Conv2DTranspose)

    def test_strides_instead_of_pooling_and_no_hidden_dense_layer(self):
        model = tiny(image_shape=(32, 32, 1))
        for network in (model.generator, model.discriminator):
            convolutions = of_type(network, (layers.Conv2D, layers.Conv2DTranspose))
            assert [layer.strides for layer in convolutions] == [(2, 2)] * 3
            assert len(of_type(network, layers.Dense)) == 1
            assert not [layer for layer in network.layers if "pool" in type(layer).__name__.lower()]
        assert {layer.negative_slope for layer in of_type(model.discriminator, layers.LeakyReLU)} == {0.2}

    def test_weights_begin_at_normal_002(self):
        model = kerazoo.create("dcgan", image_shape=(32, 32, 3), filters=32)
        kernels = [v.numpy().ravel() for v in model.weights if v.path.endswith("kernel")]
        values = np.concatenate(kernels)
        assert abs(values.mean()) < 1e-4
        assert values.std() == pytest.approx(0.02, rel=0.01)

    @pytest.mark.parametrize("size", [16, 28, 31, 50, 96, 128])
    def test_any_size_has_a_generator_that_fits(self, size):
        model = tiny(image_shape=(size, size, 3), filters=1)
        assert side_lengths(size)[-1] in (3, 4)
        assert model.generate(2, seed=0).shape == (2, size, size, 3)

    def test_paper_optimizers(self):
        for optimizer in tiny().default_optimizers().values():
            assert isinstance(optimizer, keras.optimizers.Adam)
            assert (float(optimizer.learning_rate.numpy()), optimizer.beta_1) == (pytest.approx(2e-4), 0.5)


class TestLosses:
    logits = np.array([-3.0, -0.5, 0.0, 2.0], "float32")

    def test_equations(self):
        real, fake = 1 / (1 + np.exp(-self.logits)), 1 / (1 + np.exp(-self.logits[::-1]))
        discriminator = minimax_discriminator_loss(self.logits, self.logits[::-1])
        np.testing.assert_allclose(discriminator, -np.log(real) - np.log(1 - fake), rtol=1e-5)
        np.testing.assert_allclose(non_saturating_generator_loss(self.logits), -np.log(real), rtol=1e-5)

    def test_smoothing_is_one_sided(self):
        real = 1 / (1 + np.exp(-self.logits))
        smooth = minimax_discriminator_loss(self.logits, self.logits, label_smoothing=0.1)
        expected = -0.9 * np.log(real) - 0.1 * np.log(1 - real) - np.log(1 - real)
        np.testing.assert_allclose(smooth, expected, rtol=1e-5)


class TestTraining:
    def test_a_step_equals_its_plain_second_implementation(self):
        """The discriminator first; then the generator, by the same images and the changed discriminator."""
        model, twin = tiny(label_smoothing=0.1), tiny(label_smoothing=0.1)
        model.compile({role: keras.optimizers.SGD(0.1) for role in model.roles}, seed=5, run_eagerly=True)
        batch = tiny_images()
        z = model.noise(8, (5,), stream="latent", distribution="uniform")
        real = tf.constant(batch["image"], tf.float32) / 127.5 - 1

        with tf.GradientTape(persistent=True) as tape:
            fake = twin.generator(z, training=True)
            bce = keras.losses.BinaryCrossentropy(from_logits=True)
            loss = bce(0.9 * tf.ones((8, 1)), twin.discriminator(real, training=True))
            loss += bce(tf.zeros((8, 1)), twin.discriminator(fake, training=True))
        for v, g in zip(
            twin.discriminator.trainable_variables,
            tape.gradient(loss, twin.discriminator.trainable_variables),
            strict=True,
        ):
            v.assign_sub(0.1 * g)
        with tf.GradientTape() as tape:
            fake = twin.generator(z, training=True)
            loss = bce(tf.ones((8, 1)), twin.discriminator(fake, training=True))
        gradients = tape.gradient(loss, twin.generator.trainable_variables)
        for v, g in zip(twin.generator.trainable_variables, gradients, strict=True):
            v.assign_sub(0.1 * g)

        model.fit(batch["image"], batch_size=8, epochs=1, verbose=0, shuffle=False)
        for found, expected in zip(model.trainable_variables, twin.trainable_variables, strict=True):
            np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=2e-6)

    def test_one_joint_batch_normalises_together(self):
        losses = {}
        for separate in (True, False):
            model = tiny(separate_batches=separate)
            model.compile(seed=0)
            losses[separate] = model.fit(tiny_images(), batch_size=8, verbose=0).history["discriminator_loss"][0]
        assert losses[True] != losses[False]

    def test_fit_takes_images_however_they_come(self):
        batch = tiny_images()
        images, labels = batch["image"], batch["label"]
        dataset = tf.data.Dataset.from_tensor_slices
        forms = {
            "uint8 array": images,
            "float array": (images / 255).astype("float32"),
            "dict": batch,
            "dataset of images": dataset(images).batch(8),
            "dataset of pairs": dataset((images, labels)).batch(8),
            "dataset of dicts": dataset(batch).batch(8),
            "source": from_arrays(batch),
        }
        histories = {}
        for form, data in forms.items():
            model = tiny()
            model.compile(seed=0, run_eagerly=True)  # one step is sooner done than traced
            histories[form] = model.fit(data, batch_size=8, shuffle=False, verbose=0).history["generator_loss"][0]
        assert len({round(loss, 6) for loss in histories.values()}) == 1, histories

    def test_fit_takes_a_named_source_and_validation_data(self):
        model = tiny()
        model.compile(seed=0, run_eagerly=True)
        source = open_source("digits", image_shape=(16, 16, 1), limit=64)
        history = model.fit(source, batch_size=32, epochs=2, validation_data=tiny_images(), verbose=0).history
        assert model.evaluate("digits", batch_size=512, verbose=0, return_dict=True)  # opened in the model's shape
        assert {"generator_loss", "val_generator_loss"} <= set(history)
        assert len(history["generator_loss"]) == 2

    def test_two_fits_train_like_one(self):
        once, twice = tiny(), tiny()
        data = tiny_images(24)["image"]
        for model in (once, twice):
            model.compile(seed=0)
        once.fit(data, batch_size=8, epochs=2, verbose=0)
        twice.fit(data, batch_size=8, epochs=1, verbose=0)
        twice.fit(data, batch_size=8, epochs=1, verbose=0)
        for a, b in zip(once.weights, twice.weights, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (np.zeros((8, 28, 28, 1), "uint8"), r"images of shape \(28, 28, 1\) where the model takes \(16, 16, 1\)"),
            (np.full((8, 16, 16, 1), -1.0, "float32"), r"where \[0, 1\] or uint8 is expected"),
            (np.zeros((0, 16, 16, 1), "uint8"), "no examples"),
            (tf.data.Dataset.from_tensor_slices(np.zeros((8, 16, 16, 1), "uint8")), "without a batch axis"),
        ],
    )
    def test_wrong_images_are_one_line(self, data, message):
        model = tiny()
        model.compile(seed=0, run_eagerly=True)
        with pytest.raises(DataError, match=message) as caught:
            model.fit(data, batch_size=8, verbose=0)
        assert "\n" not in str(caught.value)


class TestVerbs:
    def test_generate_does_not_depend_on_the_batch_size(self):
        model = tiny()
        np.testing.assert_allclose(model.generate(7, seed=1, batch_size=2), model.generate(7, seed=1), atol=1e-6)

    def test_truncation_narrows_the_prior(self):
        spread = {t: tiny().generate(64, seed=0, truncation=t).std(axis=0).mean() for t in (0.1, 1.0)}
        assert spread[0.1] < 0.3 * spread[1.0]

    def test_interpolation_begins_and_ends_at_its_corners(self):
        model = tiny()
        corners = np.random.default_rng(0).uniform(-1, 1, (3, 5)).astype("float32")
        rows = model.interpolate(5, latents=corners)
        images = model.decode(corners)
        np.testing.assert_allclose(rows[:, 0], images[:2], atol=1e-6)
        np.testing.assert_allclose(rows[:, -1], images[1:], atol=1e-6)
        np.testing.assert_allclose(rows[0, 2:3], model.decode((corners[:1] + corners[1:2]) / 2), atol=1e-6)

    def test_pooling_to_a_grid(self):
        maps = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
        expected = maps.reshape(2, 4, 2, 4, 2, 3).max(axis=(2, 4))
        np.testing.assert_array_equal(pool_to_grid(tf.constant(maps), 4), expected)
        odd = pool_to_grid(tf.constant(maps[:, :7, :7]), 4)
        np.testing.assert_array_equal(odd[:, 1, 3], maps[:, 1:4, 5:7].max(axis=(1, 2)))

    @pytest.mark.parametrize(
        "call",
        [
            lambda model: model.generate(0),
            lambda model: model.generate(2, seed=-1),
            lambda model: model.generate(2, seed=2**31),
            lambda model: model.generate(2, truncation=0),
            lambda model: model.generate(2, batch_size=0),
            lambda model: model.decode(np.zeros((2, 6))),
            lambda model: model.interpolate(1),
        ],
    )
    def test_values_out_of_range_are_one_line(self, call):
        with pytest.raises(ConfigError) as caught:
            call(tiny())
        assert "\n" not in str(caught.value)
