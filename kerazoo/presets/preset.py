"""A preset folder: `config.yaml`, `model.weights.h5`, `metrics.json`, `card.md` and samples.

Presets ship beside the package (`kerazoo/zoo_configs` in a wheel, `zoo_configs/` in a checkout); any folder of the
same form, and `hf://owner/name` on the Hugging Face Hub, works wherever a preset's name does.
"""

import functools
from dataclasses import dataclass, field, replace
from pathlib import Path

from kerazoo.base.own_modules import find_module, module_of
from kerazoo.base.registry import check_registered, index, unknown_name
from kerazoo.presets.config import Config, read_config, write_config
from kerazoo.presets.hub import HUB_PREFIX, hub_folder
from kerazoo.presets.metadata import METRICS, read_metadata, write_metadata
from kerazoo.presets.runs import CONFIG, RUN_PRESET, Standing, is_run, run_standing
from kerazoo.utils.errors import ConfigError, PresetError, UnknownNameError
from kerazoo.utils.files import new_folder, sha256

WEIGHTS, CARD = "model.weights.h5", "card.md"


@dataclass
class Preset:
    """The contents of a preset folder, without its weights.

    Attributes:
        name: str. The folder's name.
        folder: Path.
        config: Config.
        metadata: dict. `metrics.json`: sections `weights`, `training`, `evaluation`; empty where there is none.
        standing: Standing or None. Of a run folder: how far it is, and the checkpoint that holds the weights.
    """

    name: str
    folder: Path
    config: Config
    metadata: dict = field(default_factory=dict)
    standing: Standing | None = None


@functools.cache
def presets_root():
    """The folder of the presets that ship with the package.

    Returns:
        Path.

    Raises:
        PresetError: there is none.
    """
    package = Path(__file__).parents[1]
    for root in (package / "zoo_configs", package.parent / "zoo_configs"):
        if root.is_dir():
            return root
    raise PresetError(f"no presets beside {package}: the installation is incomplete; install kerazoo again")


def shipped_presets():
    """The names of the presets that ship with the package, sorted."""
    return sorted(path.name for path in presets_root().iterdir() if (path / CONFIG).is_file())


def read_preset(folder):
    """Read a preset folder's configuration and metrics.

    Args:
        folder: str or Path.

    Returns:
        Preset.

    Raises:
        PresetError: not a preset folder, or a damaged `metrics.json`.
        ConfigError: a wrong configuration.
    """
    folder = Path(folder)
    if not (folder / CONFIG).is_file():
        raise PresetError(f"{folder}: not a preset folder (it has no {CONFIG})")
    config = read_config(folder / CONFIG)
    if config.module and config.architecture not in index():
        find_module(config.module, folder, f"{folder}: the architecture {config.architecture}")
    if config.architecture not in index():
        raise ConfigError(f"{folder / CONFIG}: {unknown_name('architecture', config.architecture, index())}")
    name = folder.resolve().name
    if name == RUN_PRESET:  # inside a run folder, whose name says more
        name = folder.resolve().parent.name
    return Preset(name, folder, config, read_metadata(folder))


def presets_of(architecture):
    """The shipped presets of an architecture.

    Args:
        architecture: str. A name of `kerazoo.list_models()`.

    Returns:
        list[Preset]. The default first: the one whose configuration says so, else the one with weights that comes first
        by name; then the others likewise. Empty where there are none.
    """
    family = architecture.partition("_")[0]  # with which its presets' names begin, so that not all need to be read
    names = [name for name in shipped_presets() if name.startswith(family)]
    presets = [read_preset(presets_root() / name) for name in names]
    presets = [preset for preset in presets if preset.config.architecture == architecture]
    return sorted(presets, key=lambda preset: (not preset.config.default, not preset.metadata, preset.name))


def find_preset(name):
    """The preset of a name, of an architecture, of a folder, or of the Hugging Face Hub.

    Args:
        name: str or Path. `"dcgan_mnist"`, `"dcgan"` (its default preset), `"path/to/folder"` (a preset folder, or a
            run folder of `kerazoo train`), `"hf://owner/name"` or `"hf://owner/name@revision"`.

    Returns:
        Preset.

    Raises:
        UnknownNameError: nothing has this name; the message gives the nearest ones.
        PresetError: a folder that is no preset, or a Hub repository that cannot be reached.
    """
    text = str(name)
    if text.startswith(HUB_PREFIX):
        return read_preset(hub_folder(text))
    if text in shipped_presets():
        return read_preset(presets_root() / text)
    if text in index():
        presets = presets_of(text)
        if not presets:
            raise PresetError(
                f"{text} has no preset; kerazoo.create({text!r}) gives a fresh model, kerazoo train {text} --data ... "
                "a trained one"
            )
        return read_preset(presets[0].folder)
    path = Path(text)
    if path.is_dir():
        return _read_run(path) if is_run(path) else read_preset(path)
    if path.exists():
        raise PresetError(f"{text}: a preset is a folder with {CONFIG} and {WEIGHTS}, not a file")
    if len(path.parts) > 1:
        raise PresetError(f"{text}: no such folder")
    raise UnknownNameError(unknown_name("model", text, [*index(), *shipped_presets()]))


