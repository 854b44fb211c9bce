"""One row per architecture: facts that the shared checks of `test_zoo.py`, `test_zoo_mechanisms.py` and others need.

A row stands beside its paper's test, in a `ROWS = {name: Row(...)}` of some `tests/test_*.py`; `all_rows` finds them. A
second row of an architecture, with other arguments, is called `name@variant`.
"""

import functools
import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kerazoo


def tiny_images(num=8, size=16, channels=1, classes=3):
    """Images with a bright square whose place is the class: uint8, with labels."""
    rng = np.random.default_rng(0)
    labels = np.arange(num) % classes
    images = rng.integers(0, 60, (num, size, size, channels), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[4 * label : 4 * label + 4] += 180
    return {"image": images, "label": labels}


def tiny_points(num=8):
    """Points of the plane: float32."""
    return {"points": np.random.default_rng(0).normal(size=(num, 2)).astype("float32")}


def tiny_domains(num=8, size=16):
    """Two domains of noise, one dark and one bright: uint8."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 128, (2, num, size, size, 3), dtype=np.uint8)
    return {"a": noise[0], "b": 128 + noise[1]}


def tiny_windows(num=8, steps=6):
    """Windows of five tokens in turn, with some chance: inputs and the token after them; half begin a text."""
    rng = np.random.default_rng(0)
    tokens = np.arange(steps + 1) + np.arange(num)[:, None] + (rng.random((num, steps + 1)) < 0.1)
    return {"tokens": (tokens % 5).astype("int32"), "first": np.arange(num) % 2 == 0}


def tiny_pairs(num=8):
    """Sources of three to five words, ended and padded; targets are the sources reversed, between start and end."""
    rng = np.random.default_rng(0)
    source, target = np.zeros((num, 6), np.int32), np.zeros((num, 7), np.int32)
    for i in range(num):
        words = rng.integers(4, 9, 3 + i % 3)
        source[i, : len(words) + 1] = [*words, 3]
        target[i, : len(words) + 2] = [2, *words[::-1], 3]
    return {"source": source, "target": target}


@dataclass(frozen=True)
class Verb:
    """A call of one verb: what it must return."""

    call: Callable[[Any, dict], np.ndarray]
    shape: tuple
    range: tuple[float, float] = (-np.inf, np.inf)


@dataclass(frozen=True)
class Row:
    """An architecture's tiny model, a batch for it, and what is known of both.

    Attributes:
        arguments: of a model that trains in milliseconds.
        batch: eight examples.
        parameters: exact number for `arguments`, trainable and not.
        verbs: name -> Verb.
        mechanism: what of kerazoo trains it: `"gan"`, `"classifier"`, ... What the checks of `test_zoo_mechanisms.py`
            prove of a mechanism runs for one row of each in `make test`, for every row in `make test-slow`.
        represents: whether this is the mechanism's row of `make test`.
        sample: `sample(model, seed)`, for models that generate; None for those that do not.
        falling, rising: names of losses and metrics that must do so when one batch is repeated.
        learners: roles that learn meanwhile; None for all. Of two that play against each other, one.
        unchanged: paths of trainable variables that rightly get no gradient.
        taken_over: attributes of networks whose variables a stage sets, as it begins, from what those before learnt.
        source: a built-in source that the architecture trains on.
        on_source: arguments that differ there; None leaves one to the data.
        reference: `reference(model, batch, noise)` yields (role, loss function) for each update of a step in order: the
            paper's equations in plain TensorFlow, on the networks of `model`. A loss function takes nothing, computes
            the losses when it is called, and returns one value an example. `batch` has the data as tensors, as a batch
            of `fit` has them; `noise(stream, shape, distribution="normal")` is the model's own noise for all rows,
            where a GAN's latents are the stream "latent".
        same: (signature, inputs, call) of verbs that are written apart from their signature: both must agree.
        litert_fixed: signatures of a LiteRT file whose batch is fixed: those with transposed convolutions or loops.
        batch_statistics: whether the loss takes statistics of the batch, so that parts of it train differently.
        slow: checks that are left to `make test-slow`: `"litert"`, or `"all"`.
    """

    arguments: dict
    batch: Callable[[], dict]
    parameters: int
    verbs: dict[str, Verb]
    mechanism: str
    represents: bool = False
    sample: Callable | None = None
    falling: tuple[str, ...] = ()
    rising: tuple[str, ...] = ()
    learners: tuple[str, ...] | None = None
    unchanged: frozenset = field(default_factory=frozenset)
    taken_over: tuple[str, ...] = ()
    source: str = "digits"
    on_source: dict = field(default_factory=dict)
    reference: Callable | None = None
    same: tuple = ()
    litert_fixed: frozenset = frozenset()
    batch_statistics: bool = False
    slow: frozenset = frozenset()


@functools.cache
def all_rows():
    """name -> Row, of every test module that has some, by name."""
    rows = {}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if re.search(r"^ROWS = \{\n    \"[a-z0-9_@]+\": Row\(", path.read_text(encoding="utf-8"), re.MULTILINE):
            rows |= importlib.import_module(f"tests.{path.stem}").ROWS
    return dict(sorted(rows.items()))


@functools.cache
def published():
    """The presets that have been trained and published."""
    return [name for name in kerazoo.list_presets() if kerazoo.info(name)["bytes"]]


def architecture(name):
    """The registered name of a row's architecture."""
    return name.partition("@")[0]


def new(name, **arguments):
    """The row's tiny model, always with the same weights."""
    keras.utils.set_random_seed(0)
    return kerazoo.create(architecture(name), **{**all_rows()[name].arguments, **arguments})


def compiled(name, **arguments):
    """The same, compiled with the paper's optimizers."""
    model = new(name, **arguments)
    model.compile(seed=1)
    return model


def every_row(check="all"):
    """Parameters of a test that runs for every row, a row's in one process; `check` is its name in `Row.slow`."""
    return [pytest.param(name, marks=_marks(name, {"all", check} & row.slow)) for name, row in all_rows().items()]


def one_row_a_mechanism(check=None, group=None):
    """Parameters of a test that runs for one row of each mechanism in `make test`, for the others in `make test-slow`;
    `check` is its name in `Row.slow`, `group` what runs in one process, in place of all of a row."""
    rows = all_rows().items()
    slow = {name: not row.represents or check in row.slow for name, row in rows}
    return [pytest.param(name, marks=_marks(group or name, slow[name])) for name, _ in rows]


def _marks(group, slow):
    return [pytest.mark.xdist_group(group), *([pytest.mark.slow] if slow else [])]


def fit(model, num_steps, batch):
    """`num_steps` steps on one batch in the model's stage, in one `fit`; returns name -> the values of each step."""
    rows = len(next(iter(batch.values()))) // model.batches_per_step
    return model.fit(batch, batch_size=rows, epochs=num_steps, verbose=0).history


def fit_stages(model, num_steps, batch):
    """`num_steps` steps in every stage; returns stage -> its history."""
    history = {}
    for stage in model.stages():
        model.begin_stage(stage.name)
        history[stage.name] = fit(model, num_steps, batch)
    return history


def values(variables):
    """Copies of variables' values."""
    return [np.array(variable.numpy()) for variable in variables]


def all_variables(model):
    """Weights, optimizer variables and states (the step, ...): all that training changes."""
    optimizers = [variable for optimizer in model.optimizers.values() for variable in optimizer.variables]
    return [*values(model.weights), *values(optimizers), *(np.asarray(v) for v in model.states())]


def assert_equal(found, expected):
    """Two lists of arrays are equal to the bit."""
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
