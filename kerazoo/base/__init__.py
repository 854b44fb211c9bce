"""`ZooModel`, the base of every architecture, and the parts that it is made of."""

from kerazoo.utils.lazy import submodules

__getattr__ = submodules(__name__)
