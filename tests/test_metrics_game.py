"""The theory of GANs as code: the best discriminator, the value of the game, and the gradients of the two losses."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.distance import jensenshannon
from scipy.stats import norm

from kerazoo.losses import minimax_discriminator_loss, non_saturating_generator_loss
from kerazoo.metrics import gan_value, jensen_shannon, optimal_discriminator
from kerazoo.utils.errors import ConfigError, DataError

RNG = np.random.default_rng(0)
P, Q = RNG.dirichlet(np.ones(12), 2)
GRID, SPACING = np.linspace(-12, 12, 4801, retstep=True)


def test_no_discriminator_has_a_higher_value_than_the_best():
    """Proposition 1: every change of D in a place lowers the value."""
    best = optimal_discriminator(P, Q)
    np.testing.assert_allclose(best, P / (P + Q))
    value = gan_value(P, Q, best)
    for place in range(12):
        for side in (0.0, 1.0):
            other = best.copy()
            other[place] += 0.1 * (side - other[place])
            assert gan_value(P, Q, other) < value
    for _ in range(100):
        assert gan_value(P, Q, RNG.random(12)) < value


def test_the_value_is_twice_the_divergence_minus_log_4():
    """Theorem 1, for probabilities and for densities on a grid."""
    assert gan_value(P, Q) == pytest.approx(gan_value(P, Q, optimal_discriminator(P, Q)))
    assert gan_value(P, Q) == pytest.approx(2 * jensenshannon(P, Q) ** 2 - math.log(4))
    p, q = norm.pdf(GRID), norm.pdf(GRID, 1, 2)
    direct = gan_value(p, q, optimal_discriminator(p, q), spacing=SPACING)
    assert gan_value(p, q, spacing=SPACING) == pytest.approx(direct, abs=1e-9)
    assert gan_value(p, p, spacing=SPACING) == pytest.approx(-math.log(4))
    assert gan_value([1, 0], [0, 1]) == 0
    assert gan_value([1.0, 0], [0, 1.0], [0.0, 1.0]) == -math.inf


def test_the_generator_that_moves_towards_the_data_improves():
    """Proposition 2, for a generator with one parameter: the value falls all the way to p = q."""
    values = [gan_value(norm.pdf(GRID), norm.pdf(GRID, m), spacing=SPACING) for m in (4, 3, 2, 1, 0.5, 0)]
    assert values == sorted(values, reverse=True)
    assert values[-1] == pytest.approx(-math.log(4))


def test_divergence_of_densities_is_scipys_and_symmetric():
    p, q = norm.pdf(GRID), norm.pdf(GRID, 3, 0.5)
    assert jensen_shannon(p, q, spacing=SPACING) == pytest.approx(jensenshannon(p, q) ** 2, rel=1e-6)
    assert jensen_shannon(p, q, spacing=SPACING) == pytest.approx(jensen_shannon(q, p, spacing=SPACING))
    assert jensen_shannon(P, P) == 0
    assert jensen_shannon(P.reshape(3, 4), Q.reshape(3, 4)) == pytest.approx(jensen_shannon(P, Q))


def test_arguments_are_checked():
    for call, error, message in [
        (lambda: optimal_discriminator(P, Q[:3]), DataError, r"one shape .*got \(12,\) and \(3,\)"),
        (lambda: optimal_discriminator(-P, Q), DataError, "p must be at least 0"),
        (lambda: optimal_discriminator([], []), DataError, "at least one value"),
        (lambda: jensen_shannon(P, Q * 2), DataError, "q has a mass of 2 with spacing=1"),
        (lambda: jensen_shannon(P, Q, spacing=0), ConfigError, "spacing = 0: a number above 0"),
        (lambda: gan_value(P, Q, P * 20), DataError, r"discriminator must have shape \(12,\) and values in \[0, 1\]"),
        (lambda: gan_value(P, Q, P[:4]), DataError, r"got shape \(4,\)"),
    ]:
        with pytest.raises(error, match=message):
            call()


def test_a_trained_discriminator_is_the_best_one():
    """Against a fixed generator an MLP comes within 0.02 of p / (p + q) wherever either density matters."""
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(32, "tanh") for _ in range(2)]
    discriminator = keras.Sequential([keras.Input((1,)), *hidden, keras.layers.Dense(1)])
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.02, 600))
    optimizer.build(discriminator.trainable_variables)
    batch, separation = 4096, 2.0
    normal = tf.random.Generator.from_seed(0)

    @tf.function
    def step():
        real, fake = normal.normal((batch, 1)), normal.normal((batch, 1), separation, 1.5)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(minimax_discriminator_loss(discriminator(real), discriminator(fake)))
        variables = discriminator.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    losses = [float(step()) for _ in range(600)]
    x = np.linspace(-3, 6, 181)
    p, q = norm.pdf(x), norm.pdf(x, separation, 1.5)
    matters = np.maximum(p, q) > 0.05
    assert matters.sum() > 90
    found = tf.sigmoid(discriminator(x[:, None].astype("float32"))).numpy()[:, 0]
    assert np.abs(found - optimal_discriminator(p, q))[matters].max() < 0.02
    # And its loss is minus the value of the game.
    value = gan_value(norm.pdf(GRID), norm.pdf(GRID, separation, 1.5), spacing=SPACING)
    assert np.mean(losses[-100:]) == pytest.approx(-value, abs=0.01)


@pytest.mark.parametrize("confidence", [1e-4, 0.02, 0.3])
def test_saturating_gradients_are_smaller_by_the_odds(confidence):
    """d log(1 - D) = -D da and d -log D = -(1 - D) da for D = sigmoid(a): their ratio is D / (1 - D)."""
    logit = math.log(confidence / (1 - confidence))
    shift, z = tf.Variable(0.5), tf.constant([[0.3], [-0.2], [1.0]])
    slope = 0.7

    def fake_logits():
        return logit + slope * (z + shift - tf.stop_gradient(z + shift))

    with tf.GradientTape(persistent=True) as tape:
        fake, real = fake_logits(), tf.zeros((3, 1))
        # The generator's part of the minimax game: log(1 - D(G(z))).
        saturating = tf.reduce_mean(non_saturating_generator_loss(real) - minimax_discriminator_loss(real, fake))
        non_saturating = tf.reduce_mean(non_saturating_generator_loss(fake))
    small, large = (float(tape.gradient(loss, shift)) for loss in (saturating, non_saturating))
    assert small < 0
    assert large < 0
    assert small / large == pytest.approx(confidence / (1 - confidence), rel=1e-4)
    assert large == pytest.approx(-(1 - confidence) * slope, rel=1e-4)
