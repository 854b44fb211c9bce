"""The run folder: made new, replaced, or taken up again when its configuration is the same."""

import importlib.metadata
import json
import platform
from pathlib import Path

from kerazoo.config import read_config
from kerazoo.errors import TrainingError
from kerazoo.files import new_folder

CONFIG, VERSIONS = "config.yaml", "versions.json"
PACKAGES = ("tensorflow", "keras", "numpy")


def open_run(out, config, *, resume, overwrite):
    """Make a run folder, or check that an existing one can be resumed.

    Args:
        out: str or Path.
        config: Config. Written with every default resolved.
        resume: bool. `out` must be a run of the same configuration.
        overwrite: bool. Replace an existing run folder.

    Returns:
        Path. The folder.

    Raises:
        TrainingError: nothing to resume, or a run of another configuration.
        OutputError: the folder exists or cannot be written.
    """
    out = Path(out)
    if resume:
        if not (out / CONFIG).is_file():
            raise TrainingError(f"{out}: no run to resume (it has no {CONFIG}); leave out --resume to begin one")
        differences = list(config_differences(read_config(out / CONFIG), config))
        if differences:
            raise TrainingError(
                f"{out} is a run of another configuration: {'; '.join(differences)}; give the same, or another --out"
            )
        return out
    with new_folder(out, overwrite=overwrite, owned=(CONFIG, VERSIONS)) as temporary:
        (temporary / CONFIG).write_text(config.to_yaml(defaults=True), encoding="utf-8")
        (temporary / VERSIONS).write_text(json.dumps(software_versions(), indent=2) + "\n", encoding="utf-8")
    return out


def config_differences(old, new):
    """One phrase for each value in which two configurations differ."""
    before, now = _flat(old.model_dump(mode="json")), _flat(new.model_dump(mode="json"))
    for key in sorted({*before, *now}):
        if before.get(key) != now.get(key):
            yield f"{key} is {before.get(key)!r} there and {now.get(key)!r} here"


def _flat(values, prefix=""):
    flat = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        flat |= _flat(value, name + ".") if isinstance(value, dict) else {name: value}
    return flat


def software_versions():
    """Versions of kerazoo, Python and the packages that numbers depend on."""
    import kerazoo

    packages = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"kerazoo": kerazoo.__version__, "python": platform.python_version(), **packages}
