"""Preset folders: configuration, weights, figures, cards; and `load`, `create`, `info`, which find them by name."""

from kerazoo.utils.lazy import submodules

__getattr__ = submodules(__name__)
