"""Short public names of modules that lie deeper in the tree: `kerazoo.errors`, `kerazoo.litert` and others."""

import importlib
import importlib.abc
import importlib.machinery
import sys

# Public name below `kerazoo` -> the module's place below `kerazoo`.
MODULES = {
    "config": "presets.config",
    "errors": "utils.errors",
    "evaluation": "tasks.evaluation",
    "litert": "utils.litert",
    "pictures": "tasks.grids",
    "robustness": "metrics.robustness",
    "zoo": "presets.loading",
}


class _Aliases(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a public name as the module itself, so that both names give one object."""

    def find_spec(self, name, path=None, target=None):
        package, _, alias = name.rpartition(".")
        known = package == "kerazoo" and alias in MODULES
        return importlib.machinery.ModuleSpec(name, self) if known else None

    def create_module(self, spec):
        module = importlib.import_module(f"kerazoo.{MODULES[spec.name.rpartition('.')[2]]}")
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module):
        """Give the module its own specification back: importing by the public name has replaced it."""
        module.__spec__ = module.__spec__.loader_state


def install():
    """Make the public names importable."""
    if not any(isinstance(finder, _Aliases) for finder in sys.meta_path):
        sys.meta_path.append(_Aliases())
