"""Recurrent networks: sequences to labels, to sequences and to words."""

from kerazoo.utils.lazy import submodules

__getattr__ = submodules(__name__)
