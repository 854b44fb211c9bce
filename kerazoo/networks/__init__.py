"""Builders of networks that two or more architectures share."""

from kerazoo.utils.backend import check_backend
from kerazoo.utils.lazy import submodules

__getattr__ = submodules(__name__)

check_backend()
