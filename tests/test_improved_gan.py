"""Claims of Salimans et al. 2016, section 3: each technique against its equation."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.layers.minibatch_discrimination import MinibatchDiscrimination
from kerazoo.layers.virtual_batch_normalization import VirtualBatchNormalization
from kerazoo.models.gans._past import kept
from kerazoo.utils.errors import ConfigError
from tests.zoo_rows import Row, Verb, assert_equal, tiny_images, values


def tiny_points(num=8):
    """Points on a circle."""
    angles = np.linspace(0, 2 * np.pi, num, endpoint=False)
    return {"points": np.stack([np.cos(angles), np.sin(angles)], axis=1).astype("float32")}


def reference(model, batch, noise):
    """DCGAN's losses with a target of 0.9 and closenesses in the minibatch, on one pass of the generator."""
    real = tf.cast(batch["image"], tf.float32) / 127.5 - 1.0
    z = noise("latent", (model.latent_dim,), "uniform")
    fake = model.generator(z, training=True)
    matrix = next(layer for layer in model.discriminator.layers if isinstance(layer, MinibatchDiscrimination)).kernel
    last = model.discriminator.get_layer("logits")

    def judge(images):
        features = model.discriminator(images, training=True)[0]
        rows = tf.reshape(features @ matrix, [8, 3, 2])
        closeness = tf.stack(
            [sum(tf.exp(-tf.reduce_sum(tf.abs(rows[i] - rows[j]), axis=1)) for j in range(8)) for i in range(8)]
        )
        return last(tf.concat([features, closeness], axis=1))[:, 0]

    def of_discriminator():
        real_logits, fake_logits = judge(real), judge(tf.stop_gradient(fake))
        on_real = -0.9 * tf.math.log_sigmoid(real_logits) - 0.1 * tf.math.log_sigmoid(-real_logits)
        return on_real - tf.math.log_sigmoid(-fake_logits)

    yield "discriminator", of_discriminator
    # The pass moves its moving averages once; the loss is of the same images.
    weights = [(v, v.numpy()) for v in model.generator.non_trainable_variables]

    def of_generator():
        logits = judge(model.generator(z, training=True))
        for variable, value in weights:
            variable.assign(value)
        return -tf.math.log_sigmoid(logits)

    yield "generator", of_generator


def matching_reference(model, batch, noise):
    """The minimax loss of points; the generator matches the features of the discriminator as it was before."""
    z = noise("latent", (model.latent_dim,), "uniform")
    fake = tf.stop_gradient(model.generator(z, training=True))
    before = [tf.identity(v.value) for v in model.discriminator.weights]

    def of_discriminator():
        real_logits, fake_logits = (perceptron(x, model.discriminator.weights)[1] for x in (batch["points"], fake))
        return -tf.math.log_sigmoid(real_logits) - tf.math.log_sigmoid(-fake_logits)

    yield "discriminator", of_discriminator

    def of_generator():
        points = batch["points"], model.generator(z, training=True)
        means = [tf.reduce_mean(perceptron(x, before)[0], axis=0) for x in points]
        return tf.fill([8], tf.reduce_mean((means[0] - means[1]) ** 2))

    yield "generator", of_generator


def perceptron(x, weights):
    """Features and logits of two hidden layers."""
    kernel_1, bias_1, kernel_2, bias_2, kernel_3, bias_3 = map(tf.convert_to_tensor, weights)
    features = tf.nn.relu(tf.nn.relu(x @ kernel_1 + bias_1) @ kernel_2 + bias_2)
    return features, (features @ kernel_3 + bias_3)[:, 0]


TINY = {"image_shape": (16, 16, 1), "latent_dim": 5, "filters": 4, "kernel_size": 3}
POINTS = {"num_features": 2, "latent_dim": 2, "generator_units": (6,), "discriminator_units": (6, 4)}
COMMON = {
    "mechanism": "gan",
    "sample": lambda model, seed: model.generate(3, seed=seed),
    "falling": ("discriminator_loss",),
    "learners": ("discriminator",),
}

ROWS = {
    "improved_gan": Row(
        **COMMON,
        arguments=TINY | {"minibatch_kernels": 3, "minibatch_kernel_dim": 2, "label_smoothing": 0.1},
        batch=tiny_images,
        # DCGAN's generator and discriminator, with a matrix of 128 x (3 x 2) and three more inputs of the last layer
        parameters=(640 + 288 + 37 + 4 * 12) + (40 + 288 + 32 + 128 * 6 + (128 + 3 + 1)),
        verbs={"generate": Verb(lambda model, batch: model.generate(3, seed=0), (3, 16, 16, 1), (0, 1))},
        reference=reference,
        litert_fixed={"generate"},
    ),
    "improved_gan@past": Row(
        **COMMON,
        arguments=POINTS
        | {"feature_matching": True, "normalization": "virtual", "reference_size": 4}
        | {"historical_averaging": 0.1, "replay_size": 8, "opponent_period": 3, "opponent_rate": 1.0},
        batch=tiny_points,
        # generator: a reference of 4 x 2, layers of 2 x 6 without and 6 x 2 with bias, 6 scales and shifts;
        # discriminator: layers of 2 x 6, 6 x 4 and 4 x 1
        parameters=(8 + 12 + 14 + 12) + (18 + 28 + 5),
        verbs={"generate": Verb(lambda model, batch: model.generate(3, seed=0), (3, 2))},
        source="ring",
        reference=matching_reference,
    ),
}


def points_model(**arguments):
    keras.utils.set_random_seed(0)
    model = kerazoo.create("improved_gan", **POINTS, **arguments)
    model.compile({role: keras.optimizers.SGD(0.05) for role in model.roles}, seed=0)
    return model


