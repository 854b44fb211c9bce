"""Which architectures there are, and the class of each.

The index is the text of the tree itself: a module of `kerazoo/models/<family>/` holds the architectures that stand in
its `@register("...")` lines, so the names are known without importing anything, and a new architecture is in the index
when its file is there. Modules whose names begin with an underscore hold what a family shares. Other packages name
theirs in the entry-point group `kerazoo.models`; a class of one's own is in the index once its module is imported.
"""

import difflib
import functools
import importlib
import importlib.metadata
import importlib.util
import re
import sys
from pathlib import Path

from kerazoo.utils.backend import check_backend
from kerazoo.utils.errors import ConfigError, UnknownNameError

ENTRY_POINTS = "kerazoo.models"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_REGISTERED = re.compile(r"^@(?:kerazoo\.)?register\(\s*\"([a-z][a-z0-9_]*)\"", re.MULTILINE)
_CLASSES: dict[str, type] = {}
FILES: dict[str, Path] = {}  # modules that were imported by their path: name -> path


def index():
    """The architectures, without importing their modules.

    Returns:
        dict[str, str]. Name of each architecture -> full name of its module, sorted by name.
    """
    registered = {name: cls.__module__ for name, cls in _CLASSES.items()}
    return dict(sorted({**entry_points(), **registered, **built_in()}.items()))


@functools.cache
def built_in():
    """The architectures of the package: name -> full name of the module."""
    root = Path(__file__).parents[1] / "models"
    modules = {}
    for path in sorted(root.glob("*/[!_]*.py")):
        module = f"kerazoo.models.{path.parent.name}.{path.stem}"
        modules |= dict.fromkeys(_REGISTERED.findall(path.read_text(encoding="utf-8")), module)
    return modules


@functools.cache
def entry_points():
    """The architectures that installed packages name: entry point `name = "module"`."""
    return {point.name: point.module for point in importlib.metadata.entry_points(group=ENTRY_POINTS)}


def register(name):
    """Class decorator that enters a `ZooModel` under its architecture's name and makes it loadable from `.keras` files.

    Args:
        name: str. Lower-case letters, digits and underscores; no other architecture may have it.

    Returns:
        The decorator. It sets `cls.architecture` and returns the class.

    Raises:
        ConfigError: a name of another form, or one that the zoo or another class has already; Keras with another
            backend.

    Example:
        >>> from kerazoo.models.gans.dcgan import DCGAN
        >>> @kerazoo.register("mine")
        ... class Mine(DCGAN):
        ...     "DCGAN with a loss of my own."
        >>> kerazoo.create("mine", image_shape=(16, 16, 1)).architecture
        'mine'
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(
            f"register({name!r}): lower-case letters, digits and underscores are expected, a letter first"
        )

    def decorate(cls):
        taken = built_in().get(name)
        if taken not in (None, cls.__module__):
            raise ConfigError(f"register({name!r}): the zoo has an architecture of this name; choose another")
        before = _CLASSES.get(name)  # a notebook's cell may run again, and a module be loaded again
        if before is not None and (before.__module__, before.__qualname__) != (cls.__module__, cls.__qualname__):
            whose = f"{before.__module__}.{before.__qualname__}"
            raise ConfigError(f"register({name!r}): {whose} has this name already; choose another")
        check_backend()
        import keras

        cls.architecture = name
        _CLASSES[name] = cls
        return keras.saving.register_keras_serializable(package="kerazoo", name=name)(cls)

    return decorate


def import_models(module):
    """Import a module of one's own, so that its architectures are in the index.

    Args:
        module: str or Path. The name of an importable module, or a Python file.

    Returns:
        dict[str, str]. The architectures that it registered: name -> module.

    Raises:
        ConfigError: it cannot be found or imported, or it registers nothing.
    """
    text = str(module)
    before = dict(_CLASSES)
    try:
        found = _import_file(Path(text)) if text.endswith(".py") else importlib.import_module(text)
    except ConfigError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ConfigError(f"{text}: cannot be imported ({reason})") from None
    own = {name: cls.__module__ for name, cls in _CLASSES.items() if cls.__module__ == found.__name__}
    own |= {name: cls.__module__ for name, cls in _CLASSES.items() if before.get(name) is not cls}
    if not own:
        raise ConfigError(f'{text}: registers no architecture; put @kerazoo.register("name") above the class')
    return own


def _import_file(path):
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    path = path.resolve()
    loaded = sys.modules.get(path.stem)
    known = (
        getattr(loaded, "__file__", None) if loaded else getattr(importlib.util.find_spec(path.stem), "origin", None)
    )
    if known is not None and Path(known).resolve() == path:  # a script beside the file finds it by its name, too
        return loaded or importlib.import_module(path.stem)
    if loaded is not None or known is not None:
        raise ConfigError(f"{path}: there is another module of the name {path.stem!r} ({known}); rename the file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    FILES[path.stem] = path
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        raise
    return module


def class_of(architecture):
    """The class of an architecture that is registered already, None for others; nothing is imported."""
    return _CLASSES.get(architecture)


def check_registered(model):
    """Raise a `ConfigError` where a model's class is none of the index: its files would be read as its parent's.

    Args:
        model: ZooModel.
    """
    cls = type(model)
    if _CLASSES.get(cls.architecture) is not cls:
        raise ConfigError(
            f"class {cls.__name__} is not registered, so nothing could load it again; put "
            f'@kerazoo.register("{_snake(cls.__name__)}") above it'
        )


def _snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_")


class _Deferred:
    """Stands in Keras's registry for an architecture that is not imported yet."""

    def __init__(self, name):
        self.name = name

    def from_config(self, config):
        return model_class(self.name).from_config(config)


def register_lazily(keras):
    """Enter every architecture in Keras's registry, each imported when a `.keras` file asks for it.

    Keras finds no class by its module's name, so that a file could be loaded only after the right module was imported.

    Args:
        keras: module.
    """
    registered = keras.saving.get_custom_objects()
    for name in index():
        registered.setdefault(f"kerazoo>{name}", _Deferred(name))


def model_class(name):
    """The `ZooModel` subclass of an architecture, imported on first use.

    Args:
        name: str. Name of an architecture, for example `"dcgan"`.

    Returns:
        type. The class.

    Raises:
        UnknownNameError: no architecture has this name.
    """
    if name not in _CLASSES:
        if name not in index():
            raise UnknownNameError(unknown_name("architecture", name, index()))
        importlib.import_module(index()[name])
    return _CLASSES[name]


OWN = " (one of your own: give --import FILE, or import its module)"


def unknown_name(kind, name, known):
    """One line that says that `name` is unknown, with the nearest of the `known` names, or all where none is near."""
    near = difflib.get_close_matches(str(name), list(known), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known) or 'none'}"
    return f"unknown {kind} {str(name)!r}; {hint}{OWN if kind in ('model', 'architecture') else ''}"
