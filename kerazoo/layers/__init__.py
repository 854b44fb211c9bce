"""Keras layers that Keras does not have, which several architectures share."""

from kerazoo.utils.backend import check_backend

check_backend()
