"""Computations in two forms that give the same numbers: TensorFlow's own, and one that LiteRT has operators for.

Graphs use `forms()`: the first form, or the second where they are traced for a device, inside `portable_forms()`.
Inside `serving_forms()` they are TensorFlow's own without what only the tracing machine has.
"""

import contextlib
import contextvars

import tensorflow as tf


class NativeForms:
    """Forms that are fastest on a computer, above all in training."""

    @staticmethod
    def array_like(example, size, capacity=None):
        """An array of `size` steps of the shape of `example`, to `write`; a device reserves `capacity`, if given."""
        return tf.TensorArray(example.dtype, size, element_shape=example.shape)

    @staticmethod
    def growing_array_like(example, capacity):
        """An array that grows as it is written, to `read` more than once; a device reserves `capacity`."""
        shape = {"element_shape": example.shape}
        return tf.TensorArray(example.dtype, 0, dynamic_size=True, clear_after_read=False, **shape)

    @staticmethod
    def most_steps(wanted, capacity):
        """The number of steps that a loop may make, given those wanted; a scalar tensor."""
        return wanted

    @staticmethod
    def room(wanted, capacity):
        """Steps that a loop needs room for, given those wanted; a device reserves `capacity`."""
        return wanted

    @staticmethod
    def where_needed(needed, change, x):
        """`change(x)` if the scalar `needed` is True, else `x`; a device, which has no branches, computes it always."""
        return tf.cond(needed, lambda: change(x), lambda: x)

    @staticmethod
    def array_of(x):
        """The steps of a tensor `(steps, ...)` as an array, to `read`."""
        return tf.TensorArray(x.dtype, tf.shape(x)[0], element_shape=x.shape[1:]).unstack(x)

    @staticmethod
    def has_gpu():
        """Whether an operation that only GPUs have may be in the graph."""
        return bool(tf.config.list_logical_devices("GPU"))

    @staticmethod
    def cross_entropy(labels, logits):
        """-log softmax(logits) of each label, shape of `labels`; logits have one axis more."""
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


class ServingForms(NativeForms):
    """Native forms of a graph that any machine may run, whatever the one has that traces it."""

    @staticmethod
    def has_gpu():
        return False


class DenseArray(tf.experimental.ExtensionType):
    """An array of steps in one tensor `(steps, ...)`, with the methods of `tf.TensorArray`."""

    steps: tf.Tensor

    def read(self, index):
        return tf.gather(self.steps, index)

    def write(self, index, value):
        steps = tf.tensor_scatter_nd_update(self.steps, [[index]], value[None])
        steps.set_shape(self.steps.shape)
        return DenseArray(steps)

    def stack(self):
        return self.steps


class PortableForms:
    """Forms that LiteRT has operators for, and can plan its memory for."""

    @staticmethod
    def array_like(example, size, capacity=None):
        sizes = [size_of(example, axis) for axis in range(len(example.shape))]
        # Zeros that the converter cannot tell to be constant: it would store them in the file, at their full size.
        zeros = tf.cast(tf.not_equal(example, example), example.dtype)
        return DenseArray(tf.broadcast_to(zeros, [size if capacity is None else capacity, *sizes]))

    @classmethod
    def growing_array_like(cls, example, capacity):
        return cls.array_like(example, capacity)

    @staticmethod
    def most_steps(wanted, capacity):
        return tf.minimum(wanted, capacity)

    @staticmethod
    def room(wanted, capacity):
        return capacity

    @staticmethod
    def where_needed(needed, change, x):
        return change(x)

    @staticmethod
    def array_of(x):
        return DenseArray(x)

    @staticmethod
    def has_gpu():
        return False

    @staticmethod
    def cross_entropy(labels, logits):
        return -tf.gather(tf.nn.log_softmax(logits), labels, batch_dims=len(labels.shape))


def size_of(x, axis):
    """One size of a tensor: an int where it is known while tracing, else a scalar tensor."""
    return tf.shape(x)[axis] if x.shape[axis] is None else x.shape[axis]


_forms = contextvars.ContextVar("forms", default=NativeForms)


def forms():
    """`NativeForms`, or those of the context: `serving_forms`, `portable_forms`."""
    return _forms.get()


@contextlib.contextmanager
def _within(chosen):
    token = _forms.set(chosen)
    try:
        yield
    finally:
        _forms.reset(token)


def serving_forms():
    """A context in which everything is traced for other machines."""
    return _within(ServingForms)


def portable_forms():
    """A context in which everything is traced for devices."""
    return _within(PortableForms)
