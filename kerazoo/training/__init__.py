"""Training a configuration into a run folder: `train`."""

from kerazoo.training.run import train

__all__ = ["train"]
