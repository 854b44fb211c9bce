"""The schema of a preset's `config.yaml`, `--set` overrides, and the check of every model's arguments.

A wrong value is a `ConfigError` of one line that names the key, the value and what is allowed.
"""

import difflib
import functools
import inspect
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from kerazoo.attachments import attached_files, read_attachments, shorten, write_attachments
from kerazoo.checks import MAX_SEED
from kerazoo.errors import ConfigError

# The types that models annotate their arguments with; `check_arguments` enforces them.
PositiveInt = Annotated[int, Field(gt=0, strict=True)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED, strict=True)]
ImageShape = tuple[PositiveInt, PositiveInt, Literal[1, 3]]

Precision = Literal["float32", "mixed_bfloat16", "mixed_float16"]
Strategy = Literal["auto", "one", "mirrored", "multiworker"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DataConfig(_Section):
    """Where training examples come from: a source's name (see `kerazoo.data.open_source`) and its split."""

    source: str = "digits"
    split: str = "train"


class StageConfig(_Section):
    """How one stage is trained; 0 epochs leave it out."""

    epochs: Annotated[int, Field(ge=0, strict=True)]


class TrainingConfig(_Section):
    """How a preset is trained. `steps`, where given, ends training after that many steps in all."""

    epochs: PositiveInt = 10
    steps: PositiveInt | None = None
    # For models that are trained in parts: stage -> its epochs, where they are not `epochs`.
    stages: dict[str, StageConfig] = {}
    batch_size: PositiveInt = 128
    # Batches that make one update (a step), their gradients summed one batch at a time, for lack of memory.
    accumulate: PositiveInt = 1
    # Decay of the moving averages of the weights, of which samples and the preset are made; None makes no averages.
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = None
    seed: Seed = 0
    precision: Precision = "float32"
    strategy: Strategy = "auto"
    # The fraction of the run after which every learning rate falls linearly to zero; None keeps them constant.
    decay_start: Annotated[float, Field(ge=0, lt=1)] | None = None
    # Checkpoints within an epoch, for long ones; None saves at the end of each epoch.
    checkpoint_steps: PositiveInt | None = None


class EvaluationConfig(_Section):
    """What `kerazoo evaluate` measures a preset on."""

    data: str | None = None
    split: str = "test"
    num: PositiveInt = 10_000
    seed: Seed = 0
    extractor: str | None = None


class Config(_Section):
    """A preset's `config.yaml`. It states only what differs from the defaults here and of the model's class."""

    architecture: str
    summary: str = ""
    # Whether the architecture's bare name means this preset; without any, the first with weights by name.
    default: bool = False
    model: dict[str, Any] = {}
    # role -> arguments of its optimizer that differ from the paper's: {"generator": {"learning_rate": 1e-4}}
    optimizers: dict[str, dict[str, Any]] = {}
    data: DataConfig = DataConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    # What a server's page begins with: text, number or picture (a data: URL) by the name of an exported signature's
    # input, or of one signature's: "translate_b_to_a.images".
    examples: dict[str, str | int | float] = {}
    # What the card says beside the figures: where the recipe differs from the paper, and the preset's limits.
    notes: list[str] = []


class _Loader(yaml.SafeLoader):
    """YAML 1.1 reads 1e-4 as a string; here it is the number that everybody means."""


_Loader.yaml_implicit_resolvers = {k: list(v) for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items()}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def parse_yaml(text, where):
    """The mapping in a YAML text; `where` names the text in the error message."""
    try:
        value = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}:" if mark else ""
        raise ConfigError(
            f"{where}:{line} not valid YAML ({getattr(error, 'problem', None) or 'unreadable'})"
        ) from None
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: a mapping with the key 'architecture' is expected, not {type(value).__name__}")
    return value


