"""The checks of each mechanism on several devices, and of batches taken in parts: all train like one device."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerazoo.base import updates as updates_module
from kerazoo.base.updates import apply_gradients
from kerazoo.utils.errors import DataError
from tests.zoo_rows import all_rows, all_variables, assert_equal, compiled, new, one_row_a_mechanism, values


def assert_close(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def ready(name, **arguments):
    """The tiny model, compiled with averages, every role's gradient clipped."""
    model = new(name)
    model.clip_norms = dict.fromkeys(model.roles, 0.05)
    model.compile(seed=1, ema_decay=0.9, **arguments)
    return model


def normalises_batches(model):
    """Whether a part of a batch, which has other statistics, trains differently."""
    return any(isinstance(layer, keras.layers.BatchNormalization) for layer in model._flatten_layers())


def takes_parts(name, model):
    """Whether parts of a batch train like the batch."""
    return not normalises_batches(model) and not all_rows()[name].batch_statistics


def fit_stage(model, stage, dataset):
    """An epoch of one stage on a dataset of whole steps; returns its losses."""
    model.begin_stage(stage.name)
    return model.fit(dataset, epochs=1, verbose=0).history


def with_overflow_on_the_second_replica(optimizer, gradients, *arguments):
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    overflow = tf.where(tf.equal(replica, 1), np.float32("inf"), 0.0)
    apply_gradients(optimizer, [g if g is None else g + tf.cast(overflow, g.dtype) for g in gradients], *arguments)


def check_like_one_device(name, one, strategy, accumulate):
    """Losses, weights, optimizers, averages and states, under clipping, also of a last batch that is not full."""
    rows = {key: np.concatenate([value] * 4)[:-1] for key, value in all_rows()[name].batch().items()}
    examples = tf.data.Dataset.from_tensor_slices(rows)
    with strategy.scope():
        model = ready(name, accumulate=accumulate)
    for stage in one.stages():
        expected = fit_stage(one, stage, examples.batch(8))
        losses = fit_stage(model, stage, examples.batch(8 // accumulate))
        assert_close(all_variables(model), all_variables(one))
        assert losses == {loss: pytest.approx(value, rel=1e-4) for loss, value in expected.items()}


@pytest.mark.parametrize("name", one_row_a_mechanism())
def test_replicas_and_parts_of_a_batch_train_like_one_device(name, two_replicas):
    """Both at once, where a model takes parts; on one device: test_updates.py."""
    one = ready(name, run_eagerly=True)  # few steps are sooner done than traced
    check_like_one_device(name, one, two_replicas, accumulate=2 if takes_parts(name, one) else 1)


@pytest.mark.slow  # a step is traced for each device, and the one above for each part of a batch, too
@pytest.mark.parametrize("name", one_row_a_mechanism())
def test_replicas_that_take_no_parts_train_like_one_device(name, two_replicas):
    check_like_one_device(name, ready(name), two_replicas, accumulate=1)


@pytest.mark.parametrize("name", one_row_a_mechanism())
def test_an_overflow_on_one_replica_skips_the_step_on_all(name, two_replicas, monkeypatch):
    monkeypatch.setattr(updates_module, "apply_gradients", with_overflow_on_the_second_replica)
    with two_replicas.scope():
        model = compiled(name, dtype="mixed_float16")
        model.adapt(all_rows()[name].batch())
    (optimizers, before), stage = (model.optimizers, values(model.trainable_variables)), model.stages()[0]
    scales = {role: float(optimizers[role].dynamic_scale.numpy()) for role in stage.roles}
    fit_stage(model, stage, tf.data.Dataset.from_tensors(all_rows()[name].batch()))
    assert_equal(values(model.trainable_variables), before)
    for role, scale in scales.items():
        updates = model.updates_per_step(role)
        assert float(optimizers[role].dynamic_scale.numpy()) == scale / 2**updates
        assert int(optimizers[role].iterations.numpy()) == 0


@pytest.mark.parametrize("clip", [{"clipnorm": 0.02}, {"global_clipnorm": 0.02}, {"clipvalue": 1e-3}])
@pytest.mark.parametrize("precision", ["float32", pytest.param("mixed_float16", marks=pytest.mark.slow)])
def test_an_optimizers_own_clipping_acts_on_the_gradient_of_the_whole_batch(clip, precision, two_replicas):
    def trained():
        model = new("vae", dtype=precision)
        model.compile(optimizer=keras.optimizers.SGD(1.0, **clip), seed=1)
        model.fit(tf.data.Dataset.from_tensors(all_rows()["vae"].batch()), epochs=2, verbose=0)
        return values(model.trainable_variables)

    one = trained()
    with two_replicas.scope():
        two = trained()
    for a, b in zip(two, one, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5 if precision == "float32" else 1e-3)


def test_every_device_has_a_row_of_every_batch(two_replicas):
    """TensorFlow's convolutions end the process where a device has none."""
    batch = all_rows()["cnn_classifier"].batch()
    one = compiled("cnn_classifier")
    with two_replicas.scope():
        two = compiled("cnn_classifier")
    rows = {key: np.concatenate([value, value[:1]]) for key, value in batch.items()}  # nine
    expected = one.evaluate(rows, batch_size=8, verbose=0)
    np.testing.assert_allclose(two.evaluate(rows, batch_size=8, verbose=0), expected, rtol=1e-5)
    with pytest.raises(DataError, match="a batch of 1 examples for 2 devices: "):
        two.fit(batch, batch_size=1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="fewer examples than the 2 devices: use batch"):
        two.evaluate(tf.data.Dataset.from_tensor_slices(rows).batch(8), verbose=0)
