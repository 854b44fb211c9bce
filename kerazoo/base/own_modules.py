"""The module of one's own that a configuration names, so that its architecture is found again."""

import importlib.util
import stat
from pathlib import Path

from kerazoo.base.registry import FILES, built_in, class_of, entry_points, import_models
from kerazoo.utils.errors import ConfigError


def module_of(architecture):
    """The `module` that a configuration names for an architecture: None for those that are found by themselves.

    Returns:
        str or None. The module's name; for a file that was imported by its path, that path, from the working folder
        where it lies in there.
    """
    if architecture in built_in() or architecture in entry_points():
        return None
    name = class_of(architecture).__module__
    if name == "__main__":  # a script or a notebook: importing it would run it
        return None
    file = FILES.get(name)
    if file is None:
        return name
    return file.relative_to(Path.cwd()).as_posix() if file.is_relative_to(Path.cwd()) else str(file)


def find_module(module, folder, what):
    """Import the `module` that a configuration names, so that its architecture is in the index.

    It is looked for among what Python can import; a file also in the working folder and in the folders above the
    configuration's, of which a run's project is one, but in none where everybody may put files.

    Args:
        module: str. As of `module_of`.
        folder: Path. Where the configuration is.
        what: str. Begins the message.

    Raises:
        ConfigError: there is no such module.
    """
    path = Path(module if module.endswith(".py") else f"{module.replace('.', '/')}.py")
    above = Path(folder).resolve().parents
    places = [Path.cwd(), *(place for place in above if not place.stat().st_mode & stat.S_IWOTH)]
    found = next((place / path for place in places if (place / path).is_file()), None)
    if not module.endswith(".py") and _importable(module):
        import_models(module)
    elif found is not None:
        import_models(found)
    else:
        raise ConfigError(f"{what} needs the module {module}: give --import FILE, or install it")


def _importable(module):
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
