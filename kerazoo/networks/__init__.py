"""Builders of networks that two or more architectures share."""
