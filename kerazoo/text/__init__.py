"""Text: vocabularies, and what models of text share besides their networks: data, verbs, sampling and search."""

from kerazoo.utils.lazy import submodules

__getattr__ = submodules(__name__)