def find_recipe(name):
    """The `Preset` that is trained under a name; of an architecture without one, its class's defaults.

    Returns:
        Preset. With `folder` None where there is no preset. Without what the preset's layers froze: training begins
        with fresh weights.
    """
    if str(name) in index() and not presets_of(str(name)):
        return Preset(str(name), None, Config(architecture=str(name)))
    preset = find_preset(name)
    return replace(preset, config=unfrozen(preset.config))


def unfrozen(config):
    """A configuration for fresh weights, of which none that were trained before are kept as they are."""
    return config.model_copy(update={"frozen": None})


def _read_run(run):
    """The preset of a run folder: its result, or its latest checkpoint where that is newer."""
    standing = run_standing(run)
    result = run / RUN_PRESET
    newest = run if standing.checkpoint or not (result / CONFIG).is_file() else result
    return replace(read_preset(newest), standing=standing)


def check_weights(preset):
    """Check a preset's weights file against the size and sha256 in its `metrics.json`.

    Args:
        preset: Preset.

    Returns:
        Path. The file.

    Raises:
        PresetError: no weights were published, or the file is missing, truncated or altered.
    """
    path = preset.folder / WEIGHTS
    expected = preset.metadata.get("weights", {})
    if not path.is_file():
        if expected:
            raise PresetError(f"{path}: the weights file is missing; restore it (sha256 {expected.get('sha256')})")
        if preset.standing is not None:
            raise PresetError(
                f"{preset.folder}: the run has saved no checkpoint yet; it does at the end of each epoch, and sooner "
                "with training.checkpoint_steps"
            )
        raise PresetError(
            f"{preset.name} has no trained weights; train it with: kerazoo train {train_name(preset)} "
            "(or pass weights=None for a fresh model)"
        )
    if not expected:
        raise PresetError(f"{preset.folder / METRICS}: has no sha256 of {WEIGHTS}; the weights cannot be trusted")
    size = path.stat().st_size
    if size != expected["bytes"]:
        raise PresetError(
            f"{path}: truncated or altered ({size} bytes, {expected['bytes']} expected); restore the file"
        )
    if (found := sha256(path)) != expected["sha256"]:
        raise PresetError(
            f"{path}: damaged (sha256 {found[:12]}..., {expected['sha256'][:12]}... expected); restore it"
        )
    for name, digest in expected.get("files", {}).items():
        attached = preset.folder / name
        if not attached.is_file() or sha256(attached) != digest:
            what = "altered since the weights were trained" if attached.is_file() else "missing"
            raise PresetError(f"{attached}: {what}; restore the file")
    return path


def train_name(preset):
    """The argument of `kerazoo train` for a preset: its name where it ships, else its folder."""
    return preset.name if preset.folder.parent == presets_root() else preset.folder


def save_preset(model, folder, *, config=None, training=None, overwrite=False):
    """Write a model as a preset folder.

    Args:
        model: ZooModel.
        folder: str or Path. Written under a temporary name, then renamed.
        config: Config or None. Defaults to None: the model's architecture and arguments alone.
        training: dict or None. What is known of the training, for `metrics.json`. Defaults to None.
        overwrite: bool. Whether an existing preset folder may be replaced. Defaults to False.

    Returns:
        Path. The folder.

    Raises:
        OutputError: the folder exists or cannot be written.
    """
    from kerazoo.presets.weights import write_weights

    check_registered(model)
    config = config or Config(architecture=model.architecture, model=_model_arguments(model))
    config = config.model_copy(update={"module": module_of(model.architecture), "frozen": model.frozen_entries()})
    with new_folder(folder, overwrite=overwrite, owned=(CONFIG,)) as temporary:
        files = write_config(config, temporary / CONFIG)
        metadata = {"format": 1, "weights": write_weights(model, temporary / WEIGHTS)}
        if files:
            metadata["weights"]["files"] = {name: sha256(temporary / name) for name in files}
        if training:
            metadata["training"] = training
        write_metadata(temporary, metadata)
    return Path(folder)


def _model_arguments(model):
    """The arguments of `model` that differ from its class's defaults."""
    from kerazoo.base.arguments import model_parameters

    config = model.get_config()
    defaults = {name: parameter.default for name, parameter in model_parameters(type(model)).items()}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in defaults.items()}
    return {name: config[name] for name in defaults if config[name] != plain[name]}
