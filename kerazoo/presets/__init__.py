"""Preset folders: configuration, weights, figures, cards; and `load`, `create`, `info`, which find them by name."""
