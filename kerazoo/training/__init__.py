"""Training a configuration into a run folder: `train`."""

from kerazoo.utils.lazy import submodules


def __getattr__(name):
    if name == "train":  # only here, so that `launch` starts its workers without TensorFlow
        from kerazoo.training.run import train

        return train
    return submodules(__name__)(name)


__all__ = ["train"]
