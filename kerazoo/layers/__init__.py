"""Layers that Keras lacks and several architectures share."""
