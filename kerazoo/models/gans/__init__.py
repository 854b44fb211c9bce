"""Generative adversarial networks."""

from kerazoo.utils.lazy import submodules

__getattr__ = submodules(__name__)
