"""Builders of networks that two or more architectures share."""

from kerazoo.utils.backend import check_backend

check_backend()
