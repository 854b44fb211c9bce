"""The claims of Gulrajani et al. 2017 about WGAN-GP, checked on penalty, critic, updates and the ring of Gaussians."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import kerazoo
from kerazoo.data import open_source
from kerazoo.layers.convolutions import Conv2D
from kerazoo.losses import (
    gradient_norms,
    gradient_penalty,
    interpolates,
    wasserstein_critic_loss,
    wasserstein_generator_loss,
)
from kerazoo.networks.dense import build_mlp
from kerazoo.utils.errors import ConfigError, DataError
from tests.zoo_rows import Row, Verb, tiny_images

LATENTS = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")

ROWS = {
    "wgan_gp": Row(
        arguments={"image_shape": (16, 16, 1), "latent_dim": 5, "filters": 4, "kernel_size": 3, "n_critic": 2},
        batch=tiny_images,
        # generator as DCGAN's; critic: 3x3 kernels 1 -> 4 and 4 -> 8 with biases, and 4 x 4 x 8 -> 1 without
        parameters=(640 + 288 + 37 + 4 * 12) + (40 + 296 + 128),
        verbs={
            "generate": Verb(lambda model, batch: model.generate(3, seed=0), (3, 16, 16, 1), (0, 1)),
            "interpolate": Verb(
                lambda model, batch: model.interpolate(4, num_rows=2, seed=0), (2, 4, 16, 16, 1), (0, 1)
            ),
            "critic_values": Verb(lambda model, batch: model.critic_values(batch["image"]), (8,)),
            "gradient_norms": Verb(lambda model, batch: model.gradient_norms(batch["image"]), (8,), (0, np.inf)),
        },
        sample=lambda model, seed: model.generate(3, seed=seed),
        falling=("critic_loss",),
        learners=("critic",),
        same=(("generate", {"z": LATENTS}, lambda model: model.decode(LATENTS)),),
        mechanism="gan with several updates",
        litert_fixed={"generate"},
        slow={"litert"},
    ),
}


def images(**arguments):
    keras.utils.set_random_seed(0)
    return kerazoo.create("wgan_gp", **{**ROWS["wgan_gp"].arguments, **arguments})


def points(**arguments):
    keras.utils.set_random_seed(0)
    tiny = {
        "num_features": 2,
        "latent_dim": 3,
        "generator_units": (8,),
        "critic_units": (8, 8),
        "n_critic": 2,
    }
    return kerazoo.create("wgan_gp", **{**tiny, **arguments})


def some_points(num=8, width=2):
    return np.random.default_rng(0).normal(size=(num, width)).astype("float32")


class TestLosses:
    real, fake = np.array([[1.0], [2.0]], "float32"), np.array([[0.5], [-3.0]], "float32")

    def test_wasserstein(self):
        np.testing.assert_array_equal(wasserstein_critic_loss(self.real, self.fake), [-0.5, -5.0])
        np.testing.assert_array_equal(wasserstein_generator_loss(self.fake), [-0.5, 3.0])

    def test_norms_of_analytic_critics(self):
        x = tf.constant(some_points())
        slope = tf.constant([[3.0], [4.0]])
        np.testing.assert_allclose(gradient_norms(lambda x: x @ slope, x), np.full(8, 5.0), rtol=1e-6)
        quadratic = gradient_norms(lambda x: tf.reduce_sum(x**2, axis=1), x)  # the gradient of |x|^2 is 2 x
        np.testing.assert_allclose(quadratic, 2 * np.linalg.norm(x, axis=1), rtol=1e-6)
        of_images = gradient_norms(lambda x: tf.reduce_sum(x, axis=(1, 2, 3)), tf.zeros((2, 3, 4, 1)))
        np.testing.assert_allclose(of_images, np.full(2, np.sqrt(12)), rtol=1e-6)

    def test_penalty_is_two_sided(self):
        np.testing.assert_allclose(gradient_penalty([0.0, 0.5, 1.0, 1.5, 3.0]), [1, 0.25, 0, 0.25, 4])

    def test_double_backprop(self):
        """For f(x) = w.x the penalty is (|w| - 1)^2, whose derivative is 2 (|w| - 1) w / |w|, and zero at w = 0."""
        for slope in ([3.0, 4.0], [0.3, 0.4], [0.0, 0.0]):
            w = tf.Variable(np.array(slope, "float32")[:, None])
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(gradient_penalty(gradient_norms(lambda x, w=w: x @ w, tf.ones((5, 2)))))
            norm = np.linalg.norm(slope)
            expected = 2 * (norm - 1) * np.array(slope) / max(norm, 1.0 if norm == 0 else norm)
            np.testing.assert_allclose(tape.gradient(loss, w)[:, 0], expected, rtol=1e-5, atol=1e-6)

    def test_derivative_of_a_network_s_penalty_agrees_with_finite_differences(self):
        keras.utils.set_random_seed(0)
        critic, x = build_mlp(2, (6, 6), 1, activation="tanh"), tf.constant(some_points())
        loss = lambda: tf.reduce_sum(gradient_penalty(gradient_norms(critic, x)))  # noqa: E731
        with tf.GradientTape() as tape:
            value = loss()
        kernel = critic.trainable_variables[0]
        gradient = tape.gradient(value, kernel).numpy()
        start, h = kernel.numpy(), 1e-2
        for place in ((0, 0), (1, 3), (0, 5)):
            moved = [start.copy(), start.copy()]
            moved[0][place] += h
            moved[1][place] -= h
            up, down = (kernel.assign(m) is None or float(loss()) for m in moved)
            assert gradient[place] == pytest.approx((up - down) / (2 * h), rel=0.02, abs=2e-3)

    def test_interpolates_lie_between(self):
        real, fake = tf.ones((3, 2, 2, 1)), -tf.ones((3, 2, 2, 1))
        found = interpolates(real, fake, tf.constant([[0.0], [0.25], [1.0]])).numpy()
        np.testing.assert_allclose(found, np.broadcast_to(np.reshape([-1, -0.5, 1], (3, 1, 1, 1)), found.shape))


class TestNetworks:
    def test_no_normalisation_in_the_critic(self):
        model = images(image_shape=(32, 32, 3))
        weighted = {type(layer) for layer in model.critic.layers if layer.weights}
        assert weighted == {Conv2D, layers.Dense}
        assert all(layer.use_bias for layer in model.critic.layers if isinstance(layer, layers.Conv2D))
        assert any(isinstance(layer, layers.BatchNormalization) for layer in model.generator.layers)
        assert {type(layer) for layer in points().critic.layers} == {layers.InputLayer, layers.Dense}

    def test_value_of_an_example_depends_on_it_alone(self):
        model, batch = images(), tiny_images()["image"]
        np.testing.assert_allclose(model.critic_values(batch)[:1], model.critic_values(batch[:1]), rtol=1e-5)

    def test_paper_defaults(self):
        model = kerazoo.create("wgan_gp", num_features=2)
        assert (model.n_critic, model.gradient_penalty_weight) == (5, 10.0)
        for optimizer in model.default_optimizers().values():
            assert isinstance(optimizer, keras.optimizers.Adam)
            assert float(optimizer.learning_rate.numpy()) == pytest.approx(1e-4)
            assert (optimizer.beta_1, optimizer.beta_2) == (0.0, 0.9)

    @pytest.mark.parametrize("arguments", [{}, {"image_shape": (16, 16, 1), "num_features": 2}])
    def test_images_or_points(self, arguments):
        with pytest.raises(ConfigError, match="one of image_shape and num_features"):
            kerazoo.create("wgan_gp", **arguments)

    def test_arguments_that_the_data_determine(self):
        cls = type(points())
        assert cls.arguments_from(open_source("ring"), {}) == {"num_features": 2}
        assert cls.arguments_from(open_source("digits"), {}) == {"image_shape": [16, 16, 1]}
        of_digits, of_ring = {"image_shape": [16, 16, 1]}, {"num_features": 2}
        assert cls.arguments_from(open_source("ring"), of_digits) == {"num_features": 2, "image_shape": None}
        assert cls.arguments_from(open_source("digits"), of_ring) == {"image_shape": [16, 16, 1], "num_features": None}


class TestTraining:
    def test_every_critic_update_has_its_own_real_examples(self):
        model = points(n_critic=3)
        rows = {"real": tf.reshape(tf.range(12.0), (12, 1))}
        assert [part["real"][:, 0].numpy().tolist() for part in model._parts(rows)] == [
            [0, 3, 6, 9],
            [1, 4, 7, 10],
            [2, 5, 8, 11],
        ]
        assert [len(part["real"]) for part in model._parts({"real": rows["real"][:7]})] == [3, 2, 2]

    def test_fewer_examples_than_updates(self):
        model = points(n_critic=5)
        few = {"real": tf.constant([[7.0], [8.0]])}
        assert [part["real"][:, 0].numpy().tolist() for part in model._parts(few)] == [
            [7],
            [8],
            [7],
            [8],
            [7],
        ]
        model.compile(seed=0, run_eagerly=True)
        history = model.fit(tf.data.Dataset.from_tensors(some_points(2)), verbose=0).history
        assert all(np.isfinite(values).all() for values in history.values())

    def test_batch_size_counts_the_examples_of_one_update(self):
        model, seen = points(), []
        model.compile(seed=0, run_eagerly=True)  # so that the examples can be looked at
        loss = model.discriminator_loss
        model.discriminator_loss = lambda batch, fake: (seen.append(batch["real"].numpy()), loss(batch, fake))[1]
        data = some_points(12)
        model.fit(data, batch_size=3, epochs=1, verbose=0)
        assert [part.shape for part in seen] == [(3, 2)] * 4
        np.testing.assert_array_equal(np.sort(np.concatenate(seen), axis=0), np.sort(data, axis=0))

    def test_critic_is_updated_n_critic_times(self):
        model = points(n_critic=3)
        model.compile(seed=0, run_eagerly=True)
        model.fit(some_points(18), batch_size=2, epochs=1, verbose=0)
        assert int(model.step.numpy()) == 3
        assert int(model.optimizers["critic"].iterations.numpy()) == 9
        assert int(model.optimizers["generator"].iterations.numpy()) == 3
        assert (model.updates_per_step("critic"), model.updates_per_step("generator")) == (3, 1)

    def test_positions_are_uniform_and_one_an_example(self):
        model = points()
        model.compile(seed=0, run_eagerly=True)
        batch = {"real": tf.zeros((20_000, 2))}
        positions = model.draw(batch, str)["position"].numpy()
        assert positions.shape == (20_000, 1)
        assert positions.min() >= 0
        assert positions.max() < 1
        counts = np.histogram(positions, 10, (0, 1))[0]
        assert np.abs(counts - 2000).max() < 5 * np.sqrt(2000)  # a normal would pile up
        assert not np.allclose(positions, model.draw(batch, "test_{}".format)["position"])

    def test_a_step_equals_its_plain_second_implementation(self):
        model, twin = points(), points()
        model.compile({role: keras.optimizers.SGD(0.01) for role in model.roles}, seed=5, run_eagerly=True)
        x = some_points(6)
        noise = {name: model.noise(3, (3,), stream=f"latent_{name}") for name in (0, 1, "generator")}
        positions = [(model.noise(3, (1,), stream=f"position_{k}", distribution="uniform") + 1) / 2 for k in (0, 1)]

        def descend(network, tape, loss):
            variables = network.trainable_variables
            for v, g in zip(variables, tape.gradient(loss, variables), strict=True):
                v.assign_sub(0.01 * g)

        for k in (0, 1):
            fake = twin.generator(noise[k])
            between = positions[k] * x[k::2] + (1 - positions[k]) * fake
            with tf.GradientTape() as tape:
                with tf.GradientTape() as inner:
                    inner.watch(between)
                    value = twin.critic(between)
                norm = tf.norm(inner.gradient(value, between), axis=1)
                loss = tf.reduce_mean(twin.critic(fake)) - tf.reduce_mean(twin.critic(x[k::2]))
                loss += 10 * tf.reduce_mean((norm - 1) ** 2)
            descend(twin.critic, tape, loss)
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(twin.critic(twin.generator(noise["generator"])))
        descend(twin.generator, tape, loss)

        model.fit(x, batch_size=3, epochs=1, verbose=0, shuffle=False)
        for found, expected in zip(model.trainable_variables, twin.trainable_variables, strict=True):
            np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=2e-6)

    def test_the_critic_alone_finds_the_distance(self):
        """Two points at distance 2: the best critic has slope 1 between them, up to the penalty's slack."""
        model = points(critic_units=(32, 32), latent_dim=1)
        for variable in model.generator.trainable_variables:
            variable.assign(tf.zeros_like(variable))
        model.compile({"generator": keras.optimizers.SGD(0.0), "critic": keras.optimizers.Adam(3e-3)}, seed=0)
        x = np.tile(np.array([[2.0, 0.0]], "float32"), (64, 1))
        model.fit(x, batch_size=32, steps_per_epoch=120, verbose=0)
        logs = model.fit(x, batch_size=32, steps_per_epoch=10, verbose=0).history
        # f(x) - f(0) - 10 (f' - 1)^2 is largest at f' = 1 + 2 / 20
        assert logs["gradient_norm"][0] == pytest.approx(1.1, abs=0.03)
        assert logs["wasserstein"][0] == pytest.approx(2.2, abs=0.06)

    @pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
    def test_norms_in_mixed_precision(self, precision):
        exact, mixed, batch = images(), images(dtype=precision), tiny_images()["image"]
        np.testing.assert_allclose(mixed.gradient_norms(batch), exact.gradient_norms(batch), rtol=0.05)


class TestVerbs:
    def test_points(self):
        model = points(num_features=3)
        assert (model.batch_key, model.task, model.example_shape()) == ("points", "point-generation", (3,))
        assert model.generate(5, seed=0).shape == (5, 3)
        assert model.interpolate(4, num_rows=2, seed=0).shape == (2, 4, 3)
        x = some_points(7, 3)
        np.testing.assert_allclose(model.critic_values(x), model.critic(x).numpy()[:, 0], rtol=1e-5)
        with pytest.raises(DataError, match="points of shape"):
            model.critic_values(some_points())

    def test_gradient_norms_by_hand(self):
        model, x = points(), some_points(5)
        rng = np.random.default_rng(4)
        fake = model.generator(rng.standard_normal((5, 3), "float32"))
        u = rng.random((5, 1), "float32")
        expected = gradient_norms(model.critic, u * x + (1 - u) * fake)
        np.testing.assert_allclose(model.gradient_norms(x, seed=4), expected, rtol=1e-5)
        assert not np.allclose(model.gradient_norms(x, seed=4), model.gradient_norms(x, seed=5))
