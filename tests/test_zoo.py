"""The checks that every architecture passes; `zoo_rows.py` says what they need to know of each."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.base.registry import index, model_class
from kerazoo.presets.config import make_config
from kerazoo.presets.loading import list_presets
from kerazoo.presets.preset import CARD, check_weights, find_preset
from kerazoo.training import train as train_run
from kerazoo.training.callbacks import read_log
from tests.exports import check_saved_model
from tests.graphs import executed_graphs, unordered
from tests.zoo_rows import ROWS

NAMES = sorted(ROWS)


def new(name, **arguments):
    """The row's tiny model, always with the same weights."""
    keras.utils.set_random_seed(0)
    return kerazoo.create(name, **{**ROWS[name].arguments, **arguments})


def compiled(name, **arguments):
    model = new(name, **arguments)
    model.compile(seed=1)
    return model


def train(model, num_steps, batch):
    """`num_steps` steps on one batch in the model's stage; returns the losses of each step."""
    rows = len(next(iter(batch.values()))) // model.batches_per_step
    return [model.fit(batch, batch_size=rows, epochs=1, verbose=0).history for _ in range(num_steps)]


def train_stages(model, num_steps, batch):
    """`num_steps` steps in every stage; returns stage -> the losses of each step."""
    history = {}
    for stage in model.stages():
        model.begin_stage(stage.name)
        history[stage.name] = train(model, num_steps, batch)
    return history


def values(variables):
    return [np.array(variable.numpy()) for variable in variables]


def all_variables(model):
    """Weights, optimizer variables and states (the step, ...): all that training changes."""
    optimizers = [variable for optimizer in model.optimizers.values() for variable in optimizer.variables]
    return [*values(model.weights), *values(optimizers), *(np.asarray(v) for v in model.states())]


