"""Averages of the weights: their formula, and where they are used."""

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.training import train
from kerazoo.utils.errors import ConfigError
from tests.conftest import assert_same_state, model_state, state, tiny_config
from tests.test_model import POINTS, Line, Parts, weights

DECAY = 0.75  # from the fourth step on 1 - 0.75 is more than 1 / n


def stepped(model, num_steps):
    """The weights after each of `num_steps` steps, from different points."""
    found = []
    for step in range(num_steps):
        model.fit(POINTS + step**2, batch_size=7, verbose=0)
        found.append(weights(model))
    return np.array(found)


def average(values):
    """The plain mean of the first 1 / (1 - DECAY) = 4 values, then an exponential average."""
    mean = values[:4].mean(axis=0)
    for value in values[4:]:
        mean = DECAY * mean + (1 - DECAY) * value
    return mean


@pytest.mark.parametrize("num_steps", [1, 3, 7])
def test_mean_of_the_first_steps_then_exponential(num_steps):
    model = Line()
    model.compile(seed=0, ema_decay=DECAY, run_eagerly=True)
    trained = stepped(model, num_steps)
    with model.averaged():
        np.testing.assert_allclose(weights(model), average(trained), rtol=1e-6)
    np.testing.assert_array_equal(weights(model), trained[-1])


def test_trained_weights_come_back_after_an_error():
    model = Line()
    model.compile(seed=0, ema_decay=DECAY, run_eagerly=True)
    trained = stepped(model, 2)
    with pytest.raises(KeyError), model.averaged():
        raise KeyError
    np.testing.assert_array_equal(weights(model), trained[-1])


@pytest.mark.parametrize("arguments", [{}, {"ema_decay": DECAY}])
def test_without_averages_or_steps_the_weights_stay(arguments):
    model = Line()
    model.compile(seed=0, **arguments)
    model.dense.weights[0].assign([[3.0], [4.0]])
    with model.averaged():
        np.testing.assert_array_equal(weights(model), [3, 4])


def test_averages_go_on_from_stage_to_stage():
    model = Parts()
    model.compile(seed=0, ema_decay=DECAY, run_eagerly=True)
    first = stepped(model, 3)
    model.begin_stage("second")
    trained = np.concatenate([first, stepped(model, 2)])
    average = trained[0]
    for n, weight in enumerate(trained[1:], 2):
        average = average + max(1 - DECAY, 1 / n) * (weight - average)
    with model.averaged():
        np.testing.assert_allclose(weights(model), average, rtol=1e-6)


def test_a_stage_may_average_its_own_steps_alone():
    model = Parts(keeps_averages=False)
    model.compile(seed=0, ema_decay=DECAY, run_eagerly=True)
    stepped(model, 3)
    model.begin_stage("second")
    trained = stepped(model, 2)
    with model.averaged():
        np.testing.assert_allclose(weights(model), trained.mean(axis=0), rtol=1e-6)


def test_a_saved_model_goes_on_with_its_averages(tmp_path):
    batch = {"image": np.random.default_rng(0).integers(0, 256, (4, 16, 16, 1), dtype=np.uint8)}
    model = kerazoo.create("vae", image_shape=(16, 16, 1), hidden_units=(5,), latent_dim=2)
    model.compile(seed=0, ema_decay=0.9, run_eagerly=True)
    model.fit(batch, batch_size=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.ema_decay == 0.9
    for each in (model, loaded):
        each.fit(batch, batch_size=2, verbose=0)
    assert_same_state(model_state(loaded), model_state(model))
    assert [s.name for s in model.states()][:4] == ["step", "stage", "averaged_steps", "average_0"]
    assert int(model.state("averaged_steps").numpy()) == 4


def test_a_run_samples_and_publishes_the_averages(tmp_path):
    train(tiny_config(training={"ema_decay": DECAY}), tmp_path / "run")
    trained = state(tmp_path / "run")
    names = [name for name in trained if name.startswith("weights")]
    published = kerazoo.load(tmp_path / "run")
    for index, (name, weight) in enumerate(zip(names, published.get_weights(), strict=True)):
        expected = trained[f"state {3 + index} average"]  # after step, stage and the number of averaged steps
        np.testing.assert_allclose(weight, expected, rtol=2**-11, atol=2**-25, err_msg=name)
    kernels = [i for i, name in enumerate(names) if name.endswith("kernel")]
    assert not any(np.allclose(published.get_weights()[i], trained[names[i]], rtol=2**-10) for i in kernels)
    shown, last = tmp_path / "run" / "preset" / "samples.png", tmp_path / "run" / "samples" / "epoch-0002.png"
    assert shown.read_bytes() == last.read_bytes()


@pytest.mark.parametrize("decay", [0, 1, -0.5, 1.5])
def test_decay_out_of_range(decay):
    with pytest.raises(ConfigError, match=f"ema_decay = {decay}: a number above 0 and below 1 is expected"):
        Line().compile(ema_decay=decay)
