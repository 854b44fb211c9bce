"""`--strategy`: which devices train."""

import contextlib
import functools
import json
import os

import tensorflow as tf

from kerazoo.utils.errors import TrainingError

# Of TF_CONFIG.
_FORM = 'expected {"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'


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
    if len(cluster_workers()) < 2:
        return _one()
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (tf.errors.OpError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise TrainingError(f"this worker cannot join the others of TF_CONFIG: {reason}") from None


def cluster_workers():
    """The addresses of the workers in `TF_CONFIG`, none where it is not set; a `TrainingError` where it is wrong."""
    text = os.environ.get("TF_CONFIG")
    try:
        config = json.loads(text or "{}")
        cluster, task = config.get("cluster", {}), config.get("task", {})
        workers = list(cluster.get("worker", ()))
        index = int(task.get("index", 0))
    except (AttributeError, TypeError, ValueError):
        raise TrainingError(f"TF_CONFIG = {text!r:.80}: {_FORM}") from None
    if set(cluster) - {"worker"} or (workers and task.get("type") != "worker"):
        raise TrainingError(f"TF_CONFIG names more than workers, which all train alike: {_FORM}")
    if workers and not 0 <= index < len(workers):
        raise TrainingError(f"TF_CONFIG: index {index} of {len(workers)} workers; they are counted from 0")
    return workers


def _auto():
    if "TF_CONFIG" in os.environ:
        return _multiworker()
    return _mirrored() if len(tf.config.list_logical_devices("GPU")) > 1 else _one()


STRATEGIES = {"auto": _auto, "one": _one, "mirrored": _mirrored, "multiworker": _multiworker}


# What an operation between workers raises where one of them has gone.
_LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError)


def has_workers(strategy):
    """Whether several processes train together."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


@contextlib.contextmanager
def lost_worker(strategy, advice):
    """Turn what TensorFlow raises where another worker has gone into a `TrainingError` of one line.

    TensorFlow notices it by a broken connection, at once, or by heartbeats that stay away, within 10 seconds.

    Args:
        strategy: tf.distribute.Strategy.
        advice: callable without arguments. Gives the end of the line: what to do next.
    """
    try:
        yield
    except _LOST:
        if not has_workers(strategy):
            raise
        raise TrainingError(f"another worker is gone; {advice()}") from None


def any_worker(strategy):
    """A function `flag -> bool`: whether the flag is set on any worker. All must call it equally often.

    So workers that are told to stop at different moments end after the same step, and none waits for another.
    """
    if not has_workers(strategy):
        return bool

    def total(flag):
        # As a float on the replica's own device: what collectives take.
        own = tf.identity(tf.cast(flag, tf.float32))
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, own)

    compiled = tf.function(lambda flag: strategy.run(total, args=(flag,)))
    return lambda flag: float(strategy.experimental_local_results(compiled(tf.constant(flag)))[0]) > 0


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
        TrainingError: multiworker without `TF_CONFIG`, a wrong one, or one of several workers with another strategy.
    """
    if name in ("one", "mirrored") and len(cluster_workers()) > 1:
        raise TrainingError(f"strategy {name} trains alone, and TF_CONFIG names several workers: use auto")
    return STRATEGIES[name]()
