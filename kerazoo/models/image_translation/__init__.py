"""Models that map images of one kind to images of another."""

from kerazoo.utils.lazy import submodules

__getattr__ = submodules(__name__)
