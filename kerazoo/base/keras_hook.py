"""Runs `registry.register_lazily` as soon as Keras is imported, be that before or after kerazoo."""

import sys


class _AfterKeras:
    """An import finder that lets the ordinary ones find Keras, and has the architectures registered once it ran."""

    def find_spec(self, name, path=None, target=None):
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        from importlib.util import find_spec

        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module):
                execute(module)
                _register(module)

            spec.loader.exec_module = execute_and_register
        return spec


def _register(keras):
    from kerazoo.base.registry import register_lazily

    register_lazily(keras)


def install():
    """Register now if Keras is imported already, otherwise when it will be."""
    if "keras" in sys.modules:
        _register(sys.modules["keras"])
    else:
        sys.meta_path.insert(0, _AfterKeras())
