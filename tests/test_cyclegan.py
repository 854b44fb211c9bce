"""CycleGAN's own claims: networks, pool, losses and the order of the updates; translation of digits; its task."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.data import Unpaired, from_arrays, open_source
from kerazoo.layers.instance_normalization import InstanceNormalization
from kerazoo.losses import least_squares_discriminator_loss, least_squares_generator_loss
from kerazoo.networks.image_translation import _reflect, build_patch_discriminator, build_residual_generator
from kerazoo.utils.errors import ConfigError, DataError
from kerazoo.utils.images import as_float_array
from tests.zoo_rows import Row, Verb, tiny_domains

COLOUR = np.random.default_rng(0).random((4, 16, 16, 3), np.float32)

ROWS = {
    "cyclegan": Row(
        arguments={
            "image_shape": (16, 16, 3),
            "filters": 2,
            "num_blocks": 1,
            "num_downsamplings": 1,
            "pool_size": 5,
            "discriminator_filters": 2,
            "discriminator_layers": 1,
        },
        batch=tiny_domains,
        # without biases, but in the last layers and a discriminator's first: generators 7x7 3 -> 2, 3x3 2 -> 4, twice
        # 3x3 4 -> 4, 3x3 4 -> 2, 7x7 2 -> 3; discriminators 4x4 3 -> 2, 2 -> 4, 4 -> 1
        parameters=2 * (294 + 72 + 2 * 144 + 72 + 297) + 2 * (98 + 128 + 65),
        verbs={
            "a_to_b": Verb(lambda model, batch: model.translate(batch["a"]), (8, 16, 16, 3), (0, 1)),
            "b_to_a": Verb(lambda model, batch: model.translate(batch["b"], "b_to_a"), (8, 16, 16, 3), (0, 1)),
            "cycle": Verb(lambda model, batch: model.cycle(batch["b"], "b_to_a"), (8, 16, 16, 3), (0, 1)),
        },
        falling=("generators_loss", "cycle_l1"),
        source="twins:digits",
        same=(
            ("translate", {"images": COLOUR}, lambda model: model.translate(COLOUR)),
            ("translate_b_to_a", {"images": COLOUR}, lambda model: model.translate(COLOUR, "b_to_a")),
            ("cycle", {"images": COLOUR}, lambda model: model.cycle(COLOUR)),
            ("cycle_b_to_a", {"images": COLOUR}, lambda model: model.cycle(COLOUR, "b_to_a")),
        ),
        mechanism="image translation",
        represents=True,
        litert_fixed={"translate", "translate_b_to_a", "cycle", "cycle_b_to_a"},
        slow={"litert"},
    ),
}


TINY = ROWS["cyclegan"].arguments


def tiny(optimizers=None, **arguments):
    """A model that runs eagerly: one step is sooner done than traced."""
    keras.utils.set_random_seed(0)
    model = kerazoo.create("cyclegan", **{**TINY, **arguments})
    model.compile(optimizers, seed=1, run_eagerly=True)
    return model


# === Networks ===


def test_the_networks_have_the_sizes_of_the_authors_code():
    # Their convolutions have biases, which the normalisation after them takes away again: 5,248 and 896 numbers.
    assert build_residual_generator((256, 256, 3), 64, 9, 2).count_params() == 11_378_179 - 5_248
    assert build_patch_discriminator((256, 256, 3), 64, 3).count_params() == 2_764_737 - 896
    assert build_patch_discriminator((256, 256, 3), 64, 3).output_shape == (None, 30, 30, 1)


@pytest.mark.parametrize(("num_layers", "patch"), [(1, 16), (2, 34), (3, 70)])
def test_a_score_sees_a_patch(num_layers, patch):
    network = build_patch_discriminator((96, 96, 1), 4, num_layers)
    # Instance normalisation sees the whole image through its mean: the convolutions alone are asked.
    asked = (keras.layers.Conv2D, keras.layers.ZeroPadding2D)
    kernels = [layer for layer in network.layers if isinstance(layer, asked)]
    x = tf.Variable(tf.ones((1, 96, 96, 1)))
    with tf.GradientTape() as tape:
        y = x
        for layer in kernels:
            y = layer(y)
        score = y[0, y.shape[1] // 2, y.shape[2] // 2, 0]
    seen = np.flatnonzero(np.abs(tape.gradient(score, x).numpy()).sum(axis=(0, 2, 3)))
    assert seen[-1] - seen[0] + 1 == patch


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_instance_normalisation_is_keras_group_normalisation(dtype):
    layer = InstanceNormalization(dtype=dtype)
    keras_layer = keras.layers.GroupNormalization(-1, epsilon=1e-5, center=False, scale=False, dtype=dtype)
    rng = np.random.default_rng(0)
    x, upstream = tf.constant(rng.normal(3, 2, (2, 5, 4, 3)), layer.compute_dtype), rng.normal(size=(2, 5, 4, 3))
    results = []
    for one in (layer, keras_layer):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = one(x)
            loss = tf.reduce_sum(tf.cast(y, tf.float32) * upstream.astype("float32"))
        assert y.dtype == layer.compute_dtype
        results.append([tf.cast(value, tf.float32).numpy() for value in (y, tape.gradient(loss, x))])
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5 if dtype == "float32" else 0.05)
    assert layer.weights == []
    assert InstanceNormalization.from_config(layer.get_config()).epsilon == 1e-5


def test_reflection():
    x = np.arange(60, dtype="float32").reshape(1, 5, 4, 3)
    padded = np.pad(x, [(0, 0), (2, 2), (2, 2), (0, 0)], mode="reflect")
    np.testing.assert_array_equal(_reflect(tf.constant(x), 2), padded)


def test_every_kernel_has_values_of_its_own():
    model = kerazoo.create("cyclegan", **TINY | {"num_blocks": 2})
    kernels = [v.numpy() for v in model.trainable_variables if v.name == "kernel"]
    for i, kernel in enumerate(kernels):
        assert not any(np.array_equal(kernel, other) for other in kernels[:i])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_shape": (18, 18, 3), "num_downsamplings": 2}, "multiples of 4"),
        ({"image_shape": (4, 4, 3), "num_downsamplings": 2}, "8 pixels or more"),
        ({"discriminator_layers": 5}, "discriminator of 5 layers: images of 16x16 pixels are too small"),
        ({"cycle_weight": -1.0}, "cycle_weight"),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(ConfigError, match=message):
        kerazoo.create("cyclegan", **TINY | arguments)


# === Losses and updates ===


def test_least_squares_losses():
    real, fake = np.random.default_rng(0).normal(size=(2, 3, 4, 4, 1)).astype("float32")
    expected = [((r - 1) ** 2).mean() / 2 + (f**2).mean() / 2 for r, f in zip(real, fake, strict=True)]
    np.testing.assert_allclose(least_squares_discriminator_loss(real, fake), expected, rtol=1e-5)
    np.testing.assert_allclose(least_squares_generator_loss(fake), ((fake - 1) ** 2).mean(axis=(1, 2, 3)), rtol=1e-5)


def test_the_losses_are_those_of_the_paper():
    model, batch = tiny(), ROWS["cyclegan"].batch()
    found = model.evaluate(batch, verbose=0, return_dict=True)
    a, b = (2 * as_float_array(batch[domain]) - 1 for domain in "ab")
    networks = (model.generator_ab, model.generator_ba, model.discriminator_a, model.discriminator_b)
    ab, ba, of_a, of_b = ((lambda x, net=net: net(x).numpy()) for net in networks)
    cycle = np.abs(ba(ab(a)) - a).mean() + np.abs(ab(ba(b)) - b).mean()
    identity = np.abs(ba(a) - a).mean() + np.abs(ab(b) - b).mean()
    adversarial = ((of_b(ab(a)) - 1) ** 2).mean() + ((of_a(ba(b)) - 1) ** 2).mean()
    squares = ((of_a(a) - 1) ** 2).mean() + (of_a(ba(b)) ** 2).mean()
    squares += ((of_b(b) - 1) ** 2).mean() + (of_b(ab(a)) ** 2).mean()
    expected = {
        "generators_loss": adversarial + 10 * cycle + 5 * identity,
        "discriminators_loss": squares / 2,
        "cycle_l1": np.abs(model.cycle(batch["a"]) - as_float_array(batch["a"])).mean() / 2
        + np.abs(model.cycle(batch["b"], "b_to_a") - as_float_array(batch["b"])).mean() / 2,
        "identity_l1": identity / 4,
    }
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4)


def test_the_discriminators_learn_on_the_translations_before_the_generators_update():
    batch = ROWS["cyclegan"].batch()
    losses = []
    for rate in (0.0, 0.5):
        model = tiny({"generators": keras.optimizers.SGD(rate), "discriminators": keras.optimizers.SGD(0.0)})
        losses.append(model.fit(batch, batch_size=8, verbose=0).history["discriminators_loss"])
    assert losses[0] == losses[1]


def test_no_identity_loss_without_its_weight():
    model = tiny(identity_weight=0.0)
    logs = model.fit(ROWS["cyclegan"].batch(), batch_size=8, verbose=0).history
    assert set(logs) == {"generators_loss", "discriminators_loss", "cycle_l1"}


# === Data ===


def test_what_fit_takes():
    model, batch = tiny(), ROWS["cyclegan"].batch()
    model.fit(Unpaired(from_arrays(batch["a"]), from_arrays(batch["b"][:5])), batch_size=4, verbose=0)
    assert int(model.step.numpy()) == 2
    model.fit("twins:digits", batch_size=4, steps_per_epoch=1, verbose=0)
    model.fit(tf.data.Dataset.from_tensor_slices(batch).batch(4), verbose=0)
    assert int(model.step.numpy()) == 5
    for data, message in [
        (batch["a"], "one set of images where two domains are needed: write --data unpaired"),
        ({"a": batch["a"]}, "two domains are needed"),
        ("digits", "digits is one set of images where two domains are needed"),
        ({"a": batch["a"], "b": batch["b"][:, :8]}, r"\(8, 16, 3\) where the model takes \(16, 16, 3\)"),
        ({"a": batch["a"], "b": batch["b"] * 2.0}, "divide by"),
        (tf.data.Dataset.from_tensors({"a": batch["a"]}), "no batch with the entry 'b'"),
    ]:
        with pytest.raises(DataError, match=message):
            model.fit(data, verbose=0)
    with pytest.raises(ConfigError, match="direction = 'there': one of a_to_b, b_to_a"):
        model.translate(batch["a"], "there")
    with pytest.raises(DataError, match="the model takes"):
        model.translate(batch["a"][..., :1])


def test_the_images_shape_comes_from_the_data():
    cls = type(tiny())
    found = cls.arguments_from(open_source("twins:digits"), {"discriminator_layers": 1})
    assert found == {"image_shape": [8, 8, 3]}
    wide = Unpaired(from_arrays(np.zeros((2, 50, 70, 1), "uint8")), from_arrays(np.zeros((3, 50, 70, 1), "uint8")))
    assert cls.arguments_from(wide, {}) == {"image_shape": [48, 48, 1]}
    assert cls.arguments_from(wide, {"num_downsamplings": 1}) == {"image_shape": [50, 50, 1]}
    with pytest.raises(DataError, match="two domains are needed"):
        cls.arguments_from(open_source("digits"), {})


# === Learning ===


@pytest.mark.slow
def test_digits_and_their_twins_are_learned():
    keras.utils.set_random_seed(0)
    sizes = {"image_shape": (8, 8, 3), "num_downsamplings": 1, "discriminator_layers": 1}
    model = kerazoo.create("cyclegan", **sizes, filters=8, num_blocks=1, discriminator_filters=8)
    model.compile({role: keras.optimizers.Adam(2e-3, beta_1=0.5) for role in model.roles}, seed=0)
    model.fit("twins:digits", batch_size=16, steps_per_epoch=150, verbose=0)
    test = open_source("twins:digits", split="test").arrays
    translated = model.translate(test["a"])
    assert translated[:, :, 0].mean() > 0.95  # the first column, nearly always empty, is white now
    assert np.abs(model.cycle(test["a"]) - as_float_array(test["a"])).mean() < 0.2
