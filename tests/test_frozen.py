"""Files of version 0.1.0 load: a preset, a `.keras` file and a run folder, written by that version (`tests/frozen`)."""

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.presets.config import read_config
from kerazoo.training import train
from tests.zoo_rows import all_rows

FROZEN = Path(__file__).parent / "frozen"
NAMES = sorted(path.name for path in FROZEN.iterdir())
RUNS = sorted(path.parent.name for path in FROZEN.glob("*/run"))


def expected(name):
    return np.load(FROZEN / name / "expected.npz")


@pytest.mark.parametrize("name", NAMES)
def test_a_keras_file_has_its_weights_and_goes_on(name):
    model = keras.models.load_model(FROZEN / name / "model.keras")
    stored = expected(name)
    for index, weight in enumerate(model.get_weights()):
        np.testing.assert_array_equal(weight, stored[f"weight_{index}"])
    steps = int(model.step.numpy())
    assert steps == 2 * len(model.stages())
    assert model.stage == model.stages()[-1]
    logs = model.train_on_batch(all_rows()[name].batch(), return_dict=True)
    assert all(np.isfinite(value) for value in logs.values())
    assert int(model.step.numpy()) == steps + 1


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_gives_what_it_gave(name):
    model = kerazoo.load(FROZEN / name / "preset")
    verb = next(iter(all_rows()[name].verbs.values()))
    np.testing.assert_allclose(verb.call(model, all_rows()[name].batch()), expected(name)["verb"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", RUNS)
def test_a_run_folder_loads_and_is_finished(name, tmp_path):
    run = Path(shutil.copytree(FROZEN / name / "run", tmp_path / "run"))
    assert kerazoo.load(run).architecture == name
    result = train(read_config(run / "config.yaml"), run, resume=True)
    assert (result.finished, result.step) == (True, 4)
