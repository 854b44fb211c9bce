"""`ZooModel` itself: clipping, updates without a loss, batches of a step, states, rows on replicas."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.base.example_spaces import Points
from kerazoo.base.model import ZooModel
from kerazoo.base.replicas import gather_rows, global_rows, local_rows
from kerazoo.base.stages import Stage
from kerazoo.utils.errors import ConfigError


class Line(ZooModel):
    """y = w x, trained on the distance to the points; a model small enough to compute by hand."""

    roles = {"line": ("dense",)}
    space = Points((2,))

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        inputs = keras.Input((2,))
        self.dense = keras.Model(inputs, keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")(inputs))

    def default_optimizers(self):
        return {"line": keras.optimizers.SGD(1.0)}

    def train_step(self, data):
        x = self.batch(data)["points"]
        self.minimize("line", lambda: self.dense(x)[:, 0])
        return self.finish_step()


class Statistics(Line):
    """Updates by statistics that it computes itself, from two batches a step; remembers its latest batch."""

    batches_per_step = 2

    def begin(self, batch, *, training):
        self.add_state("latest", batch["points"].shape, "float32")

    def train_step(self, data):
        x = self.batch(data)["points"]
        self.state("latest").assign(gather_rows(x))
        for k in range(2):
            part = x[k::2]
            self.update("line", [tf.reduce_sum(part, axis=0)[:, None] / global_rows(part)])
        self.track(line_loss=x[:, 0])
        return self.finish_step()


POINTS = np.arange(14, dtype="float32").reshape(7, 2)


def weights(model):
    return model.dense.weights[0].numpy()[:, 0]


def fitted(cls, points=POINTS, *, clip_norms=(), batch_size=7, **kwargs):
    model = cls(**kwargs)
    model.clip_norms = dict(clip_norms)
    model.compile(seed=0)
    model.fit(points, batch_size=batch_size, shuffle=False, verbose=0)
    return model


def test_minimize_follows_the_mean_over_examples():
    np.testing.assert_allclose(weights(fitted(Line)), -POINTS.mean(axis=0))


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_clipping_limits_the_norm_of_the_whole_gradient(precision):
    mean = POINTS.mean(axis=0)
    clipped = fitted(Line, clip_norms={"line": 0.5}, dtype=precision)
    np.testing.assert_allclose(weights(clipped), -0.5 * mean / np.linalg.norm(mean), rtol=1e-3)
    unclipped = fitted(Line, clip_norms={"line": 100.0}, dtype=precision)
    np.testing.assert_allclose(weights(unclipped), -mean, rtol=1e-3)


def test_clipping_over_replicas_acts_on_the_sum(two_replicas):
    with two_replicas.scope():
        model = fitted(Line, tf.data.Dataset.from_tensors(POINTS), clip_norms={"line": 0.5})
    np.testing.assert_allclose(weights(model), weights(fitted(Line, clip_norms={"line": 0.5})), rtol=1e-6)


def test_a_gradient_that_is_not_finite_on_one_replica_stops_the_update_on_all(two_replicas):
    points = POINTS.copy()
    points[-1] = np.inf  # on the second replica
    with two_replicas.scope():
        model = Line(dtype="mixed_float16")
        model.compile(seed=0)
        before = float(model.optimizers["line"].dynamic_scale.numpy())
        # through the network, whose inputs fit() would refuse
        two_replicas.run(model.train_step, args=(values_on(two_replicas, points),))
    np.testing.assert_array_equal(weights(model), [0, 0])
    assert float(model.optimizers["line"].dynamic_scale.numpy()) == before / 2


def values_on(strategy, points):
    """The first four rows on the first replica, the others on the second."""
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(points[:4] if context.replica_id_in_sync_group == 0 else points[4:])
    )


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_update_takes_gradients_as_they_are(precision):
    model = fitted(Statistics, batch_size=4, points=np.concatenate([POINTS, POINTS[:1]]), dtype=precision)
    parts = np.concatenate([POINTS, POINTS[:1]])
    np.testing.assert_allclose(weights(model), -parts[::2].mean(axis=0) - parts[1::2].mean(axis=0), rtol=1e-3)


def test_a_step_takes_several_batches_of_arrays_and_of_datasets():
    points = np.arange(24, dtype="float32").reshape(12, 2)
    model = fitted(Statistics, points, batch_size=3)
    assert int(model.step.numpy()) == 2
    assert model.state("latest").shape == (6, 2)
    other = fitted(Statistics, tf.data.Dataset.from_tensor_slices(points).batch(3))
    assert int(other.step.numpy()) == int(other.optimizers["line"].iterations.numpy()) / 2 == 2
    np.testing.assert_array_equal(other.state("latest").numpy(), model.state("latest").numpy())
    np.testing.assert_allclose(weights(other), weights(model))


@pytest.mark.parametrize("option", [{"loss": "mse"}, {"metrics": ["accuracy"]}, {"unknown": 1}])
def test_compile_refuses_what_a_step_would_pass_by(option):
    with pytest.raises(
        ConfigError, match=rf"^compile\({next(iter(option))}=...\): .* of its own \(line_loss\); compile"
    ):
        Line().compile(**option)


def test_optimizers_that_are_refused():
    def sgd(**options):
        return {"line": keras.optimizers.SGD(0.1, **options)}

    for optimizers, message in (
        ("adam", r"optimizers is a str: a dict of \['line'\] is expected, or optimizer= for one role"),
        (sgd(use_ema=True), r"use_ema=True: averages of the weights are made by compile\(ema_decay"),
        (sgd(gradient_accumulation_steps=2), r"compile\(accumulate"),
    ):
        with pytest.raises(ConfigError, match=message):
            Line().compile(optimizers)
    gan = kerazoo.create("wgan_gp", num_features=2, generator_units=(2,), critic_units=(2,))
    with pytest.raises(ConfigError, match="role 'generator': its optimizer is another role's, too"):
        gan.compile(dict.fromkeys(gan.roles, keras.optimizers.SGD(0.1)))


def test_states_are_kept_while_their_size_stays_and_made_anew_when_it_changes(tmp_path):
    model = fitted(Statistics, batch_size=2)
    first = model.state("latest")
    model.fit(POINTS, batch_size=2, verbose=0)
    assert model.state("latest") is first
    model.fit(POINTS, batch_size=3, shuffle=False, verbose=0)
    assert model.state("latest").shape == (6, 2)
    np.testing.assert_array_equal(np.sort(model.state("latest").numpy()[:, 0])[:2], [0, 2])
    model.compile(seed=0)
    assert [state.name for state in model.states()] == ["step", "stage", "stage_begin", "stage_steps", "adapted"]


def test_rows_are_gathered_from_and_given_back_to_replicas(two_replicas):
    def gather(points):
        everything = gather_rows(points)
        return everything, local_rows(everything, tf.shape(points)[0])

    function = tf.function(lambda points: two_replicas.run(gather, args=(points,)))
    everything, own = function(values_on(two_replicas, POINTS))
    for found in two_replicas.experimental_local_results(everything):
        np.testing.assert_array_equal(found, POINTS)
    np.testing.assert_array_equal(np.concatenate(two_replicas.experimental_local_results(own)), POINTS)


def test_dropout_drops_the_fraction_and_keeps_the_mean():
    model = fitted(Line)
    dropped = model.apply_dropout(tf.ones((100, 200)), "a", rate=0.3).numpy()
    assert np.unique(dropped).tolist() == pytest.approx([0, 1 / 0.7])
    assert (dropped == 0).mean() == pytest.approx(0.3, abs=0.01)
    np.testing.assert_array_equal(dropped, model.apply_dropout(tf.ones((100, 200)), "a", rate=0.3))
    assert not np.array_equal(dropped, model.apply_dropout(tf.ones((100, 200)), "b", rate=0.3))


class Parts(Line):
    def __init__(self, keeps_averages: bool = True, **kwargs):
        super().__init__(**kwargs)

    def stages(self):
        second = Stage("second", ("line",), ("line_loss",), keeps_averages=self.keeps_averages)
        return (Stage("first", ("line",), ("line_loss",)), second)


def test_a_stage_is_known_by_name():
    model = Parts()
    assert model.stage.name == "first"
    model.begin_stage("second")
    model.compile(seed=0)
    assert model.stage.name == "second"
    with pytest.raises(ConfigError, match="unknown stage 'third'; the stages are first, second"):
        model.begin_stage("third")
