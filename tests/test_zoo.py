"""The checks that every architecture passes; its row in `zoo_rows.py` says what they need to know about it.

A row's model is traced and trained once; the checks read what came of it.
"""

import functools
import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.base.registry import built_in, model_class
from kerazoo.presets.cards import models_table, render_card
from kerazoo.presets.loading import list_presets
from kerazoo.presets.outputs import differing_outputs, sample_outputs
from kerazoo.presets.preset import CARD, check_weights, find_preset
from tests.exports import check_saved_model
from tests.zoo_rows import (
    all_rows,
    all_variables,
    architecture,
    assert_equal,
    every_row,
    fit_stages,
    new,
    one_row_a_mechanism,
    published,
    values,
)

# Learning rates are variables, so one traced step serves them all.
RATE = 1e-3


class Case:
    """A row's model, and what training makes of it, each computed when it is first asked for."""

    def __init__(self, name):
        self.name, self.row, self.batch = name, all_rows()[name], all_rows()[name].batch()
        self.model = new(name)
        self.fresh = values(self.model.weights)
        roles = self.model.roles
        self.model.compile({role: keras.optimizers.Adam(RATE) for role in roles}, seed=1)
        self.optimizers = {role: values(one.variables) for role, one in self.model.optimizers.items()}

    def begin_again(self, rates):
        """Fresh weights and optimizers, with a learning rate for each role, and the noise of the first steps."""
        self.model.set_weights(self.fresh)
        self.model.step.assign(0)  # what was computed before must not matter
        for role, optimizer in self.model.optimizers.items():
            for variable, value in zip(optimizer.variables, self.optimizers[role], strict=True):
                variable.assign(value)
            optimizer.learning_rate = rates.get(role, 0.0)

    @functools.cached_property
    def changed(self):
        """role -> paths of the variables that two steps change in every stage, where this role alone learns.

        Behind a last layer that begins at zero, the others get a gradient in the second step.
        """
        found = {}
        for role in self.model.roles:
            self.begin_again({role: 0.1})
            before = {v.path: v.numpy() for v in self.model.trainable_variables}
            fit_stages(self.model, 2, self.batch)
            after = {v.path: v.numpy() for v in self.model.trainable_variables}
            found[role] = {path for path in after if not np.array_equal(before[path], after[path])}
        return found

    @functools.cached_property
    def repeated(self):
        """stage -> history of twenty steps on one batch, where the row's learners learn."""
        learners = self.model.roles if self.row.learners is None else self.row.learners
        self.begin_again(dict.fromkeys(learners, 0.02))
        return fit_stages(self.model, 20, self.batch)

    @functools.cached_property
    def trained(self):
        """The model after three steps of all roles in every stage."""
        _ = self.changed, self.repeated  # what comes after may only read
        self.begin_again(dict.fromkeys(self.model.roles, RATE))
        self.histories = fit_stages(self.model, 3, self.batch)
        return self.model


@pytest.fixture(scope="class", params=every_row())
def case(request):
    return Case(request.param)


