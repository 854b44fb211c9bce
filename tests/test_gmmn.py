"""Claims of Li, Swersky and Zemel 2015 on GMMN: the discrepancy, its root, and its minimum on the ring."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.data import open_source
from kerazoo.losses import gaussian_kernels, maximum_mean_discrepancy
from kerazoo.metrics import mmd_test, mode_coverage
from kerazoo.utils.errors import ConfigError
from tests.zoo_rows import Row, Verb, tiny_images

ROWS = {
    "gmmn": Row(
        arguments={
            "image_shape": (16, 16, 1),
            "latent_dim": 5,
            "generator_units": (6,),
            "autoencoder_units": (8, 3),
        },
        batch=tiny_images,
        # 256 -> 8 -> 3 and back, and a generator 5 -> 6 -> 3
        parameters=(256 * 8 + 8 + 8 * 3 + 3) + (3 * 8 + 8 + 8 * 256 + 256) + (5 * 6 + 6 + 6 * 3 + 3),
        verbs={"generate": Verb(lambda model, batch: model.generate(3, seed=0), (3, 16, 16, 1), (0, 1))},
        mechanism="stages",
        sample=lambda model, seed: model.generate(3, seed=seed),
        falling=("autoencoder_loss", "generator_loss"),
        batch_statistics=True,
    ),
}
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(5, 3)) + 0.5
BANDWIDTHS = (0.5, 2.0, 5.0)


def kernels(x, y):
    squares = ((x[:, None] - y[None]) ** 2).sum(axis=-1)
    return sum(np.exp(-squares / (2 * s)) for s in BANDWIDTHS)


def test_discrepancy_is_equation_3():
    """Over all pairs, those of a row with itself too; without these it is what `mmd_test` measures."""
    np.testing.assert_allclose(gaussian_kernels(X, Y, BANDWIDTHS), kernels(X, Y), rtol=1e-5)
    squared = kernels(X, X).mean() + kernels(Y, Y).mean() - 2 * kernels(X, Y).mean()
    assert float(maximum_mean_discrepancy(X, Y, BANDWIDTHS)) == pytest.approx(np.sqrt(squared), rel=1e-5)
    within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (kernels(X, X), kernels(Y, Y))]
    unbiased = mmd_test(X, Y, bandwidths=BANDWIDTHS, num_permutations=1).squared_mmd
    assert sum(within) - 2 * kernels(X, Y).mean() == pytest.approx(unbiased)
    assert float(maximum_mean_discrepancy(X, X, BANDWIDTHS)) == pytest.approx(0, abs=1e-3)


def test_root_keeps_the_gradient_where_the_sets_are_close():
    """Section 3.2: the root divides the gradient by twice the discrepancy."""
    moved = tf.Variable(X + 1e-2, dtype=tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        root = maximum_mean_discrepancy(X, moved, BANDWIDTHS)
        squared = root**2
    of_root, of_square = (tf.linalg.norm(tape.gradient(value, moved)).numpy() for value in (root, squared))
    assert of_root == pytest.approx(of_square / (2 * float(root)), rel=1e-4)
    assert of_root > 30 * of_square


def test_no_gradient_is_lost_where_both_sets_are_the_same():
    same = tf.Variable(X, dtype=tf.float32)
    with tf.GradientTape() as tape:
        value = maximum_mean_discrepancy(tf.constant(X, tf.float32), same, BANDWIDTHS)
    assert np.isfinite(tape.gradient(value, same)).all()


def test_stages_follow_the_arguments():
    images, points = kerazoo.create("gmmn", **ROWS["gmmn"].arguments), kerazoo.create("gmmn", num_features=2)
    assert [stage.name for stage in images.stages()] == ["autoencoder", "generator"]
    assert [stage.name for stage in points.stages()] == ["generator"]
    assert set(points.roles) == {"generator"}
    with pytest.raises(ConfigError, match="bandwidths"):
        kerazoo.create("gmmn", num_features=2, bandwidths=())
    with pytest.raises(ConfigError, match=r"bandwidths = \[1.0, True\]: input should be a valid number"):
        kerazoo.create("gmmn", num_features=2, bandwidths=[1.0, True])


def test_the_generator_s_codes_meet_those_of_the_data():
    """Section 4: both sides of the discrepancy are codes; the autoencoder does not change any more."""
    keras.utils.set_random_seed(0)
    model, batch = kerazoo.create("gmmn", **ROWS["gmmn"].arguments), tiny_images()
    model.compile({role: keras.optimizers.SGD(0.0) for role in model.roles}, seed=4)
    model.begin_stage("generator")
    codes = model.encoder(batch["image"] / np.float32(255))
    fake = model.generator(model.latent_prior.noise(model, 8, "latent"))
    expected = float(maximum_mean_discrepancy(codes, fake, model.bandwidths))
    found = model.fit(batch, batch_size=8, shuffle=False, verbose=0).history
    assert found == {"generator_loss": [pytest.approx(expected, rel=1e-4)]}


@pytest.mark.slow
def test_generated_points_pass_for_held_out_ones():
    """The permutation test of the discrepancy on points that training has not seen, and all modes."""
    keras.utils.set_random_seed(0)
    bandwidths = (0.001, 0.01, 0.1, 0.5, 2.0, 5.0, 10.0, 20.0, 40.0, 80.0)
    sizes = {"num_features": 2, "latent_dim": 2, "generator_units": (128, 128, 128)}
    model = kerazoo.create("gmmn", **sizes, bandwidths=bandwidths)
    model.compile({"generator": keras.optimizers.Adam(1e-3)}, seed=0)
    model.fit("ring", batch_size=1000, steps_per_epoch=1500, verbose=0)
    held_out = open_source("ring", split="test")
    real, fake = held_out.sample(1000, seed=0)["points"], model.generate(2500, seed=0)
    assert mmd_test(real, fake[:1000], seed=0).p_value > 0.05
    assert mode_coverage(fake, held_out.info.modes.centres, float(held_out.info.modes.std)).covered == 8
