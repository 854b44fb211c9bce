"""Batches in parts (`accumulate`), and steps on several devices: noise, refusals, resumption."""

import os
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.base.replicas import global_rows
from kerazoo.presets.config import make_config
from kerazoo.training import train
from kerazoo.utils.errors import ConfigError
from tests.conftest import state
from tests.test_model import POINTS, Line, fitted, weights

POINT_GAN = {
    "num_features": 2,
    "latent_dim": 2,
    "n_critic": 2,
    "critic_units": [5],
    "generator_units": [5],
}


class Seen(Line):
    """Notes the rows, and the noise, that each part of a batch brings to the loss."""

    def train_step(self, data):
        self.seen = []
        self.minimize("line", self.noisy, self.batch(data)["points"])
        return self.finish_step()

    def noisy(self, x):
        noise = self.noise(tf.shape(x)[0], (1,), stream="noise")[:, 0]
        self.seen.append((x.numpy(), noise.numpy(), float(global_rows(x))))
        return self.dense(x)[:, 0] * (1 + noise)


def eager(accumulate):
    model = Seen()
    model.compile(seed=0, accumulate=accumulate, run_eagerly=True)
    model.fit(tf.data.Dataset.from_tensors(POINTS), verbose=0)
    return model


def test_the_loss_sees_a_part_of_the_rows_at_a_time():
    whole, parts = eager(1), Seen()
    parts.compile(seed=0, accumulate=3, run_eagerly=True)
    parts.fit(tf.data.Dataset.from_tensor_slices(POINTS).batch(3), verbose=0)  # 3 x 3 rows asked for, 7 found
    assert [len(x) for x, _, _ in parts.seen] == [2, 2, 3]
    assert [rows for *_, rows in parts.seen] == [7, 7, 7]
    ((points, noise, _),) = whole.seen
    np.testing.assert_array_equal(np.concatenate([x for x, _, _ in parts.seen]), points)
    np.testing.assert_array_equal(np.concatenate([z for _, z, _ in parts.seen]), noise)
    np.testing.assert_allclose(weights(parts), weights(whole), rtol=1e-6)
    np.testing.assert_allclose(weights(whole), -(points * (1 + noise[:, None])).mean(axis=0), rtol=1e-5)


def test_steps_count_updates():
    model = fitted(Line, POINTS[:6], batch_size=1)
    assert int(model.step.numpy()) == 6
    model = Line()
    model.compile(seed=0, accumulate=3)
    history = model.fit(POINTS[:6], batch_size=1, shuffle=False, verbose=0)
    assert int(model.step.numpy()) == int(model.optimizers["line"].iterations.numpy()) == 2
    np.testing.assert_allclose(weights(model), -POINTS[:3].mean(axis=0) - POINTS[3:6].mean(axis=0))
    assert set(history.history) == {"line_loss"}


def test_fewer_rows_than_parts_are_an_error():
    model = Seen()
    model.compile(seed=0, accumulate=8, run_eagerly=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="a batch of fewer rows than accumulate=8"):
        model.fit(tf.data.Dataset.from_tensors(POINTS), verbose=0)


@pytest.mark.parametrize("accumulate", [0, -1, 1.5, True, "2"])
def test_accumulate_out_of_range(accumulate):
    with pytest.raises(ConfigError, match=r"accumulate = .*: an integer of at least 1 is expected"):
        Line().compile(accumulate=accumulate)


def test_several_updates_of_a_step_see_each_other(two_replicas):
    """WGAN-GP of points, without batch normalisation: a later update is computed after an earlier one."""
    points = np.random.default_rng(0).normal(size=(48, 2)).astype("float32")

    def trained(**options):
        keras.utils.set_random_seed(0)
        model = kerazoo.create("wgan_gp", **POINT_GAN)
        optimizers = {role: keras.optimizers.SGD(0.01) for role in model.roles}
        model.compile(optimizers, seed=1, **options, run_eagerly=not options)
        model.fit(points, batch_size=8 // options.get("accumulate", 1), epochs=2, verbose=0)
        assert int(model.step.numpy()) == 6
        return np.concatenate([weight.ravel() for weight in model.get_weights()])

    large = trained()
    np.testing.assert_allclose(trained(accumulate=2), large, atol=1e-5)
    with two_replicas.scope():
        np.testing.assert_allclose(trained(accumulate=2), large, atol=1e-5)


def test_replicas_draw_the_rows_of_one_noise(two_replicas):
    with two_replicas.scope():
        model = fitted(Line, tf.data.Dataset.from_tensors(POINTS))
    draw = tf.function(lambda: two_replicas.run(lambda: model.noise(3, (2,), stream="noise")))
    first, second = (values.numpy() for values in two_replicas.experimental_local_results(draw()))
    assert not np.isin(first, second).any()
    np.testing.assert_array_equal(np.concatenate([first, second]), model.noise(6, (2,), stream="noise"))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"jit_compile": True}, "jit_compile=True: XLA cannot compile a step of 2 devices; leave it out"),
        ({"steps_per_execution": 4}, "steps_per_execution=4: 2 devices train one step at a time; leave it out"),
    ],
)
def test_what_several_devices_cannot_do_is_refused(two_replicas, options, expected):
    with two_replicas.scope():
        model = Line()
    with pytest.raises(ConfigError) as caught:
        model.compile(**options)
    assert str(caught.value) == expected
    Line().compile(**options)  # one device can


def test_a_stopped_run_of_steps_of_many_batches_ends_like_one_that_was_not(tmp_path):
    training = {"steps": 6, "batch_size": 16, "accumulate": 2, "ema_decay": 0.9}
    config = make_config(
        {"architecture": "wgan_gp", "model": POINT_GAN, "data": {"source": "ring"}, "training": training}
    )
    stop = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: os.kill(os.getpid(), signal.SIGINT) if batch == 0 else None
    )
    stopped = train(config, tmp_path / "stopped", callbacks=[stop])
    assert (stopped.finished, stopped.step) == (False, 2)
    train(config, tmp_path / "stopped", resume=True)
    train(config, tmp_path / "whole")
    stopped, whole = state(tmp_path / "stopped"), state(tmp_path / "whole")
    assert stopped.keys() == whole.keys()
    for name, value in whole.items():
        np.testing.assert_array_equal(stopped[name], value, err_msg=name)
