"""Recurrent networks of vectors in time: what they predict follows from the data, and is what the equations say."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.base.registry import model_class
from kerazoo.data import open_source
from kerazoo.data.sequences import Sequences
from kerazoo.presets.config import EvaluationConfig, make_config
from kerazoo.tasks import Data, sequence_classification, sequence_generation, sequence_regression
from kerazoo.training import train as train_run
from kerazoo.training.arguments import training_arguments
from kerazoo.utils.errors import ConfigError, DataError
from tests.zoo_rows import Row, Verb

LENGTHS = np.array([6, 1, 4, 6, 2, 5, 3, 6])


def tiny(features, seed=0):
    """Eight sequences of ones and zeros, of 1 to 6 steps, padded with zeros."""
    bits = np.random.default_rng(seed).integers(2, size=(8, 6, features)).astype("float32")
    bits *= (np.arange(6) < LENGTHS[:, None])[..., None]
    return {"sequence": bits, "length": LENGTHS.astype("int32")}


def tiny_labelled():
    """The same with the class of each, its first bit."""
    batch = tiny(1)
    return {**batch, "label": batch["sequence"][:, 0, 0].astype("int64")}


def tiny_labelled_steps():
    """The same with the class of each step, its bit."""
    batch = tiny(1)
    return {**batch, "label": batch["sequence"][..., 0].astype("int64")}


def tiny_targets():
    """Sequences of two features, all of whose steps count, each with the sum of its first step."""
    sequence = tiny(2)["sequence"]
    return {"sequence": sequence, "target": sequence[:, :1].sum(axis=-1)}


def of_lengths(batch):
    """The sequences of a batch without their padding."""
    return [row[:length] for row, length in zip(batch["sequence"], batch["length"], strict=True)]


# === The papers' equations, step by step in plain TensorFlow ===


def over_steps(step, batch):
    """The mean over the steps that count of what `step(time, x)` costs, for each sequence."""
    sequence = tf.cast(batch["sequence"], tf.float32)
    costs = tf.stack([step(time, sequence[:, time]) for time in range(6)], axis=1)
    mask = tf.cast(tf.range(6) < batch["length"][:, None], tf.float32)
    return tf.reduce_sum(costs * mask, axis=1) / tf.cast(batch["length"], tf.float32)


def head_of(model, h):
    return h @ model.head.kernel + model.head.bias


def rnn_reference(model, batch, noise):
    def loss():
        first, second = model.stack.cells
        states = {"h": tf.zeros((8, 6)), "above": tf.zeros((8, 6)), "before": tf.zeros((8, 5))}

        def step(_, x):
            read = states["before"]
            h = tf.tanh(read @ first.kernel + states["h"] @ first.recurrent_kernel + first.bias)
            inputs = tf.concat([h, read], axis=1)
            above = tf.tanh(inputs @ second.kernel + states["above"] @ second.recurrent_kernel + second.bias)
            states.update(h=h, above=above, before=x)
            p = tf.sigmoid(head_of(model, tf.concat([h, above], axis=1)))
            return -tf.reduce_sum(x * tf.math.log(p) + (1 - x) * tf.math.log(1 - p), axis=1)

        return over_steps(step, batch)

    yield "network", loss


def gru_reference(model, batch, noise):
    def loss():
        (cell,) = model.stack.cells
        states = {"h": tf.zeros((8, 6))}

        def step(time, x):
            h, (from_z, from_r, from_x) = states["h"], tf.split(x @ cell.kernel + cell.bias, 3, axis=1)
            to_z, to_r = tf.split(h @ cell.recurrent_gates, 2, axis=1)
            z, r = tf.sigmoid(from_z + to_z), tf.sigmoid(from_r + to_r)
            states["h"] = (1 - z) * h + z * tf.tanh(from_x + (r * h) @ cell.recurrent)
            p = tf.nn.softmax(head_of(model, states["h"]))
            return -tf.math.log(tf.gather(p, batch["label"][:, time], batch_dims=1))

        return over_steps(step, batch)

    yield "network", loss


def mut_reference(model, batch, noise):
    def loss():
        (cell,) = model.stack.cells
        h = tf.zeros((8, 6))
        for time in range(6):
            x = tf.cast(batch["sequence"][:, time], tf.float32)
            from_z, from_r = tf.split(x @ cell.kernel, 2, axis=1)
            bz, br, bh = tf.split(tf.convert_to_tensor(cell.bias), 3)
            z, r = tf.sigmoid(from_z + bz), tf.sigmoid(from_r + h @ cell.recurrent_r + br)
            h = tf.tanh((r * h) @ cell.recurrent_h + tf.tanh(x @ cell.entry) + bh) * z + h * (1 - z)
        return tf.reduce_sum((head_of(model, h) - batch["target"]) ** 2, axis=1)

    yield "network", loss


PARITY = [[[1.0], [0.0], [1.0]], [[1.0]]]
PADDED = {"sequence": [[[1.0], [0.0], [1.0]], [[1.0], [0.0], [0.0]]], "length": [3, 1]}

ROWS = {
    "lstm": Row(
        arguments={
            "num_features": 1,
            "predicts": "classes",
            "num_outputs": 2,
            "every_step": False,
            "units": 4,
            "bidirectional": True,
            "dropout_rate": 0.1,
        },
        batch=tiny_labelled,
        # in each direction four gates of 4 from 1 input, 4 states and a bias; softmax 8 -> 2
        parameters=2 * 16 * (1 + 4 + 1) + 18,
        verbs={
            "classify": Verb(lambda model, batch: model.classify(of_lengths(batch)), (8, 2), (0, 1)),
            "call": Verb(lambda model, batch: model(batch["sequence"]).numpy(), (8, 2)),
        },
        falling=("network_loss",),
        source="parity:8,num=40",
        same=(("classify", PADDED, lambda model: model.classify(PARITY)),),
        mechanism="one loss",
        litert_fixed={"classify"},
    ),
    "rnn": Row(
        arguments={"num_features": 5, "num_outputs": 5, "units": 6, "num_layers": 2, "skip_connections": True},
        batch=lambda: tiny(5),
        # 6 units from 5 inputs and 6 states, then from 5 inputs, 6 below and 6 states, with biases; both -> 5
        parameters=6 * (5 + 6 + 1) + 6 * (5 + 6 + 6 + 1) + 5 * (6 + 6 + 1),
        verbs={
            "score": Verb(lambda model, batch: model.score(of_lengths(batch)), (8,), (-np.inf, 0)),
            "predict_next": Verb(lambda model, batch: model.predict_next(of_lengths(batch)), (8, 5), (0, 1)),
            "generate": Verb(lambda model, batch: model.generate(3, num_steps=4, seed=0), (3, 4, 5), (0, 1)),
        },
        sample=lambda model, seed: model.generate(2, num_steps=9, seed=seed),
        falling=("network_loss",),
        source="chorale",
        on_source={"num_features": None, "num_outputs": None},
        reference=rnn_reference,
        mechanism="one loss",
        litert_fixed={"score", "predict_next"},
    ),
    "gru": Row(
        arguments={"num_features": 1, "predicts": "classes", "num_outputs": 2, "units": 6},
        batch=tiny_labelled_steps,
        parameters=3 * 6 * (1 + 6 + 1) + 2 * (6 + 1),  # two gates and a candidate of 6 from 1 input and 6 states
        verbs={"classify": Verb(lambda model, batch: model.classify(batch["sequence"]), (8, 6, 2), (0, 1))},
        falling=("network_loss",),
        rising=("accuracy",),
        source="ahead:8,num=40",
        reference=gru_reference,
        mechanism="one loss",
        litert_fixed={"classify"},
    ),
    "mut": Row(
        arguments={
            "num_features": 2,
            "predicts": "numbers",
            "num_outputs": 1,
            "every_step": False,
            "units": 6,
            "clip_norm": 100.0,
        },
        batch=tiny_targets,
        # z and r from 2 inputs, the candidate from as many, r and the candidate from 6 states, biases; 6 -> 1
        parameters=2 * 6 * 2 + 6 * 2 + 2 * 36 + 18 + 7,
        verbs={"regress": Verb(lambda model, batch: model.regress(batch["sequence"]), (8, 1))},
        falling=("network_loss",),
        source="adding:6,num=40",
        reference=mut_reference,
        mechanism="one loss",
        litert_fixed={"regress"},
    ),
}


def new(name="gru", **arguments):
    keras.utils.set_random_seed(0)
    return kerazoo.create(name, **{"num_features": 2, "units": 6, **arguments})


def fitted(name, source, *, steps, batch_size=32, rate=0.01, **arguments):
    """A model that has learnt from a source."""
    source = open_source(source)
    model = new(name, **model_class(name).arguments_from(source, arguments), **arguments)
    model.compile({"network": keras.optimizers.Adam(rate)}, seed=0)
    model.fit(source, batch_size=batch_size, steps_per_epoch=steps, verbose=0)
    return model


@pytest.fixture(scope="module")
def bits():
    """A model of the next two bits, whose probabilities are far from one half."""
    model = new()
    for weight in model.weights:
        weight.assign(3 * np.random.default_rng(1).standard_normal(weight.shape))
    return model


class TestWhatIsPredicted:
    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ("parity:8", ("classes", 2, False, "sequence-classification", "classify")),
            ("ahead:8", ("classes", 2, True, "sequence-classification", "classify")),
            ("copying:5", ("classes", 9, True, "sequence-classification", "classify")),
            ("adding:8", ("numbers", 1, False, "sequence-regression", "regress")),
            ("chorale", ("next_bits", 88, True, "sequence-generation", "generate")),
        ],
    )
    def test_it_follows_from_the_data(self, source, expected):
        source = open_source(source if source == "chorale" else f"{source},num=20")
        found = model_class("lstm").arguments_from(source, {})
        model = new("lstm", **found)
        assert expected == (
            found["predicts"],
            found["num_outputs"],
            found["every_step"],
            model.task,
            model.default_endpoint,
        )
        model.check(source.sample(4))

    def test_of_numbers_without_answers_it_is_the_next_step(self):
        waves = [np.sin(np.arange(length) / 3)[:, None] for length in (9, 5, 12)]
        found = model_class("gru").arguments_from(Sequences({"sequence": waves}), {})
        assert found == {"num_features": 1, "predicts": "next_numbers", "num_outputs": 1, "every_step": True}
        model = new(**found)
        expected = model.regress(waves)
        assert [row.shape for row in expected] == [(9, 1), (5, 1), (12, 1)]
        np.testing.assert_allclose(model.predict_next([waves[0][:3]])[0], expected[0][3], atol=1e-5)

    def test_a_configuration_may_ask_for_something_else(self):
        source = open_source("parity:8,num=20")
        found = model_class("lstm").arguments_from(source, {"predicts": "next_bits"})
        assert found == {"num_features": 1, "predicts": "next_bits", "num_outputs": 1, "every_step": True}
        with pytest.raises(DataError, match=r"no entry 'target' to predict \(it has: sequence, label, length|target"):
            model_class("lstm").arguments_from(source, {"predicts": "numbers"})

    @pytest.mark.parametrize("preset", ["lstm_jsb", "lstm_adding"])
    def test_a_preset_s_recipe_on_other_data_predicts_what_these_have(self, preset):
        for source, expected in (
            ("parity:8,num=20", "classes"),
            ("chorale", "next_bits"),
            ("adding:5,num=20", "numbers"),
        ):
            config, _ = training_arguments(preset, data=source)
            assert config.model["predicts"] == expected
            assert new("lstm", **config.model).task

    def test_a_model_has_the_verbs_of_what_it_predicts_and_no_others(self):
        model = new(predicts="classes", num_outputs=2, every_step=False)
        assert list(model.endpoints()) == ["classify"]
        assert not hasattr(model, "generate")
        with pytest.raises(AttributeError, match="no 'regress'"):
            model.regress([[[0.0, 1.0]]])

    @pytest.mark.parametrize("arguments", [{"bidirectional": True}, {"every_step": False}])
    def test_the_next_step_is_predicted_at_every_step_from_those_before(self, arguments):
        with pytest.raises(ConfigError, match="every step is predicted from those before it"):
            new(**arguments)


class TestTheNextStep:
    def test_the_probabilities_of_all_sequences_add_up_to_one(self, bits):
        every = np.array(list(itertools.product((0.0, 1.0), repeat=6)), "float32").reshape(-1, 3, 2)
        assert np.exp(bits.score(every).astype("float64")).sum() == pytest.approx(1, abs=1e-4)

    def test_the_score_is_that_of_each_step_given_those_before(self, bits):
        sequence = np.random.default_rng(0).integers(2, size=(5, 2)).astype("float32")
        nats = 0.0
        for time in range(1, 5):
            p = bits.predict_next([sequence[:time]])[0]
            nats += np.log(np.where(sequence[time] == 1, p, 1 - p)).sum()
        [whole, first] = bits.score([sequence, sequence[:1]])
        assert whole - first == pytest.approx(nats, rel=1e-4)

    def test_padding_does_not_count(self, bits):
        batch = tiny(2)
        alone = [bits.score([row])[0] for row in of_lengths(batch)]
        np.testing.assert_allclose(bits.score(of_lengths(batch)), alone, rtol=1e-5)
        bits.compile(seed=0)
        means = [-score / length for score, length in zip(alone, LENGTHS, strict=True)]
        assert bits.evaluate(batch, batch_size=8, verbose=0) == pytest.approx(np.mean(means), rel=1e-5)

    def test_samples_have_the_probabilities_that_the_model_gives(self, bits):
        drawn = bits.generate(4000, num_steps=2, seed=0)
        after = [[[0.0, 0.0]]]
        given = drawn[(drawn[:, 0] == after[0][0]).all(axis=1), 1]
        assert len(given) > 200
        bound = 4 * np.sqrt(0.25 / len(given))
        np.testing.assert_allclose(given.mean(axis=0), bits.predict_next(after)[0], atol=bound)

    def test_a_longer_sample_begins_like_a_shorter_one_and_cold_ones_are_alike(self, bits):
        long, short = (bits.generate(2, num_steps=steps, seed=3) for steps in (9, 4))
        np.testing.assert_array_equal(long[:, :4], short)
        cold = bits.generate(2, num_steps=5, temperature=0, seed=0)
        np.testing.assert_array_equal(cold[0], cold[1])
        np.testing.assert_array_equal(cold[0, 3], bits.predict_next(cold[:1, :3])[0] > 0.5)

    def test_an_opening_is_gone_on_from(self, bits):
        opening = np.ones((3, 2), "float32")
        found = bits.generate(2, num_steps=4, opening=opening, temperature=0, seed=0)
        assert found.shape == (2, 7, 2)
        np.testing.assert_array_equal(found[:, :3], [opening] * 2)
        np.testing.assert_array_equal(found[0, 3], bits.predict_next([opening])[0] > 0.5)
        endpoint = bits.endpoints()["continue"]
        rows = {"temperature": [0.0, 0.0], "seed": [1, 2], "num_steps": [4, 2]}
        (exported,) = endpoint(sequence=[np.pad(opening, ((0, 2), (0, 0)))] * 2, length=[3, 3], **rows).values()
        np.testing.assert_array_equal(exported[0], found[0, 3:])
        np.testing.assert_array_equal(exported[1], [*found[0, 3:5], [0, 0], [0, 0]])


class TestTraining:
    def test_both_directions_know_what_lies_ahead_and_one_does_not(self):
        data = Data("ahead:8,num=400")
        settings = EvaluationConfig(num=400)
        both = fitted("gru", "ahead:8,num=2000", steps=150, rate=0.03, bidirectional=True)
        one = fitted("gru", "ahead:8,num=2000", steps=150, rate=0.03)
        assert sequence_classification.evaluate(both, data, settings)["accuracy"] >= 0.98
        # the last step of a sequence has the class 0, which its length does not tell a reader either
        assert sequence_classification.evaluate(one, data, settings)["accuracy"] < 0.7

    def test_the_gradient_stops_after_every_window_and_the_state_goes_on(self):
        whole, cut = new("lstm"), new("lstm", truncation=2)
        x = tiny(2)["sequence"]
        np.testing.assert_allclose(whole(x), cut(x), atol=1e-6)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(cut(x) ** 2)
        found = tape.gradient(loss, cut.variables_of("network"))
        read = np.pad(x, ((0, 0), (1, 0), (0, 0)))[:, :-1]
        with tf.GradientTape() as tape:
            state, loss = whole.zero_state(8), 0.0
            for start in (0, 2, 4):
                outputs, state = whole.stack(read[:, start : start + 2], tf.stop_gradient(state))
                loss += tf.reduce_sum(whole.head(outputs) ** 2)
        for a, b in zip(found, tape.gradient(loss, whole.variables_of("network")), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-4)

    def test_one_step_and_a_single_sequence_are_enough(self):
        model = new()
        model.compile(seed=0, run_eagerly=True)
        history = model.fit({"sequence": [[[1.0, 0.0]]]}, batch_size=1, verbose=0).history
        assert np.isfinite(history["network_loss"]).all()

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            ({"sequence": [[[1.0, 0.0]], [[np.nan, 0.0]]]}, "sequence 1 has a value that is not finite, in step 0"),
            ({"sequence": [[[1.0, 0.0]], []]}, "sequence 1 .* at least one"),
            ({"sequence": []}, "no sequences|no examples"),
            ({"sequence": [[[1.0]]]}, "where the model takes"),
            ({"sequence": [[[0.5, 0.0]]]}, "values other than 0 and 1"),
        ],
    )
    def test_what_cannot_be_learned_from_is_one_line(self, data, message):
        model = new()
        model.compile(seed=0, run_eagerly=True)
        with pytest.raises(DataError, match=message) as error:
            model.fit(data, batch_size=1, verbose=0)
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            ([0, 2], "labels .* from 0 to 2 where integers from 0 to 1"),
            ([[0, 1], [1, 1]], r"label of shape \(2, 2\) where \(2,\)"),
            (None, "no entry 'label'"),
        ],
    )
    def test_labels_that_do_not_fit_are_one_line(self, labels, message):
        model = new(predicts="classes", num_outputs=2, every_step=False)
        model.compile(seed=0, run_eagerly=True)
        data = {"sequence": np.zeros((2, 2, 2), "float32"), **({} if labels is None else {"label": np.array(labels)})}
        with pytest.raises(DataError, match=message):
            model.fit(data, batch_size=2, verbose=0)

    def test_labels_are_checked_beyond_the_first_batch(self):
        model = new(predicts="classes", num_outputs=2, every_step=False)
        model.compile(seed=0, run_eagerly=True)
        with pytest.raises(DataError, match=r"labels .* from 0 to 2 where integers from 0 to 1"):
            model.fit({"sequence": np.zeros((4, 2, 2), "float32"), "label": np.array([0, 1, 0, 2])}, batch_size=1)

    def test_verbs_refuse_other_sequences(self):
        model = new()
        with pytest.raises(DataError, match="1 numbers a step where the model has 2"):
            model.score([[[1.0]]])
        with pytest.raises(DataError, match="not finite"):
            model.score([[[np.inf, 0.0]]])
        with pytest.raises(ConfigError, match="batch_size"):
            model.score([[[1.0, 0.0]]], batch_size=0)


class TestTasks:
    def test_the_likelihood_of_music_is_that_of_all_steps(self, tmp_path):
        model, data = new("rnn", num_features=88), Data("chorale")
        pieces = list(data.open("test").arrays["sequence"])
        found = sequence_generation.evaluate(model, data, EvaluationConfig())
        assert found["num_steps"] == sum(map(len, pieces)) == 2 * (32 + 24)
        assert found["nats_per_step"] == pytest.approx(-model.score(pieces).sum() / found["num_steps"], rel=1e-5)
        files = sequence_generation.sample(model, tmp_path / "samples", num=2, data=data)
        assert [file.name for file in files] == ["samples.png", "samples.mid"]
        assert all(file.stat().st_size for file in files)

    @pytest.mark.parametrize("name", ["parity:8,num=30", "copying:3,num=30"])
    def test_accuracy_is_counted_over_sequences_or_over_steps(self, name, tmp_path):
        data = Data(name)
        source = data.open("test")
        model = new(**model_class("gru").arguments_from(source, {}))
        found = sequence_classification.evaluate(model, data, EvaluationConfig())
        rows = model.classify(list(source.arrays["sequence"]))
        right = [np.argmax(row, axis=-1) == label for row, label in zip(rows, source.arrays["label"], strict=True)]
        assert found["accuracy"] == pytest.approx(np.mean(right))
        assert found.get("sequences_right", np.mean(right)) == pytest.approx(np.mean([np.all(row) for row in right]))
        (file,) = sequence_classification.sample(model, tmp_path / "samples", data=data)
        assert file.stat().st_size

    def test_squared_error_beside_that_of_the_mean(self, tmp_path):
        data = Data("adding:5,num=30")
        source = data.open("test")
        model = new(**model_class("gru").arguments_from(source, {}))
        found = sequence_regression.evaluate(model, data, EvaluationConfig())
        error = (model.regress(source.arrays["sequence"]) - source.arrays["target"]) ** 2
        assert found["mean_squared_error"] == pytest.approx(error.mean(), rel=1e-5)
        assert found["mean_squared_error_of_the_mean"] == pytest.approx(source.arrays["target"].var(), rel=1e-5)
        (file,) = sequence_regression.sample(model, tmp_path / "samples", data=data)
        assert file.stat().st_size


OWN = {
    "label": ("sequence,x,y,label\n", "{0},{1},{2},{3}\n", ",sequence=sequence", "sequence-classification"),
    "target": ("sequence,x,y,goal\n", "{0},{1},{2},{1}\n", ",sequence=sequence,target=goal", "sequence-regression"),
    "nothing": ("x,y\n", "{1},{2}\n", ",window=4", "sequence-regression"),
}


@pytest.mark.parametrize("kind", OWN)
def test_a_table_in_time_of_ones_own(kind, tmp_path):
    header, line, options, task = OWN[kind]
    random = np.random.default_rng(0)
    rows = [line.format(i // 4, *random.random(2).round(3), "ab"[i // 4 % 2]) for i in range(80)]
    (tmp_path / "own.csv").write_text(header + "".join(rows))
    config = {
        "architecture": "lstm",
        "model": {"units": 4},
        "data": {"source": f"csv:{tmp_path / 'own.csv'}{options}"},
        "training": {"steps": 2, "batch_size": 4},
    }
    result = train_run(make_config(config), tmp_path / "run")
    assert kerazoo.load(result.preset).task == task


def test_music_of_ones_own(tmp_path):
    (tmp_path / "own.json").write_text(str([[[60, 64, 67], [60], []]] * 10))
    config = {
        "architecture": "lstm",
        "model": {"units": 4},
        "data": {"source": f"music:{tmp_path / 'own.json'}"},
        "training": {"steps": 2, "batch_size": 4},
    }
    result = train_run(make_config(config), tmp_path / "run")
    assert list(result.preset.glob("samples.mid"))
    assert kerazoo.load(result.preset).generate(1, num_steps=3, seed=0).shape == (1, 3, 88)