class TestArchitecture:
    def test_class_says_what_it_is(self, case):
        cls = type(case.model)
        assert cls.architecture == architecture(case.name)
        assert cls.__module__ == built_in()[cls.architecture]
        assert cls.paper
        assert case.model.task
        assert list(case.model.default_optimizers()) == list(case.model.roles)
        for section in ("Args:", "Example:", "Source:"):
            assert section in cls.__doc__

    def test_parameter_count(self, case):
        assert case.model.count_params() == case.row.parameters

    def test_configuration_round_trip(self, case):
        model = new(case.name, dtype="mixed_bfloat16")
        config = model.get_config()
        twin = type(model).from_config(json.loads(json.dumps(config)))
        assert twin.get_config() == config
        assert [v.shape for v in twin.weights] == [v.shape for v in model.weights]

    def test_fresh_kernels_are_drawn_independently(self, case):
        trainable = [v.path for v in case.model.trainable_variables if v.path.endswith("kernel")]
        fresh = dict(zip([v.path for v in case.model.weights], case.fresh, strict=True))
        kernels = [fresh[path].ravel() for path in trainable]
        kernels = [kernel for kernel in kernels if kernel.std() > 0]  # zeros at the start are another choice
        for i, kernel in enumerate(kernels):
            for other in kernels[:i]:
                size = min(len(kernel), len(other))
                alike = kernel[:size] / kernel.std() - other[:size] / other.std()
                assert np.abs(alike).max() > 0.1, (i, size)

    def test_each_role_changes_only_its_own_variables_and_all_of_them(self, case):
        set_anew = {v.path for name in case.row.taken_over for v in getattr(case.model, name).variables}
        for role, changed in case.changed.items():
            own = {v.path for v in case.model.variables_of(role)}
            assert changed - (set_anew - own) == own - case.row.unchanged

    def test_losses_of_a_repeated_batch_fall_where_they_should(self, case):
        row, histories = case.row, case.repeated.values()
        assert row.falling or row.rising
        for names, sign in ((row.falling, -1), (row.rising, 1)):
            for loss in names:
                losses = [value for history in histories for value in history.get(loss, ())]
                assert sign * (losses[-1] - losses[0]) > 0.1 * abs(losses[0]), loss

    def test_losses_are_finite(self, case):
        stages = case.trained.stages()
        for stage, history in zip(stages, case.histories.values(), strict=True):
            assert set(history) == set(stage.tracked)
            assert all(np.isfinite(value).all() for value in history.values())

    def test_evaluate_gives_every_loss(self, case):
        case.trained.run_eagerly = True  # one batch is sooner measured than traced
        losses = case.trained.evaluate(case.batch, batch_size=8, verbose=0, return_dict=True)
        case.trained.run_eagerly = False
        assert set(losses) == {metric.name for metric in case.trained.metrics}
        assert all(np.isfinite(value) for value in losses.values())

    def test_verbs_keep_their_shapes_and_ranges(self, case):
        for verb in case.row.verbs.values():
            result = verb.call(case.trained, case.batch)
            assert result.shape == verb.shape
            assert result.dtype == np.float32
            assert np.isfinite(result).all()
            assert result.min() >= verb.range[0]
            assert result.max() <= verb.range[1]

    def test_verbs_written_apart_give_what_their_signature_gives(self, case):
        endpoints = case.trained.endpoints()
        for signature, inputs, call in case.row.same:
            (found,) = endpoints[signature](**inputs).values()
            found, expected = found.numpy(), call(case.trained)
            if expected.dtype.kind == "f":
                np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
            else:
                assert found.tolist() == expected.tolist()

    def test_same_seed_same_sample(self, case):
        sample, model = case.row.sample, case.trained
        if sample is None:
            assert not hasattr(model, "generate")
            return
        np.testing.assert_array_equal(sample(model, 3), sample(model, 3))
        assert not np.array_equal(sample(model, 3), sample(model, 4))

    def test_a_saved_model_is_the_same(self, case, tmp_path):
        case.trained.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        assert loaded.stage == case.trained.stage
        assert_equal(all_variables(loaded), all_variables(case.trained))

    def test_preset_round_trip(self, case, tmp_path):
        model = case.trained
        model.save_preset(tmp_path / "mine")
        loaded = kerazoo.load(tmp_path / "mine")
        assert loaded.preset == "mine"
        assert loaded.get_config() == model.get_config() | {"name": loaded.name}
        for found, expected in zip(values(loaded.weights), values(model.weights), strict=True):
            np.testing.assert_allclose(found, expected, rtol=2**-10, atol=1e-4)

    def test_a_step_follows_the_equations_of_the_paper(self, case):
        if case.row.reference is not None:
            check_equations(case)


