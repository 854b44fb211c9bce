"""Boltzmann machines: energy-based models that learn by sampling."""

from kerazoo.utils.lazy import submodules

__getattr__ = submodules(__name__)
