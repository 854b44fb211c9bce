"""The run folder: made new, replaced, or taken up again when its configuration is the same."""

import contextlib
import importlib.metadata
import json
import os
import platform

from kerazoo.base.arguments import shorten
from kerazoo.presets.config import read_config, write_config
from kerazoo.utils.errors import TrainingError
from kerazoo.utils.files import check_free, new_folder

CONFIG, VERSIONS = "config.yaml", "versions.json"
PACKAGES = ("tensorflow", "keras", "numpy")


def check_run(run, config, *, resume, overwrite):
    """Check that a run folder can be made, or resumed.

    Args:
        run: Path. The folder.
        config: Config. What is to be trained.
        resume: bool. Whether `run` must be a run of the same configuration.
        overwrite: bool. Whether an existing run folder may be replaced.

    Raises:
        TrainingError: nothing to resume, or a run of another configuration.
        OutputError: the folder exists.
    """
    if not resume:
        check_free(run, overwrite=overwrite)
        return
    if not (run / CONFIG).is_file():
        raise TrainingError(f"{run}: no run to resume (it has no {CONFIG}); leave out --resume to begin one")
    differences = list(config_differences(read_config(run / CONFIG), config))
    if differences:
        raise TrainingError(
            f"{run} is a run of another configuration: {'; '.join(differences)}; give the same, or another --out"
        )


def make_run(run, config, *, overwrite):
    """Make a run folder with the configuration, every default resolved, and the software's versions.

    Raises:
        OutputError: the folder exists, is no run folder, or cannot be written.
    """
    with new_folder(run, overwrite=overwrite, owned=(CONFIG, VERSIONS)) as temporary:
        write_config(config, temporary / CONFIG, defaults=True)
        (temporary / VERSIONS).write_text(json.dumps(software_versions(), indent=2) + "\n", encoding="utf-8")


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


def software_versions():
    """Versions of kerazoo, Python and the packages that numbers depend on."""
    import kerazoo

    packages = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"kerazoo": kerazoo.__version__, "python": platform.python_version(), **packages}


@contextlib.contextmanager
def held(run):
    """Inside, no other process of this machine may train in the run folder; a `TrainingError` where one does."""
    try:
        import fcntl
    except ImportError:  # Windows has no locks of folders
        yield
        return
    folder = os.open(run, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TrainingError(f"{run} is being trained in by another process; wait, or give another --out") from None
        yield
    finally:
        os.close(folder)
