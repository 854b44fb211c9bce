"""The checks of each mechanism of training: one row for each in `make test`, every row in `make test-slow`."""

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.presets.config import make_config
from kerazoo.training import train as train_run
from kerazoo.training.callbacks import read_log
from tests.graphs import executed_graphs, unordered
from tests.zoo_rows import (
    all_rows,
    all_variables,
    architecture,
    assert_equal,
    compiled,
    fit,
    fit_stages,
    new,
    one_row_a_mechanism,
    values,
)


@pytest.mark.parametrize("name", one_row_a_mechanism())
class TestMechanism:
    def test_training_repeats_with_its_seed_and_goes_on_after_saving(self, name, tmp_path):
        batch, first, second = all_rows()[name].batch(), compiled(name), compiled(name)
        with executed_graphs() as graphs:
            fit_stages(first, 2, batch)
        assert any(node.op.startswith("Assign") for graph in graphs for node in graph.node)
        assert [unordered(graph) for graph in graphs] == [[]] * len(graphs)  # else it repeats most of the time alone
        first.save(tmp_path / "model.keras")
        fit(first, 2, batch)
        fit_stages(second, 2, batch)
        fit(second, 2, batch)
        assert_equal(all_variables(first), all_variables(second))
        loaded = keras.models.load_model(tmp_path / "model.keras")
        fit(loaded, 2, batch)
        assert_equal(all_variables(loaded), all_variables(first))

    def test_a_run_on_a_built_in_source(self, name, tmp_path):
        row = all_rows()[name]
        arguments = {key: value for key, value in {**row.arguments, **row.on_source}.items() if value is not None}
        config = make_config(
            {
                "architecture": architecture(name),
                "model": arguments,
                "data": {"source": row.source},
                "training": {"steps": 2 * len(new(name).stages()), "batch_size": 4},
            }
        )
        result = train_run(config, tmp_path / "run")
        assert result.finished
        assert list((result.preset).glob("samples.*"))
        assert list((tmp_path / "run" / "samples").iterdir())
        log = read_log(tmp_path / "run")
        stages = kerazoo.load(result.preset).stages()
        assert {key for row in log for key, value in row.items() if value} == {
            *("epoch", "step", "seconds"),
            *(loss for stage in stages for loss in stage.tracked),
        }

    def test_batches_by_hand(self, name):
        model = compiled(name)
        for call in (model.train_on_batch, model.test_on_batch):
            logs = call(all_rows()[name].batch(), return_dict=True)
            assert set(logs) == set(model.stage.tracked)
            assert all(np.isfinite(value) for value in logs.values())
        assert int(model.step.numpy()) == 1

    # float16 takes all that bfloat16 takes, and a scale of the loss.
    @pytest.mark.parametrize("precision", [pytest.param("mixed_bfloat16", marks=pytest.mark.slow), "mixed_float16"])
    def test_trains_in_mixed_precision(self, name, precision):
        model = compiled(name, dtype=precision)
        for history in fit_stages(model, 2, all_rows()[name].batch()).values():
            assert all(np.isfinite(values).all() for values in history.values())
        assert all(np.isfinite(value).all() for value in values(model.weights))
        assert {v.dtype for v in model.weights} == {"float32"}
        scaled = [isinstance(o, keras.optimizers.LossScaleOptimizer) for o in model.optimizers.values()]
        assert scaled == [precision == "mixed_float16"] * len(model.roles)