def read_config(path, overrides=()):
    """Read and check a `config.yaml`.

    Args:
        path: str or Path. The file.
        overrides: sequence of str. `"key.subkey=value"` items, as given to `--set`, applied over the file.

    Returns:
        Config. The checked configuration.

    Raises:
        ConfigError: the file cannot be read, a key is unknown, or a value is not allowed.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as a configuration ({error})") from None
    values = parse_yaml(text, str(path))
    if isinstance(values.get("model"), dict):
        values["model"] = read_attachments(values["model"], path.parent)
    return make_config(values, overrides, where=str(path))


def write_config(config, path, *, defaults=False):
    """Write a `config.yaml`, its long lists as files beside it.

    Args:
        config: Config.
        path: Path.
        defaults: bool. Whether to write what equals the defaults too. Defaults to False.

    Returns:
        list[str]. The names of the files written beside it.
    """
    values = config.model_dump(mode="json", exclude_defaults=not defaults)
    if "model" in values:
        values["model"] = write_attachments(values["model"], path.parent)
    path.write_text(yaml.safe_dump(values, sort_keys=False, width=110, allow_unicode=True), encoding="utf-8")
    return list(attached_files(values.get("model", {})).values())


def make_config(values, overrides=(), where="configuration"):
    """A checked `Config` from a mapping, with `--set` items applied over it."""
    for item in overrides:
        values = _with_override(values, item)
    try:
        return Config(**values)
    except ValidationError as error:
        raise ConfigError(f"{where}: {_first_error(error.errors(), Config)}") from None


def with_options(config, section, options, overrides=(), where="configuration"):
    """A configuration with values of one section changed where they are not None, and `--set` items over it."""
    values = config.model_dump(mode="json")
    changed = {key: value for key, value in (options or {}).items() if value is not None}
    return make_config({**values, section: {**values[section], **changed}}, overrides, where)


def _with_override(values, item):
    key, separator, text = item.partition("=")
    path = key.strip().split(".")
    if not separator or not all(path):
        raise ConfigError(f"--set {item}: key=value is expected, for example --set model.latent_dim=64")
    try:
        value = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError:
        raise ConfigError(f"--set {item}: {text!r} is not a YAML value") from None
    result = dict(values)
    node = result
    for name in path[:-1]:
        child = node.get(name)
        if child is not None and not isinstance(child, dict):
            raise ConfigError(f"--set {item}: {name!r} is not a section")
        node[name] = dict(child or {})
        node = node[name]
    node[path[-1]] = value
    return result


@functools.cache
def _arguments_schema(cls):
    """A pydantic model of the annotated keyword arguments of `cls.__init__`."""
    fields = {}
    for name, parameter in model_parameters(cls).items():
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[name] = (parameter.annotation, default)
    return create_model(f"{cls.__name__}Arguments", __config__=ConfigDict(extra="forbid"), **fields)


def model_parameters(cls):
    """The named parameters of `cls.__init__`: the arguments that a configuration may set under `model`."""
    parameters = inspect.signature(cls.__init__).parameters
    return {
        name: parameter
        for name, parameter in parameters.items()
        if name != "self" and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }


def plain(value):
    """`value` with the lists, tuples and dicts that Keras wraps where it tracks them as plain ones."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


KERAS_ARGUMENTS = ("name", "dtype", "trainable")


def check_arguments(cls, arguments, *, keras_arguments=KERAS_ARGUMENTS, complete=True):
    """Check a model's keyword arguments against the annotations of its `__init__`.

    Args:
        cls: type. A `ZooModel` subclass.
        arguments: dict[str, Any]. The arguments.
        keras_arguments: sequence of str. Names that pass unchecked. Defaults to those that every Keras layer has.
        complete: bool. Whether a required argument that is missing is an error. Defaults to True.

    Raises:
        ConfigError: an unknown argument (with the nearest name), a wrong type or a value out of range.
    """
    checked = {name: value for name, value in arguments.items() if name not in keras_arguments}
    schema = _arguments_schema(cls)
    try:
        schema(**checked)
    except ValidationError as error:
        errors = [one for one in error.errors() if complete or one["type"] != "missing"]
        if errors:
            raise ConfigError(f"{cls.__name__}: {_first_error(errors, schema)}") from None


def _first_error(errors, schema):
    """One line for the first of pydantic's errors: key, value, what is allowed."""
    first = errors[0]
    location = [str(part) for part in first["loc"]]
    key = ".".join(location)
    if first["type"] == "extra_forbidden":
        allowed = list(_section_fields(schema, location[:-1]))
        near = difflib.get_close_matches(location[-1], allowed, n=1)
        hint = f"did you mean {near[0]}?" if near else f"allowed: {', '.join(allowed) or 'nothing'}"
        return f"unknown key {key!r} (value {first['input']!r}); {hint}"
    if first["type"] == "missing":
        return f"{key!r} is missing"
    message = first["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{key} = {shorten(first['input'])!r}: {message}{more}"


def _section_fields(schema, path):
    for name in path:
        schema = schema.model_fields[name].annotation
    return schema.model_fields
