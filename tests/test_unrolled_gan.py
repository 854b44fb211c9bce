"""Claims of Metz et al. 2017: the generator's gradient flows through the discriminator's own next updates."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.base.functional_updates import functional_updates
from kerazoo.utils.errors import ConfigError
from tests.zoo_rows import Row, Verb, tiny_points


def reference(model, batch, noise):
    """Equations 1 and 10 for gradient descent, on weights in plain lists."""
    real, z = batch["points"], noise("latent", (model.latent_dim,))
    rate = model.optimizers["discriminator"].learning_rate

    def game(weights, fake):
        kernel, bias, last, last_bias = weights
        judged = [tf.sigmoid(tf.nn.relu(x @ kernel + bias) @ last + last_bias)[:, 0] for x in (real, fake)]
        return -tf.math.log(judged[0]) - tf.math.log(1 - judged[1])

    yield "discriminator", lambda: game(model.discriminator.trainable_variables, tf.stop_gradient(model.generator(z)))

    def of_generator():
        fake = model.generator(z)
        weights = [tf.convert_to_tensor(variable) for variable in model.discriminator.trainable_variables]
        for _ in range(model.unrolling_steps):
            with tf.GradientTape() as tape:
                tape.watch(weights)
                loss = tf.reduce_mean(game(weights, fake))
            weights = [w - rate * g for w, g in zip(weights, tape.gradient(loss, weights), strict=True)]
        return -game(weights, fake)

    yield "generator", of_generator


ROWS = {
    "unrolled_gan": Row(
        arguments={
            "num_features": 2,
            "latent_dim": 3,
            "generator_units": (8,),
            "discriminator_units": (8,),
            "unrolling_steps": 2,
        },
        batch=tiny_points,
        parameters=(4 * 8 + 9 * 2) + (3 * 8 + 9),  # 3 -> 8 -> 2 and 2 -> 8 -> 1
        verbs={
            "generate": Verb(lambda model, batch: model.generate(3, seed=0), (3, 2)),
            "discriminate": Verb(lambda model, batch: model.discriminate(batch["points"]), (8,), (0, 1)),
        },
        mechanism="gan",
        sample=lambda model, seed: model.generate(3, seed=seed),
        falling=("discriminator_loss",),
        learners=("discriminator",),
        source="ring",
        reference=reference,
    ),
}


def trained(**arguments):
    """A tiny model after a few steps, so that Adam's moments are not zero; its discriminator learns fast."""
    keras.utils.set_random_seed(0)
    model = kerazoo.create("unrolled_gan", **{**ROWS["unrolled_gan"].arguments, **arguments})
    model.compile({"discriminator": keras.optimizers.Adam(0.05, beta_1=0.5)}, seed=0, run_eagerly=True)
    model.fit(tiny_points(32)["points"], batch_size=8, epochs=2, verbose=0)
    return model


REAL = tf.constant(tiny_points(16)["points"])
Z = tf.constant(np.random.default_rng(1).normal(size=(16, 3)).astype("float32"))


