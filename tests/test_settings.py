"""Keras's global settings that are meant for other models: data format, float type, backend."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.utils.errors import ConfigError
from tests.zoo_rows import all_rows, new, one_row_a_mechanism, values


@pytest.fixture
def other_settings():
    """`channels_first` and float64, as a script sets them for models of its own."""
    keras.config.set_image_data_format("channels_first")
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")  # what a fresh process makes of the line above
    yield
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


def outcome(name):
    """The results of a row's verbs and the losses of its last stage, without training."""
    row, model = all_rows()[name], new(name)
    batch = row.batch()
    model.compile(seed=1, run_eagerly=True)
    model.begin_stage(model.stages()[-1].name)
    losses = model.evaluate(batch, batch_size=8, verbose=0, return_dict=True)
    verbs = {verb: one.call(model, batch) for verb, one in row.verbs.items()}
    return values(model.weights), verbs | {loss: np.float32(value) for loss, value in losses.items()}


@pytest.mark.parametrize("name", one_row_a_mechanism())
def test_settings_for_other_models_change_nothing(name, request):
    expected_weights, expected = outcome(name)
    request.getfixturevalue("other_settings")
    weights, found = outcome(name)
    for a, b in zip(weights, expected_weights, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    for key, value in expected.items():
        assert np.asarray(found[key]).dtype == value.dtype
        np.testing.assert_allclose(found[key], value, rtol=1e-5, atol=1e-6, err_msg=key)


def test_training_steps_are_those_of_float32(other_settings):
    model = new("dcgan")
    model.compile(seed=1)
    batch = all_rows()["dcgan"].batch()
    history = model.fit(batch, batch_size=8, verbose=0).history
    assert all(np.isfinite(value) for (value,) in history.values())
    assert {weight.dtype for weight in model.weights} == {"float32"}


@pytest.mark.parametrize("policy", ["float64", keras.DTypePolicy("float64")])
def test_float64_is_no_precision_of_the_zoo(policy):
    with pytest.raises(ConfigError, match=r"^dtype = 'float64': 'float32', 'mixed_bfloat16' or 'mixed_float16' is"):
        kerazoo.create("vae", dtype=policy)


def in_a_process(code, **environment):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("backend", "code"),
    [
        ("jax", "kerazoo.create('vae')"),
        ("torch", "kerazoo.load('dbn')"),
        ("numpy", "kerazoo.register('mine')(type('Mine', (), {}))"),
        ("jax", "import kerazoo.models.gans.dcgan"),
        ("jax", "import kerazoo.networks.dense"),
        ("torch", "import kerazoo.layers.gru"),
    ],
)
def test_another_backend_is_one_line(backend, code):
    found = in_a_process(f"import sys, kerazoo; assert 'keras' not in sys.modules; {code}", KERAS_BACKEND=backend)
    last = found.stderr.strip().splitlines()[-1]
    assert last.startswith(f"kerazoo.utils.errors.ConfigError: Keras's backend is '{backend}' here, and kerazoo's mode")


def test_another_backend_is_one_line_on_the_command_line(tmp_path):
    code = "import sys; from kerazoo.cli import main; sys.argv[1:] = ['sample', 'vae']; sys.exit(main())"
    found = in_a_process(code, KERAS_BACKEND="jax")
    assert found.returncode
    assert found.stderr.startswith("kerazoo: Keras's backend is 'jax' here")
    assert found.stderr.count("\n") == 1
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "numpy"}))
    environment = {"KERAS_HOME": str(tmp_path), "KERAS_BACKEND": ""}
    assert "Keras's backend is 'numpy' here" in in_a_process(code, **environment).stderr


def test_a_notebook_can_begin_without_log_lines():
    code = "from kerazoo.utils import console; console.import_tensorflow(); import kerazoo; kerazoo.create('rbm')"
    found = in_a_process(code, TF_CPP_MIN_LOG_LEVEL="0")
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
