"""Noise in training, layers that draw it, and generators of a class asked for."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.base.labels import Labelled, one_hot
from kerazoo.base.latents import ConditionalLatentModel, asked_labels
from kerazoo.base.model import ZooModel
from kerazoo.base.priors import Joint, Normal, OneHot, Uniform
from kerazoo.base.verbs import verb
from kerazoo.layers.noise import Dropout, GaussianNoise
from kerazoo.utils.errors import ConfigError, DataError
from tests.zoo_rows import all_variables, tiny_images


class Noisy(ZooModel):
    """A network with layers that draw, trained on its output; the data are images."""

    roles = {"network": ("network",)}

    def __init__(self, num_calls: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.image_shape = (16, 16, 1)
        x = inputs = keras.Input(self.image_shape)
        x = keras.layers.Dense(4)(keras.ops.reshape(x, (-1, 256)))
        x = GaussianNoise(0.5)(Dropout(0.5)(x))
        self.network = keras.Model(inputs, keras.layers.Dense(1)(x))

    def default_optimizers(self):
        return {"network": keras.optimizers.SGD(0.01)}

    def losses(self, batch, *, training):
        x = self.space.to_network(batch["image"])
        return sum(self.network(x, training=training)[:, 0] for _ in range(self.num_calls))


IMAGES = np.concatenate([tiny_images()["image"]] * 2)


def trained(batch_size=16, steps=3, **compile_arguments):
    keras.utils.set_random_seed(0)
    model = Noisy(num_calls=2)
    model.compile(seed=3, **compile_arguments)
    dataset = tf.data.Dataset.from_tensor_slices({"image": IMAGES}).batch(batch_size).repeat()
    model.fit(dataset, steps_per_epoch=steps, verbose=0)
    return model


class TestNoise:
    def test_integers_and_single_numbers(self):
        model = Noisy()
        model.compile(seed=0)
        draws = model.noise(6000, (), stream="a", distribution="integers", maximum=3)
        assert draws.dtype == tf.int32
        assert draws.shape == (6000,)
        assert np.abs(np.bincount(draws) - 2000).max() < 5 * np.sqrt(6000 * 2 / 9)
        assert model.noise(4, (), stream="b").shape == (4,)
        unit = model.noise(5000, (2,), stream="c", distribution="unit").numpy()
        assert 0 <= unit.min() < 0.01
        assert 0.99 < unit.max() < 1

    def test_layers_draw_anew_in_every_step_and_call_and_repeat_with_the_seed(self):
        model = Noisy()
        model.compile(seed=0)
        ones = tf.ones((4, 4))
        drop = next(layer for layer in model.network.layers if isinstance(layer, Dropout))
        first, second = drop(ones, training=True).numpy(), drop(ones, training=True).numpy()
        assert set(np.unique(first)) == {0.0, 2.0}
        assert not np.array_equal(first, second)
        model.step.assign_add(1)
        twin = Noisy()
        twin.compile(seed=0)
        drop = next(layer for layer in twin.network.layers if isinstance(layer, Dropout))
        np.testing.assert_array_equal(drop(ones, training=True), first)
        np.testing.assert_array_equal(drop(ones), ones)

    def test_parts_of_a_batch_and_replicas_draw_what_one_batch_draws(self, two_replicas):
        whole = trained()
        parts = trained(8, accumulate=2)
        with two_replicas.scope():
            keras.utils.set_random_seed(0)
            replicated = Noisy(num_calls=2)
            replicated.compile(seed=3)
        replicated.fit(
            tf.data.Dataset.from_tensor_slices({"image": IMAGES}).batch(16).repeat(), steps_per_epoch=3, verbose=0
        )
        for other in (parts, replicated):
            for a, b in zip(all_variables(other), all_variables(whole), strict=True):
                np.testing.assert_allclose(a, b, atol=1e-5)

    def test_a_layer_outside_of_a_compiled_model_is_one_line(self):
        with pytest.raises(ConfigError, match="draws noise in training: compile"):
            Dropout(0.5, name="lonely")(tf.ones((2, 2)), training=True)


class TestPriors:
    PRIOR = Joint(Normal(3), OneHot(4), Uniform(2))

    def test_a_joint_prior_in_numpy_in_the_graph_and_in_training(self):
        model = Noisy()
        model.compile(seed=0)
        draws = [
            self.PRIOR.sample(2000, seed=0),
            self.PRIOR.draw(2000, tf.constant([5, 0])).numpy(),
            self.PRIOR.noise(model, 2000, "latent").numpy(),
        ]
        for z in draws:
            normal, code, uniform = self.PRIOR.split(z)
            assert z.shape == (2000, 9)
            np.testing.assert_allclose([normal.mean(), normal.std()], [0, 1], atol=0.05)
            np.testing.assert_array_equal(code.sum(axis=1), 1)
            np.testing.assert_allclose(code.mean(axis=0), 0.25, atol=0.05)
            assert -1 <= uniform.min() < -0.95
            assert 0.95 < uniform.max() < 1

    def test_truncation_leaves_codes_alone(self):
        normal, code, uniform = self.PRIOR.split(self.PRIOR.sample(500, seed=0, truncation=0.3))
        assert max(np.abs(normal).max(), np.abs(uniform).max()) <= 0.3
        np.testing.assert_array_equal(code.sum(axis=1), 1)

    def test_the_input_of_an_endpoint_is_drawn_from_the_prior(self):
        one = self.PRIOR.input()
        assert one.shape == (None, 9)
        assert one.about == "3 standard normal, then 4 one-hot, then 2 uniform on [-1, 1)"
        np.testing.assert_array_equal(one.draw(np.random.default_rng(1), 5)[:, 3:7].sum(axis=1), 1)


class Classes(ConditionalLatentModel, Labelled, ZooModel):
    """Images as bright as their class, whatever the latents are, but for one pixel."""

    task = "image-generation"
    roles = {"generator": ("generator",)}

    def __init__(self, num_classes: int = 3, latent_dim: int = 2, **kwargs):
        super().__init__(**kwargs)
        self.image_shape = (4, 4, 1)
        inputs = keras.Input((latent_dim + num_classes,))
        self.generator = keras.Model(inputs, keras.layers.Dense(1)(inputs))

    def call(self, inputs, labels, training=False):
        brightness = tf.reshape(tf.cast(labels, tf.float32) / self.num_classes, [-1, 1, 1, 1])
        return brightness + 0.01 * tf.reshape(tf.sigmoid(inputs[:, 0]), [-1, 1, 1, 1]) * tf.ones((1, 4, 4, 1))

    def default_optimizers(self):
        return {"generator": keras.optimizers.SGD(0.1)}

    def losses(self, batch, *, training):
        z = self.noise(tf.shape(batch["label"])[0], (self.latent_dim,), stream="latent")
        return self.generator(tf.concat([z, one_hot(batch["label"], self.num_classes)], axis=1))[:, 0]

    @verb("next", labels="labels")
    def following(self, labels):
        """The class after each."""
        return (labels + 1) % self.num_classes


def classes_of(images):
    return (images[:, 0, 0, 0] * 3 + 1e-3).astype(int).tolist()


class TestClassesAskedFor:
    def test_each_class_in_turn_one_for_all_or_one_a_sample(self):
        model = Classes()
        assert classes_of(model.generate(5, seed=0)) == [0, 1, 2, 0, 1]
        assert classes_of(model.generate(3, seed=0, labels=2)) == [2, 2, 2]
        assert classes_of(model.generate(3, seed=0, labels=[2, 0, 1])) == [2, 0, 1]
        walks = model.interpolate(4, num_rows=3, seed=0)
        assert [classes_of(row) for row in walks] == [[0] * 4, [1] * 4, [2] * 4]

    def test_exported_inputs(self):
        endpoints = Classes().endpoints()
        assert list(endpoints["generate"].inputs) == ["z", "labels"]
        found = endpoints["generate"](z=np.zeros((2, 2)), labels=[2, 1])["images"].numpy()
        assert classes_of(found) == [2, 1]
        assert classes_of(endpoints["sample"](seed=0, num_samples=4)["images"].numpy()) == [0, 1, 2, 0]
        with pytest.raises(tf.errors.InvalidArgumentError, match="labels: at most 2 is expected, not"):
            endpoints["generate"](z=np.zeros((1, 2)), labels=[3])

    def test_a_verb_checks_labels(self):
        model = Classes()
        assert model.following([0, 2]).tolist() == [1, 0]
        with pytest.raises(DataError, match="labels from 0 to 3 where the model has 3 classes"):
            model.following([0, 3])

    @pytest.mark.parametrize(
        ("labels", "error", "message"),
        [
            (3, DataError, "labels from 3 to 3 where the model has 3 classes"),
            ([0, 1], ConfigError, r"labels of shape \(2,\) for 4 samples: one for all or one a sample"),
            (0.5, DataError, "labels of type float64"),
        ],
    )
    def test_labels_that_do_not_fit_are_one_line(self, labels, error, message):
        with pytest.raises(error, match=message):
            Classes().generate(4, labels=labels)
        assert asked_labels(None, 0, 3).shape == (0,)

    def test_a_model_without_classes_refuses_labels(self):
        with pytest.raises(ConfigError, match="labels = 1: DCGAN has no classes to ask for; leave labels out"):
            kerazoo.create("dcgan", image_shape=(16, 16, 1), filters=2).generate(2, labels=1)

    def test_training_needs_labels(self):
        model = Classes()
        model.compile(seed=0)
        images = np.zeros((4, 4, 4, 1), "uint8")
        with pytest.raises(DataError, match="no labels: this model learns from"):
            model.fit(images, verbose=0)
        model.fit(images, np.array([0, 1, 2, 0]), verbose=0)
