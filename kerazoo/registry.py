"""Which architectures there are, and the class of each.

The index is the tree itself: `kerazoo/models/<family>/<architecture>.py` holds the architecture of that name, so the
names are known without importing anything, and a new architecture is in the index when its file is there.
"""

import difflib
import functools
import importlib
import pkgutil
from pathlib import Path

from kerazoo.errors import UnknownNameError

_CLASSES = {}


@functools.cache
def index():
    """The architectures, without importing their modules.

    Returns:
        dict[str, str]. Name of each architecture -> full name of its module, sorted by name.
    """
    root = Path(__file__).parent / "models"
    modules = {}
    for family in pkgutil.iter_modules([str(root)]):
        for module in pkgutil.iter_modules([str(root / family.name)]):
            modules[module.name] = f"kerazoo.models.{family.name}.{module.name}"
    return dict(sorted(modules.items()))


def register(name):
    """Class decorator that enters a `ZooModel` under its architecture's name and makes it loadable from `.keras` files.

    Args:
        name: str. The name, which is also the name of the class's module.

    Returns:
        The decorator. It sets `cls.architecture` and returns the class.
    """

    def decorate(cls):
        if index().get(name) != cls.__module__ and cls.__module__.startswith("kerazoo.models."):
            raise ValueError(f"@register({name!r}) stands in {cls.__module__}: the module must have that name")
        import keras

        cls.architecture = name
        _CLASSES[name] = cls
        return keras.saving.register_keras_serializable(package="kerazoo", name=name)(cls)

    return decorate


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


def unknown_name(kind, name, known):
    """One line that says that `name` is unknown, with the nearest of the `known` names, or all where none is near."""
    near = difflib.get_close_matches(str(name), list(known), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known) or 'none'}"
    return f"unknown {kind} {str(name)!r}; {hint}"
