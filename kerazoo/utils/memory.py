"""The machine's memory, and a refusal of what cannot fit into it, before it is allocated."""

import contextlib
import functools
import os
from pathlib import Path

from kerazoo.utils.errors import ConfigError


@functools.cache
def machine_memory():
    """Bytes of memory that this process may use at most: the machine's, or its container's if that is less."""
    limits = []
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            limits.append(int(Path(name).read_text()))
        except (OSError, ValueError):  # no such limit, or "max"
            continue
    return min(limits, default=2**63)


def check_memory(num_bytes, what, advice):
    """Raise a `ConfigError` where something would take more memory than the machine has.

    Args:
        num_bytes: int.
        what: str. Begins the message.
        advice: str. Ends it.
    """
    if num_bytes > machine_memory():
        raise ConfigError(
            f"{what} would take {num_bytes / 1e9:,.0f} GB of memory, and there are {machine_memory() / 1e9:,.1f} GB; "
            f"{advice}"
        )


@contextlib.contextmanager
def bounded_variables(what):
    """Refuse TensorFlow variables, made inside, that together take more memory than the machine has.

    Each one's size is found before its first value is computed.

    Args:
        what: str. Names the model in the message.

    Raises:
        ConfigError: the next variable would take too much.
    """
    import tensorflow as tf

    total = 0

    def create(next_creator, **kwargs):
        nonlocal total
        total += _bytes_of(kwargs.get("initial_value"))
        check_memory(total, f"the weights of {what}", "make it smaller")
        return next_creator(**kwargs)

    def _bytes_of(value):
        if not callable(value):
            return 0  # it exists already
        try:
            with tf.Graph().as_default():  # where nothing is computed
                found = tf.convert_to_tensor(value())
        except RuntimeError:  # made of tensors that exist already
            return 0
        return (found.shape.num_elements() or 0) * found.dtype.size

    with tf.variable_creator_scope(create):
        yield
