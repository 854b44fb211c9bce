"""Folders of models: `MODEL/VERSION/saved_model.pb`."""

from pathlib import Path

from kerazoo.serving.errors import ServingError
from kerazoo.serving.versions import version_number


def check_folder(folder):
    """Raise a `ServingError` unless `folder` holds `MODEL/VERSION/saved_model.pb`."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ServingError(f"{folder}: no such folder; give the folder that holds MODEL/VERSION/")
    if any((path / "saved_model.pb").exists() for path in version_folders(folder)[0].values()):
        raise ServingError(f"{folder} is the folder of one model; give its parent, {folder.resolve().parent}")
    paths = [path for name in model_names(folder) for path in _readable_versions(folder / name)]
    if not any((path / "saved_model.pb").exists() for path in paths):
        raise ServingError(f"{folder}: no model in it (MODEL/VERSION/saved_model.pb); write one with: kerazoo export")


def model_names(folder):
    """The names of the models' folders."""
    entries = folder.iterdir() if folder.is_dir() else ()
    return {path.name for path in entries if not path.name.startswith(".") and path.is_dir()}


def version_folders(model):
    """The version folders of a model, number -> path, and the names of SavedModels whose names are not versions."""
    paths = sorted(path for path in model.iterdir() if not path.name.startswith(".") and path.is_dir())
    numbers = {path: version_number(path.name) for path in paths}
    found = {number: path for path, number in numbers.items() if number is not None}
    others = [path for path, number in numbers.items() if number is None]
    return found, [path.name for path in others if (path / "saved_model.pb").exists()]


def _readable_versions(model):
    try:
        return list(version_folders(model)[0].values())
    except OSError:  # reported when the model is looked at
        return []


def stamp_of(path):
    """A stamp that differs once files of a version have changed."""
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return tuple((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files)