@pytest.mark.parametrize("name", one_row_a_mechanism())
def test_a_saved_model_gives_what_keras_gives(name, tmp_path):
    model, rng = new(name), np.random.default_rng(0)
    for variable in model.trainable_variables:  # layers that begin at zero have no part in what a model gives
        variable.assign(variable + 0.1 * rng.normal(size=variable.shape))
    check_saved_model(model, tmp_path / "model" / "1")


def check_equations(case):
    """One step of gradient descent, against the losses and the gradients of the row's `reference`."""
    model, twin, rate = new(case.name), new(case.name), 0.01
    for one in (model, twin):
        # One step is sooner done than traced; that a traced one is the same: test_zoo_devices.py.
        one.compile({role: keras.optimizers.SGD(rate) for role in one.roles}, seed=5, run_eagerly=True)
        one.adapt(case.batch)
    rows = len(next(iter(case.batch.values())))

    def noise(stream, shape, distribution="normal", **options):
        return twin.noise(rows, shape, stream=stream, distribution=distribution, **options)

    expected = {}
    for role, loss in case.row.reference(twin, {key: tf.constant(value) for key, value in case.batch.items()}, noise):
        variables = twin.variables_of(role)
        with tf.GradientTape() as tape:
            mean = tf.reduce_mean(loss())
        for variable, gradient in zip(variables, tape.gradient(mean, variables), strict=True):
            variable.assign_sub(rate * tf.convert_to_tensor(gradient))
        expected[f"{role}_loss"] = float(mean)
    found = model.fit(case.batch, batch_size=rows // model.batches_per_step, shuffle=False, verbose=0).history
    hint = "the row's reference and the model differ: the losses, their order, or the noise and its stream"
    assert {name: found[name][0] for name in expected} == pytest.approx(expected, rel=1e-4), hint
    for a, b in zip(model.trainable_variables, twin.trainable_variables, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-5, err_msg=f"{a.path} after the update; {hint}")


# === The index, presets and files ===


def test_every_architecture_has_a_row_and_a_preset():
    assert sorted({architecture(name) for name in all_rows()}) == sorted(built_in())
    assert [name for name in built_in() if not list_presets(name)] == []


def test_every_mechanism_has_one_row_in_the_quick_tests():
    mechanisms = {row.mechanism for row in all_rows().values()}
    assert sorted(row.mechanism for row in all_rows().values() if row.represents) == sorted(mechanisms)


@pytest.mark.parametrize("preset", published())
def test_a_published_preset_gives_what_it_gave(preset):
    """A layer, a prior or an endpoint that changes what trained models give shows here."""
    stored = find_preset(preset).metadata["outputs"]
    assert stored
    assert differing_outputs(sample_outputs(kerazoo.load(preset)), stored) == []


@pytest.mark.slow  # a preset is trained after its configuration is written
def test_every_preset_is_published():
    assert published() == list_presets()


@pytest.mark.parametrize("preset", published())
def test_every_preset_ships_checked_weights_figures_samples_and_card(preset):
    preset = find_preset(preset)
    limit = LARGER.get(preset.name, 3_000_000)
    assert check_weights(preset).stat().st_size <= limit
    assert preset.metadata["training"]["command"].startswith("kerazoo train ")
    assert preset.metadata["evaluation"]["metrics"]
    assert list(preset.folder.glob("samples.*"))
    assert (preset.folder / CARD).read_text(encoding="utf-8") == render_card(preset)


# Vocabularies of words take more than an image model's layers; the other's sizes are its paper's.
LARGER = {
    "attention_seq2seq_multi30k": 6_000_000,
    "lstm_word_lm_imdb": 6_000_000,
    "seq2seq_multi30k": 6_000_000,
    "transformer_multi30k": 6_000_000,
    "deep_autoencoder_mnist": 5_800_000,
}


def test_the_readme_shows_the_table_of_models():
    assert models_table() in (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_model_classes_are_found_by_name():
    assert {name: model_class(name).architecture for name in built_in()} == {name: name for name in built_in()}