def assert_equal(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_every_architecture_has_a_row_and_a_preset():
    assert sorted(index()) == NAMES
    assert [name for name in NAMES if not list_presets(name)] == []


@pytest.mark.parametrize("preset", list_presets())
def test_every_preset_ships_checked_weights_figures_samples_and_card(preset):
    preset = find_preset(preset)
    # Two vocabularies of words take more than an image model's layers.
    limit = 6_000_000 if model_class(preset.config.architecture).task == "text-translation" else 3_000_000
    assert check_weights(preset).stat().st_size <= limit
    assert preset.metadata["training"]["command"].startswith("kerazoo train ")
    assert preset.metadata["evaluation"]["metrics"]
    assert list(preset.folder.glob("samples.*"))
    from kerazoo.presets.cards import render_card

    assert (preset.folder / CARD).read_text(encoding="utf-8") == render_card(preset)


@pytest.mark.parametrize("name", NAMES)
class TestArchitecture:
    def test_class_says_what_it_is(self, name):
        cls = model_class(name)
        assert cls.architecture == name
        assert cls.__module__ == index()[name]
        assert cls.paper
        assert cls.roles
        for section in ("Args:", "Example:", "Source:"):
            assert section in cls.__doc__

    def test_parameter_count(self, name):
        assert new(name).count_params() == ROWS[name].parameters

    def test_configuration_round_trip(self, name):
        model = new(name, dtype="mixed_bfloat16")
        config = model.get_config()
        twin = type(model).from_config(json.loads(json.dumps(config)))
        assert twin.get_config() == config
        assert [v.shape for v in twin.weights] == [v.shape for v in model.weights]

    def test_verbs_keep_their_shapes_and_ranges(self, name):
        row, model = ROWS[name], new(name)
        batch = row.batch()
        for verb in row.verbs.values():
            result = verb.call(model, batch)
            assert result.shape == verb.shape
            assert result.dtype == np.float32
            assert np.isfinite(result).all()
            assert result.min() >= verb.range[0]
            assert result.max() <= verb.range[1]

    def test_same_seed_same_sample(self, name):
        sample = ROWS[name].sample
        if sample is None:
            assert not hasattr(model_class(name), "generate")
            return
        model = new(name)
        np.testing.assert_array_equal(sample(model, 3), sample(model, 3))
        assert not np.array_equal(sample(model, 3), sample(model, 4))

    def test_each_role_changes_only_its_own_variables_and_all_of_them(self, name):
        row = ROWS[name]
        for role in model_class(name).roles:
            model = new(name)
            rates = {other: 1.0 if other == role else 0.0 for other in model.roles}
            model.compile({other: keras.optimizers.SGD(rate) for other, rate in rates.items()}, seed=1)
            before = {v.path: v.numpy() for v in model.trainable_variables}
            train_stages(model, 1, row.batch())
            changed = {v.path for v in model.trainable_variables if not np.array_equal(before[v.path], v.numpy())}
            assert changed == {v.path for v in model.variables_of(role)} - row.unchanged

    def test_losses_are_finite(self, name):
        row, model = ROWS[name], compiled(name)
        for stage, history in zip(model.stages(), train_stages(model, 12, row.batch()).values(), strict=True):
            assert set(history[0]) == set(stage.tracked)
            assert all(np.isfinite(value) for logs in history for value in logs.values())

    def test_losses_of_a_repeated_batch_fall_where_they_should(self, name):
        row, model = ROWS[name], new(name)
        learners = model.roles if row.learners is None else row.learners
        model.compile({role: keras.optimizers.Adam(0.02 if role in learners else 0.0) for role in model.roles}, seed=1)
        histories = train_stages(model, 20, row.batch()).values()
        assert row.falling or row.rising
        for names, sign in ((row.falling, -1), (row.rising, 1)):
            for loss in names:
                losses = [logs[loss][0] for history in histories for logs in history if loss in logs]
                assert sign * (losses[-1] - losses[0]) > 0.1 * abs(losses[0]), loss

    def test_batches_by_hand(self, name):
        row, model = ROWS[name], compiled(name)
        for call in (model.train_on_batch, model.test_on_batch):
            logs = call(row.batch(), return_dict=True)
            assert set(logs) == set(model.stage.tracked)
            assert all(np.isfinite(value) for value in logs.values())
        assert int(model.step.numpy()) == 1

    def test_fresh_kernels_are_drawn_independently(self, name):
        kernels = [v.numpy().ravel() for v in new(name).trainable_variables if v.path.endswith("kernel")]
        kernels = [kernel for kernel in kernels if kernel.std() > 0]  # zeros at the start are another choice
        for i, kernel in enumerate(kernels):
            for other in kernels[:i]:
                size = min(len(kernel), len(other))
                alike = kernel[:size] / kernel.std() - other[:size] / other.std()
                assert np.abs(alike).max() > 0.1, (i, size)

    @pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
    def test_trains_in_mixed_precision(self, name, precision):
        model = compiled(name, dtype=precision)
        for history in train_stages(model, 2, ROWS[name].batch()).values():
            assert all(np.isfinite(value) for logs in history for value in logs.values())
        assert all(np.isfinite(value).all() for value in values(model.weights))
        assert {v.dtype for v in model.weights} == {"float32"}
        scaled = [isinstance(o, keras.optimizers.LossScaleOptimizer) for o in model.optimizers.values()]
        assert scaled == [precision == "mixed_float16"] * len(model.roles)

    def test_a_saved_model_continues_as_if_never_saved(self, name, tmp_path):
        row, model = ROWS[name], compiled(name)
        train_stages(model, 2, row.batch())
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        assert loaded.stage == model.stage
        assert_equal(all_variables(loaded), all_variables(model))
        train(model, 2, row.batch())
        train(loaded, 2, row.batch())
        assert_equal(all_variables(loaded), all_variables(model))

    def test_training_repeats_with_its_seed(self, name):
        first, second = compiled(name), compiled(name)
        with executed_graphs() as graphs:
            train_stages(first, 3, ROWS[name].batch())
        assert any(node.op.startswith("Assign") for graph in graphs for node in graph.node)
        assert [unordered(graph) for graph in graphs] == [[]] * len(graphs)  # else it repeats most of the time alone
        train_stages(second, 3, ROWS[name].batch())
        assert_equal(all_variables(first), all_variables(second))

    def test_evaluate_gives_every_loss(self, name):
        model = compiled(name)
        losses = model.evaluate(ROWS[name].batch(), batch_size=3, verbose=0, return_dict=True)
        assert set(losses) == {metric.name for metric in model.metrics}
        assert all(np.isfinite(value) for value in losses.values())

    def test_preset_round_trip(self, name, tmp_path):
        model = compiled(name)
        train(model, 1, ROWS[name].batch())
        model.save_preset(tmp_path / "mine")
        loaded = kerazoo.load(tmp_path / "mine")
        assert loaded.preset == "mine"
        assert loaded.get_config() == model.get_config() | {"name": loaded.name}
        for found, expected in zip(values(loaded.weights), values(model.weights), strict=True):
            np.testing.assert_allclose(found, expected, rtol=2**-10, atol=1e-4)

    def test_a_run_on_a_built_in_source(self, name, tmp_path):
        row = ROWS[name]
        arguments = {key: value for key, value in {**row.arguments, **row.on_source}.items() if value is not None}
        config = make_config(
            {
                "architecture": name,
                "model": arguments,
                "data": {"source": row.source},
                "training": {"steps": 4, "batch_size": 4},
            }
        )
        result = train_run(config, tmp_path / "run")
        assert result.finished
        assert result.step == 4
        assert list((result.preset).glob("samples.*"))
        assert list((tmp_path / "run" / "samples").iterdir())
        log = read_log(tmp_path / "run")
        stages = kerazoo.load(result.preset).stages()
        assert {key for row in log for key, value in row.items() if value} == {
            *("epoch", "step", "seconds"),
            *(loss for stage in stages for loss in stage.tracked),
        }

    def test_a_saved_model_gives_what_keras_gives(self, name, tmp_path):
        check_saved_model(new(name), tmp_path / name / "1")


def test_the_readme_shows_the_table_of_models():
    from kerazoo.presets.cards import models_table

    assert models_table() in (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_a_model_file_is_short_enough_to_read_beside_its_paper():
    models = (Path(kerazoo.__file__).parent / "models").rglob("*.py")
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in models}
    assert {name: lines for name, lines in lengths.items() if lines > 250} == {}
