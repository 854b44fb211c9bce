"""Shared by the tests: a quiet TensorFlow with two logical CPUs, a tiny DCGAN's configuration, and a finished run."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
# As many processes as cores run tests; threads of each for all cores would only wait for one another. A variable, since
# processes that tests start must inherit it: sums by another number of threads differ in their last bits.
os.environ["TF_NUM_INTRAOP_THREADS"] = "1"

import contextlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.data.ops import multi_device_iterator_ops

from kerazoo.base import registry
from kerazoo.data.order import with_fixed_options
from kerazoo.exporting import litert
from kerazoo.exporting.litert_children import Child
from kerazoo.presets.config import make_config
from kerazoo.training import train

# Two logical devices stand for two GPUs; they must be set before TensorFlow's first operation.
CPU = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(CPU, [tf.config.LogicalDeviceConfiguration()] * 2)
tf.get_logger().setLevel("ERROR")

# TensorFlow's own iterators, one for each replica, tune themselves, and to tear one down waits for the tuning thread's
# next wake-up, up to a minute: tests would sleep wherever garbage is collected. The zoo's own do not (data/order.py).
_of_one_device = multi_device_iterator_ops._create_device_dataset
multi_device_iterator_ops._create_device_dataset = lambda *args: with_fixed_options(_of_one_device(*args))

# 16x16 digits in batches of 300: an epoch of the 1,437 training images has four steps.
TINY_MODEL = {"image_shape": [16, 16, 1], "filters": 4, "latent_dim": 8, "kernel_size": 3}
TINY_OPTIONS = [f"--set=model.{key}={value}" for key, value in TINY_MODEL.items()]
TINY_OPTIONS += ["--data=digits", "--precision=float32", "--batch-size=300"]
STEPS_PER_EPOCH = 4


def pytest_make_parametrize_id(val, argname):
    """Bytes are named after their argument: as an id they are unreadable, and workers must collect the same ids."""
    return argname if isinstance(val, bytes) else None


def tiny_config(steps=6, **sections):
    """The configuration of a tiny DCGAN on digits; `sections` are merged over its own."""
    values = {
        "architecture": "dcgan",
        "model": TINY_MODEL,
        "data": {"source": "digits"},
        "training": {"steps": steps, "batch_size": 300, "decay_start": 0.5},
    }
    for name, section in sections.items():
        values[name] = {**values.get(name, {}), **section}
    return make_config(values)


def state(run):
    """Every number that training changes, from the last checkpoint of a run: name -> array."""
    return model_state(keras.models.load_model(sorted(Path(run, "checkpoints").glob("*.keras"))[-1]))


@pytest.fixture(scope="session")
def two_replicas():
    """One strategy over the two logical CPUs of `conftest.py`; a second one would reuse the first's collective keys."""
    strategy = tf.distribute.MirroredStrategy([device.name for device in tf.config.list_logical_devices("CPU")])
    assert strategy.num_replicas_in_sync == 2
    return strategy


def model_state(model):
    """Weights, optimizer variables and states of a compiled model: name -> array."""
    values = _numbered("weights", model.weights)
    for role, optimizer in model.optimizers.items():
        values |= _numbered(f"{role} optimizer", optimizer.variables)
    return values | _numbered("state", model.states())


def _numbered(owner, variables):
    """Names without Keras's counters, which differ between two models of one process."""
    names = [re.sub(r"_\d+", "", variable.path.split("/")[-1]) for variable in variables]
    return {f"{owner} {i} {name}": v.numpy() for i, (name, v) in enumerate(zip(names, variables, strict=True))}


def assert_same_state(found, expected):
    assert found.keys() == expected.keys()
    assert [name for name in found if not np.array_equal(found[name], expected[name])] == []


def python(*arguments, **kwargs):
    """Start a fresh Python on the checkout, its output piped as text."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), **kwargs.pop("env", {})}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, *map(str, arguments)], env=environment, **pipes, **kwargs)


def finish(process, timeout=120):
    """Wait for a process of `python`; returns (exit status, stdout, stderr)."""
    stdout, stderr = process.communicate(timeout=timeout)
    return process.returncode, stdout, stderr


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    """A run of six steps, one and a half epochs. Read it only; `run_copy` is for damaging."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    train(tiny_config(), folder, command="kerazoo train tiny")
    return folder


@pytest.fixture(scope="session")
def converter():
    """A process that converts to LiteRT, for all tests of `one_converter`."""
    with Child(litert.CONVERTER) as child:
        yield child


@pytest.fixture
def one_converter(converter, monkeypatch):
    """Exports to LiteRT share a process: one of its own, as a user's has, would import TensorFlow for each."""

    def child(module):
        return contextlib.nullcontext(converter) if module == converter.module else Child(module)

    monkeypatch.setattr(litert, "Child", child)


@pytest.fixture
def own_classes():
    """Classes that are registered meanwhile are forgotten again, those of the zoo are not."""
    yield registry._CLASSES
    for name in set(registry._CLASSES) - set(registry.built_in()):
        del registry._CLASSES[name]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture
def run_copy(finished_run, tmp_path):
    """A copy of the finished run that a test may change."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))
