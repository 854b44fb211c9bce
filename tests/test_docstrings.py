"""Docstrings: every `>>>` example is true, and everything that users call says what it takes and returns."""

import ast
import doctest
import importlib
import inspect
import re
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo import data, losses, metrics
from kerazoo.base import inputs as endpoints
from kerazoo.base.arguments import model_parameters
from kerazoo.base.registry import index, model_class
from kerazoo.data import schemes

ROOT = Path(kerazoo.__file__).parent
NAMES = {"kerazoo": kerazoo, "keras": keras, "np": np, "tf": tf}

# Modules whose examples do not run here, with all below them.
LEFT_OUT = {
    "kerazoo.base.averages": "trains",
    "kerazoo.tasks.evaluation": "measures for a minute, on data that may not be there",
    "kerazoo.exporting": "converts and checks whole models",
    "kerazoo.utils.litert": "reads a file that an export wrote",
    "kerazoo.serving": "serves until it is stopped",
    "kerazoo.training": "trains",
}

# Verbs of every model; the other public methods of `ZooModel` are what a subclass writes or calls.
VERBS = ("compile", "fit", "evaluate", "export", "save_preset")
# Pieces that verbs, training and exports are made of, functions of tensors most of them: one line says what they do.
PIECES = ("logits", "zero_state", "sequence_logits", "next_logits", "encode_source", "searcher")
PIECES += ("source_ids", "target_ids", "decode_units", "pixels", "objective", "corrupt", "regulariser", "networks")
PIECES += ("reconstruction_loss", "discriminator_loss", "generator_loss", "draw", "fake", "check_labels")
PIECES += ("conditions", "condition_inputs", "drawn_conditions", "mark_adapted")
PIECES += ("draw_images", "chain_step", "outputs", "cell_options", "begin_search", "mean_of_heads", "known_words")
PIECES += ("posterior", "prior_of", "decoder_inputs", "log_likelihood", "observed", "bounds", "own_grid")
PIECES += ("embed", "read_out", "track_nats", "logits_to_draw_from")


def modules_with_examples():
    files = [path for path in sorted(ROOT.rglob("*.py")) if ">>>" in path.read_text(encoding="utf-8")]
    names = [".".join(("kerazoo", *path.relative_to(ROOT).with_suffix("").parts)) for path in files]
    names = [name.removesuffix(".__init__") for name in names]
    return [name for name in names if not any(f"{name}.".startswith(f"{other}.") for other in LEFT_OUT)]


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples(name, tmp_path, monkeypatch, own_classes):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(schemes, "_SCHEMES", dict(schemes._SCHEMES))  # an example registers a source
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    found = doctest.testmod(importlib.import_module(name), extraglobs=NAMES, optionflags=flags)
    assert found.attempted > 0
    assert found.failed == 0  # the differences are in what was printed


def described():
    """name -> function, of all that a user calls."""
    functions = {}
    for module in (kerazoo, data, losses, metrics, endpoints):
        public = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
        for name in public:
            value = getattr(module, name)
            if inspect.isfunction(value) and (module is not endpoints or value.__module__.startswith(module.__name__)):
                functions[f"{module.__name__}.{name}"] = value
            if inspect.isclass(value) and issubclass(value, data.Source):
                functions |= methods_of(value)
    functions |= methods_of(kerazoo.ZooModel, VERBS)
    for architecture in index():
        cls = model_class(architecture)
        functions |= methods_of(cls, set(dir(cls)) - set(dir(kerazoo.ZooModel)))
    return {name: function for name, function in functions.items() if name.split(".")[-1] not in PIECES}


def methods_of(cls, names=None):
    """name -> function, of the public methods of a class, each under the class that has it."""
    values = [getattr(cls, name) for name in names or dir(cls) if not name.startswith("_")]
    functions = [inspect.unwrap(getattr(value, "__func__", value)) for value in values if callable(value)]
    return {function.__qualname__: function for function in functions if inspect.isfunction(function)}


FUNCTIONS = described()
ARCHITECTURES = {model_class(architecture).__name__: architecture for architecture in index()}


def with_architecture(name):
    """The name of a method, and that of the architecture whose class it belongs to, by which tests are chosen."""
    architecture = ARCHITECTURES.get(name.partition(".")[0])
    return f"{name}-{architecture}" if architecture else name


@pytest.mark.parametrize("name", sorted(FUNCTIONS), ids=with_architecture)
def test_sections(name):
    parameters, text = arguments_of(FUNCTIONS[name]), inspect.getdoc(FUNCTIONS[name]) or ""
    if not parameters:
        return
    delegated = re.search(r"arguments\b([^.]*)\bas for\s+`", text)
    assert delegated or listed(text) == parameters
    result = delegated and "result" in delegated[1]
    assert result or "Returns:" in text or not gives_a_value(FUNCTIONS[name])


@pytest.mark.parametrize("architecture", index())
def test_arguments_of_models(architecture):
    cls = model_class(architecture)
    assert listed(inspect.getdoc(cls)) == {*model_parameters(cls), "**kwargs"}


@pytest.mark.parametrize("path", sorted((ROOT / "layers").glob("[!_]*.py")), ids=lambda path: path.stem)
def test_arguments_of_layers(path):
    module = importlib.import_module(f"kerazoo.layers.{path.stem}")
    for layer in vars(module).values():
        own = inspect.isclass(layer) and layer.__module__ == module.__name__
        if own and issubclass(layer, keras.layers.Layer):
            assert "__init__" not in vars(layer) or listed(inspect.getdoc(layer)) == arguments_of(layer.__init__)
            assert "call" not in vars(layer) or layer.call.__doc__, layer.__name__


def arguments_of(function):
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    parameters = inspect.signature(function).parameters.values()
    return {stars.get(p.kind, "") + p.name for p in parameters if p.name not in ("self", "cls")}


def listed(text):
    """The names that an `Args:` section explains."""
    section = re.search(r"^( *)Args:\n((?:\1 +.*\n?|\n)*)", text, re.MULTILINE)
    if section is None:
        return set()
    lines = textwrap.dedent(section[2]).splitlines()
    heads = [re.match(r"((?:\*{0,2}\w+(?:, )?)+):", line) for line in lines]
    return {name for head in heads if head for name in head[1].split(", ")}


def gives_a_value(function):
    nodes = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0].body
    while nodes:
        if any(isinstance(node, ast.Return) and node.value is not None for node in nodes):
            return True
        outer = [node for node in nodes if not isinstance(node, ast.FunctionDef)]
        nodes = [child for node in outer for child in ast.iter_child_nodes(node)]
    return False


def test_the_checks_see_what_is_missing():
    def half(x, *, up=False):
        """Half of it.

        Args:
            x: int.

        Source: arithmetic.
        """

        def add():
            return x + up

        add()

    assert listed(inspect.getdoc(half)) == {"x"}
    assert arguments_of(half) == {"x", "up"}
    assert not gives_a_value(half)
    assert gives_a_value(listed)
