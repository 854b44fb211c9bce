"""A model's functions called on arrays, compiled: what all verbs run through."""

import contextlib
import functools

import numpy as np
import tensorflow as tf

from kerazoo.utils.checks import check_integer
from kerazoo.utils.errors import ConfigError


class Calls:
    """The compiled functions of one model.

    Example:
        >>> model = kerazoo.load("dcgan")
        >>> model.calls(model.call, np.zeros((2, model.latent_dim), "float32")).shape
        (2, 28, 28, 1)
    """

    def __init__(self):
        self._compiled = {}
        self._runner = None

    def __call__(self, function, *inputs, any_shape=False):
        """Call a function of tensors on arrays; it is traced once for each dtype and shape of a row.

        Args:
            function: callable. A method of the model, or a `functools.partial` of one.
            *inputs: arrays, in the order of the function's arguments.
            any_shape: bool. Whether one trace serves all sizes, also of rows. Defaults to False.

        Returns:
            np.ndarray, or the function's structure of them.
        """
        if self._runner is not None:
            return self._runner(function, *inputs)
        free = [array.ndim if any_shape else min(array.ndim, 1) for array in inputs]
        shapes = [(None,) * count + array.shape[count:] for count, array in zip(free, inputs, strict=True)]
        specs = tuple(tf.TensorSpec(shape, array.dtype) for shape, array in zip(shapes, inputs, strict=True))
        key = function_key(function), specs
        if key not in self._compiled:
            self._compiled[key] = tf.function(function, input_signature=specs, autograph=False)
        return tf.nest.map_structure(lambda tensor: tensor.numpy(), self._compiled[key](*inputs))

    def in_batches(self, function, *inputs, batch_size):
        """Call a function of tensors on many rows.

        Args:
            function: callable. As above, from tensors `(batch, ...)` to tensors `(batch, ...)`.
            *inputs: arrays, shape `(num, ...)`, as many rows of each.
            batch_size: int. Rows in memory at a time.

        Returns:
            np.ndarray, or the function's structure of them. The results, in order.

        Raises:
            ConfigError: `batch_size` is below 1, or not as many rows of each input.
        """
        batch_size = check_integer("batch_size", batch_size)
        inputs = [np.asarray(array) for array in inputs]
        counts = {len(array) for array in inputs}
        if len(counts) > 1:
            shapes = ", ".join(str(array.shape) for array in inputs)
            raise ConfigError(f"arrays of shapes {shapes}: as many rows of each are expected")
        starts = range(0, max(*counts, 1), batch_size)  # no rows give results of no rows
        parts = [self(function, *(array[i : i + batch_size] for array in inputs)) for i in starts]
        return tf.nest.map_structure(lambda *arrays: np.concatenate(arrays), *parts)

    @contextlib.contextmanager
    def replaced(self, runner):
        """Inside, `runner(function, *inputs)` gives every result: an exported file in place of Keras, say."""
        before, self._runner = self._runner, runner
        try:
            yield
        finally:
            self._runner = before


def function_key(function):
    """The identity of a model's function: equal for two looks at one method, or two partials alike."""
    if isinstance(function, functools.partial):
        return function_key(function.func), function.args, tuple(sorted(function.keywords.items()))
    return getattr(function, "__func__", function)


def signature_key(function):
    """The identity of the function of an exported signature: its declaration where it has one."""
    return getattr(function, "declaration", None) or function_key(function)
