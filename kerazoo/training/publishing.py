"""From a finished run to a preset that may be shipped: configuration, weights, figures, exports, samples and card."""

import re
import shutil
from pathlib import Path

from kerazoo.base.arguments import model_parameters, plain
from kerazoo.base.registry import model_class
from kerazoo.presets.cards import record_evaluation, update_readme
from kerazoo.presets.config import config_differences, make_config, read_config, write_config
from kerazoo.presets.loading import load
from kerazoo.presets.metadata import METRICS, write_metadata
from kerazoo.presets.outputs import sample_outputs
from kerazoo.presets.preset import CARD, WEIGHTS, check_weights, find_preset, presets_root
from kerazoo.presets.runs import CONFIG, VERSIONS, is_run
from kerazoo.tasks.evaluation import evaluate_preset
from kerazoo.training.export_figures import NUM, measure_exports
from kerazoo.utils.errors import ConfigError, OutputError, PresetError
from kerazoo.utils.files import new_folder

# What a preset says beside how it is trained: these may be written, or changed, after the run.
SAID = ("summary", "default", "module", "evaluation", "page_inputs", "notes")
UNSAID = ("training.strategy",)  # the devices that happened to be there


def publish(run, name, *, out=None, overrides=(), overwrite=False, download=False, say=lambda line: None):
    """Make a preset folder of a finished run.

    A `config.yaml` that waits there for its weights, or that a preset to be replaced has, stays as it was written
    where the run was trained by it; otherwise the run's own is written, without what equals the defaults.

    Args:
        run: str or Path. The run folder of `kerazoo train`.
        name: str. `<architecture>_<something>`, mostly the data's name.
        out: str, Path or None. The preset's folder. Defaults to None: `zoo_configs/<name>` of the checkout, whose
            README gets its row in the table of models.
        overrides: sequence of str. `--set` items of what is not training: `evaluation`, `summary`, `notes`,
            `page_inputs`, `default`. Defaults to none.
        overwrite: bool. Whether a preset that has weights may be replaced. Defaults to False.
        download: bool. Whether missing data may be downloaded. Defaults to False.
        say: callable. Told each step in one line. Defaults to silence.

    Returns:
        Path. The preset's folder.

    Raises:
        PresetError: no run, or one that is not finished.
        ConfigError: another name, or a configuration that was changed since.
        OutputError: there is such a preset already, or it cannot be written; nothing is left behind.
    """
    source = _finished(run)
    architecture = source.config.architecture
    if not re.fullmatch(rf"{architecture}_[a-z0-9_]+", name):
        raise ConfigError(f"the name {name}: {architecture}_<something> is expected, such as {architecture}_mnist")
    folder = Path(out) if out is not None else _checkout_presets() / name
    if folder.exists() and not overwrite and not _waits(folder):
        raise OutputError(f"{folder} is a preset already; choose another name, or pass --overwrite to replace it")
    config, text = _configuration(source, folder, overrides, overwrite)
    if config.evaluation.data is None:
        raise ConfigError(f"{name}: what are its figures of? --set evaluation.data=..., or say so in its config.yaml")
    check_weights(source)
    with new_folder(folder, overwrite=folder.exists(), owned=(CONFIG,)) as temporary:
        for file in source.folder.iterdir():
            if file.is_file() and file.name not in (CONFIG, CARD):
                shutil.copyfile(file, temporary / file.name)
        write_config(config, temporary / CONFIG)
        if text is not None:
            (temporary / CONFIG).write_text(text, encoding="utf-8")
        _measure(temporary, source, config, download, say)
    say(f"wrote {folder}")
    if folder.resolve().parent == presets_root().resolve():
        readme = update_readme(presets_root().parent)
        say(f"wrote {readme}" if readme else "no README with a table of models beside it")
    return folder