def history_of(model, network, num_steps):
    """The network's weights at the beginning of each step of training on the same points."""
    seen = []
    for _ in range(num_steps):
        seen.append(values(network.weights))
        model.train_on_batch(tiny_points())
    return seen


def test_closeness_is_a_sum_of_exponentials_of_distances():
    """Section 3.2: c_b(x_i, x_j) = exp(-|M_ib - M_jb|_1), o(x_i)_b = sum_j c_b(x_i, x_j)."""
    rng = np.random.default_rng(0)
    layer = MinibatchDiscrimination(3, 2)
    x = rng.standard_normal((6, 5)).astype("float32")
    found = layer(x).numpy()
    matrices = np.einsum("ia,abc->ibc", x, layer.kernel.numpy().reshape(5, 3, 2))
    expected = [[sum(np.exp(-abs(a[b] - c[b]).sum()) for c in matrices) for b in range(3)] for a in matrices]
    np.testing.assert_allclose(found[:, :5], x)
    np.testing.assert_allclose(found[:, 5:], expected, rtol=1e-5)
    np.testing.assert_allclose(layer(np.repeat(x[:1], 6, axis=0))[:, 5:], 6.0)  # a collapsed batch


@pytest.mark.parametrize("places", [(), (3, 2)])
def test_virtual_batch_normalisation_takes_the_reference_and_the_example(places):
    rng = np.random.default_rng(0)
    layer = VirtualBatchNormalization(4, epsilon=0.0)
    x = rng.standard_normal((4 + 3, *places, 2)).astype("float32")
    found = layer(x).numpy()
    axes = tuple(range(x.ndim - 1))
    reference = x[:4]
    mean, square = reference.mean(axis=axes), (reference**2).mean(axis=axes)
    np.testing.assert_allclose(found[:4], (reference - mean) / np.sqrt(square - mean**2), rtol=1e-3, atol=1e-4)
    for one, result in zip(x[4:], found[4:], strict=True):
        own = one.mean(axis=axes[1:] and tuple(range(one.ndim - 1))) if places else one
        own_square = (one**2).mean(axis=(0, 1)) if places else one**2
        m, s = 0.8 * mean + 0.2 * own, 0.8 * square + 0.2 * own_square
        np.testing.assert_allclose(result, (one - m) / np.sqrt(s - m**2), rtol=1e-3, atol=1e-4)


def test_with_virtual_batch_normalisation_examples_do_not_depend_on_each_other():
    model = kerazoo.create("improved_gan", **TINY, normalization="virtual", reference_size=6)
    z = model.latent_prior.sample(5, seed=0)
    together = model.generator(z, training=True)
    np.testing.assert_allclose(together[:2], model.generator(z[:2], training=True), atol=1e-6)
    np.testing.assert_allclose(model.decode(z), (together.numpy() + 1) / 2, atol=1e-6)  # in use as in training


def test_historical_averaging_costs_the_square_distance_from_the_average_so_far():
    model = points_model(historical_averaging=0.5)
    seen = history_of(model, model.discriminator, 4)
    averages = kept(model, "average_discriminator", model.discriminator.weights)
    expected = [np.mean(steps, axis=0) for steps in zip(*seen, strict=True)]
    for average, mean in zip(averages, expected, strict=True):
        np.testing.assert_allclose(average.numpy(), mean, atol=1e-6)
    pairs = zip(values(model.discriminator.weights), expected, strict=True)
    cost = 0.5 * sum(((weight - mean) ** 2).sum() for weight, mean in pairs)
    assert cost > 1e-6
    assert float(model._historical_cost("discriminator")) == pytest.approx(cost, rel=1e-3)


def test_the_opponent_is_a_copy_of_every_so_many_steps():
    model = points_model(opponent_period=3)
    seen = history_of(model, model.discriminator, 5)  # copied before steps 0 and 3
    assert_equal(values(kept(model, "opponent", model.discriminator.weights)), seen[3])


def test_the_generator_plays_against_the_copy_in_some_steps():
    points = tf.constant(tiny_points()["points"])
    for rate in (0.0, 1.0):
        model = points_model(opponent_period=100, opponent_rate=rate)
        copy, *_ = history_of(model, model.discriminator, 3)
        weights = copy if rate else values(model.discriminator.weights)
        np.testing.assert_allclose(model._opponent(True)(points)[1][:, 0], perceptron(points, weights)[1], atol=1e-6)


def test_the_discriminator_is_shown_generated_examples_of_earlier_steps():
    model = points_model(replay_size=8)
    first, second = np.zeros((8, 2), "float32"), np.ones((8, 2), "float32")
    np.testing.assert_array_equal(model.shown(tf.constant(first)), first)  # the pool fills
    shown = model.shown(tf.constant(second)).numpy()[:, 0]
    assert 0 < shown.sum() < 8
    assert model.state("pool").numpy()[:, 0].sum() > 0


def test_every_technique_is_off_by_default():
    """Then it is DCGAN."""
    arguments = {**TINY, "dtype": "float32"}
    networks = []
    for name in ("improved_gan", "dcgan"):
        keras.utils.set_random_seed(0)
        model = kerazoo.create(name, **arguments)
        model.compile(seed=0)
        model.fit(tiny_images(), batch_size=8, epochs=2, verbose=0)
        networks.append(values(model.weights))
    assert_equal(*networks)


def test_instance_normalisation_is_of_images():
    model = kerazoo.create("improved_gan", **TINY, normalization="instance")
    names = [type(layer).__name__ for network in (model.generator, model.discriminator) for layer in network.layers]
    assert names.count("InstanceNormalization") == 3
    assert "BatchNormalization" not in names
    with pytest.raises(ConfigError, match="instance normalisation is of images"):
        kerazoo.create("improved_gan", **POINTS, normalization="instance")
