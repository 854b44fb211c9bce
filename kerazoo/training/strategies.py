"""`--strategy`: which devices train."""

import functools
import os

import tensorflow as tf

from kerazoo.errors import TrainingError


def _one():
    return tf.distribute.get_strategy()


def _mirrored():
    # Several logical CPUs stand for several GPUs in tests, and on machines without any.
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _multiworker():
    if "TF_CONFIG" not in os.environ:
        raise TrainingError(
            "strategy multiworker needs TF_CONFIG, which says who the workers are and which one this is"
        )
    return tf.distribute.MultiWorkerMirroredStrategy()


def _auto():
    if "TF_CONFIG" in os.environ:
        return _multiworker()
    return _mirrored() if len(tf.config.list_logical_devices("GPU")) > 1 else _one()


STRATEGIES = {"auto": _auto, "one": _one, "mirrored": _mirrored, "multiworker": _multiworker}


def is_chief(strategy):
    """Whether this process is the one that writes: the first worker, or the only one."""
    resolver = strategy.cluster_resolver
    return resolver is None or resolver.task_id in (None, 0)


@functools.cache
def make_strategy(name):
    """The `tf.distribute` strategy of a name, made once a process: a second one would reuse its collective keys.

    Workers find each other only before TensorFlow's first operation, so this comes before data are opened.

    Args:
        name: str. `"one"` device; `"mirrored"` over all GPUs of this machine (or its logical CPUs, where it has no
            GPU); `"multiworker"` over the machines in `TF_CONFIG`; `"auto"`, which takes the first of multiworker,
            mirrored and one that fits what is there.

    Returns:
        tf.distribute.Strategy.

    Raises:
        TrainingError: multiworker without `TF_CONFIG`.
    """
    return STRATEGIES[name]()
