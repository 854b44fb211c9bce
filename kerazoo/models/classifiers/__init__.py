"""Classifiers: the feature extractors that the measurements use."""

from kerazoo.utils.lazy import submodules

__getattr__ = submodules(__name__)
