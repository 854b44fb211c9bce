"""Keras's callbacks of learning rates change those of every role, in proportion."""

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.base.rates import with_common_rates
from kerazoo.utils.errors import ConfigError

POINTS = np.random.default_rng(0).standard_normal((8, 2)).astype("float32")
RATES = {"critic": 0.25, "generator": 0.5}


def gan(**rates):
    model = kerazoo.create("wgan_gp", num_features=2, generator_units=(2,), critic_units=(2,), n_critic=1)
    optimizers = {role: keras.optimizers.SGD(rate) for role, rate in (RATES | rates).items()}
    model.compile(optimizers, seed=0, run_eagerly=True)
    return model


def rates(model):
    return {role: float(optimizer.learning_rate.numpy()) for role, optimizer in model.optimizers.items()}


def fit(model, *callbacks, epochs=1, **options):
    return model.fit(POINTS, batch_size=4, epochs=epochs, callbacks=list(callbacks), verbose=0, **options)


class Plateau(keras.callbacks.ReduceLROnPlateau):
    """Reduces at the end of every epoch."""

    def __init__(self, monitor, **options):
        super().__init__(monitor, mode="min", **options)

    def _is_improvement(self, monitor_value, best):
        return False


def test_roles_are_in_the_order_that_these_tests_assume():
    model = gan()
    assert next(iter(model.optimizers)) == "critic"
    assert model.optimizer is model.optimizers["critic"]


def test_a_plateau_reduces_every_rate():
    model = gan()
    fit(model, Plateau("critic_loss", factor=0.5, patience=1), epochs=2)
    assert rates(model) == {"critic": 0.0625, "generator": 0.125}


def test_a_scheduler_sets_the_first_and_scales_the_others_also_after_a_rate_of_zero():
    model = gan()
    seen = []
    look = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(rates(model)))
    fit(model, keras.callbacks.LearningRateScheduler(lambda epoch, rate: [1.0, 0.0, 0.125][epoch]), look, epochs=3)
    expected = [{"critic": rate, "generator": 2 * rate} for rate in (1.0, 0.0, 0.125)]
    assert seen == expected  # the next callback sees all of them changed
    with pytest.raises(ConfigError, match=r"role 'critic': its learning rate was 0, so that no factor .*0.5; begin"):
        fit(gan(critic=0.0), keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5))


@pytest.mark.parametrize("hook", ["on_train_begin", "on_train_batch_begin", "on_train_batch_end", "on_epoch_end"])
def test_any_callback_that_sets_the_optimizer_of_the_model(hook):
    class Halve(keras.callbacks.Callback):
        pass

    def halve(self, *args, **kwargs):
        self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate.numpy()) / 2

    setattr(Halve, hook, halve)
    model = gan()
    fit(model, Halve(), epochs=2)
    found = rates(model)
    assert found["critic"] < 0.25
    # what the very last batch sets, no step uses; the next fit would begin with it
    assert found["generator"] in (2 * found["critic"], 4 * found["critic"] * (hook == "on_train_batch_end"))


def test_who_sets_several_roles_is_left_alone():
    class Own(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            for rate, optimizer in enumerate(self.model.optimizers.values(), 1):
                optimizer.learning_rate = rate

    model = gan()
    fit(model, Own())
    assert rates(model) == {"critic": 1.0, "generator": 2.0}


def test_a_role_with_a_schedule_is_one_line():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.9)
    for role in RATES:
        model = gan(**{role: schedule})
        for callback in (Plateau("critic_loss"), keras.callbacks.LearningRateScheduler(lambda epoch: 0.1)):
            with pytest.raises(
                ConfigError, match=rf": the learning rate of role '{role}' follows a schedule, which no"
            ):
                fit(model, callback)
        assert int(model.step.numpy()) == 0
    halve = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: setattr(model.optimizer, "learning_rate", 0.1))
    model = gan(generator=schedule)
    with pytest.raises(
        ConfigError, match=r"role 'generator': its .* follows a schedule, and a callback set .*'critic'"
    ):
        fit(model, halve)


def test_a_checkpoint_of_a_later_callback_has_all_rates_and_training_goes_on_exactly(tmp_path):
    def plateau():
        return Plateau("critic_loss", factor=0.3, patience=1)

    model = gan()
    fit(model, plateau(), keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras"), epochs=2)
    first = keras.models.load_model(tmp_path / "1.keras")
    assert rates(first) == pytest.approx({role: 0.3 * rate for role, rate in RATES.items()})
    fit(first, plateau(), epochs=2, initial_epoch=1)
    assert rates(first) == rates(model)
    for found, expected in zip(first.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_models_of_one_role_and_fits_without_callbacks_get_nothing_more():
    rbm = kerazoo.create("rbm", image_shape=(8, 8, 1), hidden_units=2)
    rbm.compile(seed=0)
    callbacks = [Plateau("free_energy")]
    assert with_common_rates(rbm, callbacks) is callbacks
    assert with_common_rates(gan(), None) is None


def test_a_callback_list_and_a_single_callback_are_taken():
    model = gan()
    model.fit(POINTS, batch_size=4, epochs=2, callbacks=Plateau("critic_loss", factor=0.5, patience=1), verbose=0)
    assert rates(model) == {"critic": 0.0625, "generator": 0.125}
    listed = keras.callbacks.CallbackList(
        [Plateau("critic_loss", factor=0.5, patience=1)], add_history=True, model=model
    )
    model.fit(POINTS, batch_size=4, callbacks=listed, verbose=0)
    assert rates(model) == {"critic": 0.03125, "generator": 0.0625}
