"""The architectures: one module each, in a folder a family."""

from kerazoo.utils.backend import check_backend

check_backend()
