"""Packages whose modules are attributes without an import of their own: `kerazoo.training.comparing` just works."""

import importlib
import importlib.util


def submodules(package):
    """The `__getattr__` of a package, which imports a module of it when it is first asked for.

    Args:
        package: str. The package's `__name__`.

    Returns:
        callable. From a name to the module; an `AttributeError` where there is none, as Python itself raises it.

    Example:
        >>> submodules("kerazoo.metrics")("kernel").__name__
        'kerazoo.metrics.kernel'
    """

    def find(name):
        if not name.startswith("_") and importlib.util.find_spec(f"{package}.{name}") is not None:
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find
