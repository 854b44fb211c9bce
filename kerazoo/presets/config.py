"""The schema of a preset's `config.yaml`, and `--set` overrides.

A wrong value is a `ConfigError` of one line that names the key, the value and what is allowed.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, ValidationError

from kerazoo.base.arguments import Section, Seed, first_error, shorten
from kerazoo.presets.list_files import attached_files, read_attachments, write_attachments
from kerazoo.presets.yaml_text import load_yaml, parse_yaml, write_yaml
from kerazoo.utils.checks import MAX_SEED
from kerazoo.utils.errors import ConfigError
from kerazoo.utils.reading import MAX_DEPTH, read_text

MAX_CONFIG_BYTES = 2**20

PositiveInt = Annotated[int, Field(gt=0, le=MAX_SEED, strict=True)]  # steps and sizes; they are counted in 32 bits
Precision = Literal["float32", "mixed_bfloat16", "mixed_float16"]
Strategy = Literal["auto", "one", "mirrored", "multiworker"]


class DataConfig(Section):
    """Where training examples come from: a source's name (see `kerazoo.data.open_source`) and its split."""

    source: str = "digits"
    split: str = "train"
    # Random changes of each training image, by name: see `kerazoo.data.check_augmentations`.
    augment: list[str] = []
    # Labels to keep of each class, for models that learn from few; all others become -1. None keeps all.
    labels_per_class: PositiveInt | None = None
    # Which labels are kept.
    label_seed: Seed = 0


class StageConfig(Section):
    """Training of one stage, where it differs from the others; 0 epochs leave it out."""

    epochs: Annotated[int, Field(ge=0, le=MAX_SEED, strict=True)] | None = None
    batch_size: PositiveInt | None = None
    # role -> learning rate from the stage's first step on
    learning_rates: dict[str, Annotated[float, Field(gt=0)]] = {}


class TrainingConfig(Section):
    """Training of a preset. `steps`, where given, ends training after that many steps in all."""

    epochs: PositiveInt = 10
    steps: PositiveInt | None = None
    # For models that are trained in parts: stage -> its epochs, batch size and rates, where they are others.
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


class EvaluationConfig(Section):
    """The data and settings of `kerazoo evaluate`."""

    data: str | None = None
    split: str = "test"
    num: PositiveInt = 10_000
    seed: Seed = 0
    extractor: str | None = None
    # The largest change of a pixel of adversarial examples, on which classifiers are measured too; None makes none.
    epsilon: Annotated[float, Field(ge=0, le=1)] | None = None


class Config(Section):
    """A preset's `config.yaml`. It states only what differs from the defaults here and of the model's class."""

    architecture: str
    # The module of one's own that registers the architecture: its name, or a .py file relative to the preset's folder.
    module: str | None = None
    summary: str = ""
    # Whether the architecture's bare name means this preset; without any, the first with weights by name.
    default: bool = False
    model: dict[str, Any] = {}
    # Paths of what does not learn, as `ZooModel.frozen_layers` gives them; None: what the class freezes itself.
    frozen: list[str] | None = None
    # role -> arguments of its optimizer that differ from the paper's: {"generator": {"learning_rate": 1e-4}}
    optimizers: dict[str, dict[str, Any]] = {}
    data: DataConfig = DataConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    # Inputs that a server's page begins with: text, number or picture (a data: URL) by the name of an exported
    # signature's input, or of one signature's: "translate_b_to_a.images". Version 0.1 called them `examples`.
    page_inputs: dict[str, str | int | float] = Field({}, validation_alias=AliasChoices("page_inputs", "examples"))
    # What the card says beside the figures: where the recipe differs from the paper, and the preset's limits.
    notes: list[str] = []


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
    values = parse_yaml(read_text(path, error=ConfigError, max_bytes=MAX_CONFIG_BYTES), str(path))
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
    path.write_text(write_yaml(values), encoding="utf-8")
    return list(attached_files(values.get("model", {})).values())


def make_config(values, overrides=(), where="configuration"):
    """A checked `Config` from a mapping, with `--set` items applied over it."""
    for item in overrides:
        values = _with_override(values, item)
    try:
        return Config(**values)
    except ValidationError as error:
        raise ConfigError(f"{where}: {first_error(error.errors(), Config)}") from None


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
    if len(path) > MAX_DEPTH:
        raise ConfigError(f"--set {item:.80}: key=value is expected, for example --set model.latent_dim=64")
    try:
        value = load_yaml(text)
    except ValueError as error:
        raise ConfigError(f"--set {item:.80}: {text!r:.60} is not a YAML value ({error})") from None
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


def config_differences(old, new):
    """One phrase for each value in which two configurations differ."""
    before, now = _flat(old.model_dump(mode="json")), _flat(new.model_dump(mode="json"))
    for key in sorted({*before, *now}):
        if before.get(key) != now.get(key):
            yield f"{key} is {shorten(before.get(key))!r} there and {shorten(now.get(key))!r} here"


def _flat(values, prefix=""):
    flat = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        flat |= _flat(value, name + ".") if isinstance(value, dict) else {name: value}
    return flat