def _finished(run):
    """The preset of a finished run; a `PresetError` for anything else."""
    if not is_run(run):
        raise PresetError(f"{run}: not a run folder of kerazoo train (it has no {CONFIG} and {VERSIONS})")
    preset = find_preset(Path(run))
    if not preset.standing.finished:
        raise PresetError(f"{run}: the run is not finished (it stands at {preset.standing}); go on with --resume")
    return preset


def _checkout_presets():
    """`zoo_configs/` of the checkout; an `OutputError` where kerazoo is installed without one."""
    root = presets_root()
    if (root.parent / "pyproject.toml").is_file():
        return root
    raise OutputError("kerazoo is installed without its checkout; say where the preset goes with --out FOLDER")


def _waits(folder):
    """Whether a folder holds a configuration alone, which waits for its weights."""
    return (folder / CONFIG).is_file() and not any((folder / name).exists() for name in (WEIGHTS, METRICS))


def _configuration(source, folder, overrides, overwrite):
    """(Config, text): what is published, and the text of the file where it stays as it was written, else None."""
    sections = {item.partition("=")[0].strip().partition(".")[0] for item in overrides}
    if others := sorted(sections - set(SAID)):
        raise ConfigError(f"--set {others[0]}...: the run is trained; {', '.join(SAID)} may be set")
    config = source.config
    if (folder / CONFIG).is_file():
        written = read_config(folder / CONFIG)
        full = written.model_copy(update={"model": {**_missing(written.model, config.model), **written.model}})
        differences = [line for line in _trained_differences(full, config) if not line.startswith(UNSAID)]
        if not differences:
            said = make_config(full.model_dump(mode="json"), overrides, where=str(folder / CONFIG))
            same = full == written and not overrides
            return said, (folder / CONFIG).read_text(encoding="utf-8") if same else None
        if not overwrite:
            raise ConfigError(
                f"{folder / CONFIG} says otherwise than the run: {'; '.join(differences)}; train by it, or pass "
                "--overwrite to replace it"
            )
    values = config.model_dump(mode="json")
    values["model"] = _differing(config)
    values["training"].pop("strategy")
    if config.training.steps is not None and not config.training.stages:
        values["training"].pop("epochs")  # which say nothing beside steps
    values["default"] = False  # of another preset, from whose configuration the run began
    return make_config(values, overrides, where=str(source.folder)), None


def _trained_differences(written, config):
    """Differences between two configurations in how a model is made and trained."""
    bare = {name: type(config).model_fields[name].get_default() for name in SAID}
    pair = [one.model_copy(update={**bare, "model": _full(one)}) for one in (written, config)]
    return config_differences(*pair)


def _full(config):
    """All arguments of a configuration's model, the defaults too."""
    parameters = model_parameters(model_class(config.architecture)).items()
    defaults = {name: plain(one.default) for name, one in parameters if one.default is not one.empty}
    return {**defaults, **plain(config.model)}


def _missing(arguments, found):
    """The arguments that a run found in its data (a vocabulary), where a configuration leaves them out."""
    return {name: value for name, value in found.items() if name not in arguments}


def _differing(config):
    """The model arguments that differ from the class's defaults."""
    parameters = model_parameters(model_class(config.architecture))
    return {name: value for name, value in config.model.items() if plain(value) != plain(parameters[name].default)}


def _measure(folder, source, config, download, say):
    """Figures of the weights and of the exported files, and the card."""
    metadata = {key: value for key, value in source.metadata.items() if key not in ("evaluation", "exports")}
    write_metadata(folder, metadata)
    say(f"{folder.name}: figures of {config.evaluation.num:,} examples at most of {config.evaluation.data}")
    settings = config.evaluation.model_dump(mode="json", exclude_none=True)
    known = source.metadata.get("evaluation", {})
    if {key: known.get(key) for key in settings} != settings:
        known = evaluate_preset(folder, download=download)
    exports = measure_exports(folder, min(NUM, config.evaluation.num), say)
    outputs = sample_outputs(load(folder))
    write_metadata(folder, {**metadata, "exports": {"litert": exports}, "outputs": outputs})
    record_evaluation(folder, known)
