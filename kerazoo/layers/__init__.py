"""Keras layers that Keras does not have, which several architectures share."""