class TestUnrolling:
    def test_the_gradient_agrees_with_finite_differences(self):
        """Through five updates of Adam, in directions of all of the generator's weights together."""
        model = trained(unrolling_steps=5)
        variables = model.generator.trainable_variables
        loss = lambda: tf.reduce_mean(model.generator_loss({"real": REAL}, model.generator(Z)))  # noqa: E731
        with tf.GradientTape() as tape:
            value = loss()
        gradients = tape.gradient(value, variables)
        with tf.GradientTape() as tape:
            fixed = model.unrolled_weights(REAL, tf.stop_gradient(model.generator(Z)))
            value = -tf.reduce_mean(model._game(fixed, REAL, model.generator(Z)))
        partial = tape.gradient(value, variables)
        start, rng, h = [v.numpy() for v in variables], np.random.default_rng(2), 1e-4
        for _ in range(3):
            direction = [rng.normal(size=s.shape).astype("float32") for s in start]
            ends = []
            for sign in (1, -1):
                for variable, s, d in zip(variables, start, direction, strict=True):
                    variable.assign(s + sign * h * d)
                ends.append(float(loss()))
            for variable, s in zip(variables, start, strict=True):
                variable.assign(s)
            along = [
                sum(float(tf.reduce_sum(g * d)) for g, d in zip(gs, direction, strict=True))
                for gs in (gradients, partial)
            ]
            measured = (ends[0] - ends[1]) / (2 * h)
            assert along[0] == pytest.approx(measured, rel=0.02, abs=1e-3)
            # What the unrolled updates add is no rounding error.
            assert abs(along[1] - measured) > 0.05 * abs(measured)

    def test_unrolled_weights_are_those_of_as_many_updates(self):
        model = trained(unrolling_steps=3)
        fake = model.generator(Z)
        unrolled = model.unrolled_weights(REAL, fake)
        variables = model.discriminator.trainable_variables
        before = [v.numpy() for v in variables]
        for _ in range(3):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(model.discriminator_loss({"real": REAL}, fake))
            model.optimizers["discriminator"].apply(tape.gradient(loss, variables), variables)
        for found, variable, start in zip(unrolled, variables, before, strict=True):
            np.testing.assert_allclose(found, variable, atol=2e-5)
            assert not np.allclose(found, start, atol=1e-3)

    def test_the_discriminator_moves_one_step(self):
        model = trained()
        iterations = {role: int(optimizer.iterations.numpy()) for role, optimizer in model.optimizers.items()}
        assert iterations == {"discriminator": 8, "generator": 8}

    def test_without_unrolling_it_is_the_minimax_game(self):
        model = trained(unrolling_steps=0)
        fake = model.generator(Z)
        found = model.generator_loss({"real": REAL}, fake)
        np.testing.assert_allclose(found, -model.discriminator_loss({"real": REAL}, fake), rtol=1e-6)

    def test_weights_whose_gradient_has_always_been_zero_give_finite_gradients(self):
        model = trained()
        model.optimizers["discriminator"]._velocities[0].assign(tf.zeros((2, 8)))
        model.discriminator.layers[-1].kernel.assign(tf.zeros((8, 1)))
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model.generator_loss({"real": REAL}, model.generator(Z)))
        assert all(np.isfinite(g).all() for g in tape.gradient(loss, model.generator.trainable_variables))


@pytest.mark.parametrize(
    "optimizer",
    [
        keras.optimizers.Adam(0.1, beta_1=0.5, epsilon=1e-3),
        keras.optimizers.SGD(0.1),
        keras.optimizers.SGD(0.1, momentum=0.9),
    ],
    ids=["adam", "sgd", "momentum"],
)
def test_functional_updates_are_the_optimizer_s(optimizer):
    rng = np.random.default_rng(0)
    variables = [keras.Variable(rng.normal(size=shape).astype("float32")) for shape in ((2, 3), (3,))]
    optimizer.build(variables)
    gradients = [[tf.constant(rng.normal(size=v.shape), tf.float32) for v in variables] for _ in range(4)]
    optimizer.apply(gradients[0], variables)
    weights, update = [v.value for v in variables], functional_updates(optimizer)(variables)
    weights = [tf.identity(w) for w in weights]
    for some in gradients[1:]:
        weights = update(weights, some)
        optimizer.apply(some, variables)
    for found, variable in zip(weights, variables, strict=True):
        np.testing.assert_allclose(found, variable, rtol=1e-5)


def test_another_optimizer_is_one_line():
    model = kerazoo.create("unrolled_gan", **ROWS["unrolled_gan"].arguments)
    for optimizer, message in [
        (keras.optimizers.RMSprop(), "optimizer RMSprop: updates .* are written for Adam and SGD"),
        (keras.optimizers.Adam(amsgrad=True), "optimizer Adam with amsgrad"),
    ]:
        with pytest.raises(ConfigError, match=message):
            model.compile({"discriminator": optimizer})
