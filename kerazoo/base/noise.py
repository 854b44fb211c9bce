"""Noise that is a function of (seed, step, stream) and of a row's place in the global batch."""

import contextlib
import threading
import weakref
import zlib

import tensorflow as tf

from kerazoo.base.replicas import row_noise
from kerazoo.utils.checks import MAX_SEED
from kerazoo.utils.errors import ConfigError

_TRACED = threading.local()  # strategies trace each replica in a thread of its own


class Noisy:
    """Mixin; list it before `keras.Model`. Exact noise for a training step, and for layers that draw.

    The same batch gets the same noise on one device and divided over several, and a model that is loaded goes on with
    the noise of its next step.
    """

    def noise(self, num_rows, shape, *, stream, distribution="normal", maximum=None):
        """Random rows for the examples of this batch: a function of (seed, step, stream) and the place in the batch.

        Args:
            num_rows: int or tf.Tensor. Number of examples on this replica.
            shape: tuple[int, ...]. Shape of one example's noise; `()` for one number.
            stream: str. Names this use of noise within a step; different streams are independent.
            distribution: `"normal"` (standard normal), `"uniform"` (on [-1, 1)), `"unit"` (uniform on [0, 1)) or
                `"integers"` (0 to `maximum - 1`, equally likely). Defaults to `"normal"`.
            maximum: int or None. The number of different integers. Defaults to None.

        Returns:
            tf.Tensor. float32, or int32 for integers, shape `(num_rows, *shape)`.
        """
        return row_noise(num_rows, shape, self.noise_seed(stream), distribution, maximum)

    def noise_seed(self, stream):
        """The seed, shape `(2,)` int32, of a stateless draw at this step; equal on all replicas."""
        if not hasattr(self, "seed"):
            raise ConfigError("noise of training is drawn by the seed that compile() sets: compile the model first")
        base = tf.constant([self.seed, zlib.crc32(stream.encode()) & MAX_SEED], tf.int32)
        return tf.random.fold_in(base, tf.cast(self.step.value, tf.int32))

    def apply_dropout(self, x, stream, *, rate):
        """Dropout by the exact noise of `noise`: some values at zero, the others scaled up by 1 / (1 - rate).

        Args:
            x: tf.Tensor. Shape `(batch, ...)`.
            stream: str. As for `noise`.
            rate: float in [0, 1). The chance of each value to become zero.

        Returns:
            tf.Tensor. Shape and dtype of `x`.

        Source: Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 15.
        """
        draws = self.noise(tf.shape(x)[0], tf.shape(x)[1:], stream=stream, distribution="uniform")
        return x * tf.cast(draws >= 2 * rate - 1, x.dtype) / (1 - rate)

    def connect_noisy_layers(self):
        """Give every layer that draws its place in this model; `compile` calls it."""
        noisy = [layer for layer in self._flatten_layers() if isinstance(layer, NoisyLayer)]
        for place, layer in enumerate(noisy):
            layer.connect(self, place)


class NoisyLayer:
    """Mixin of a Keras layer that draws noise in training; list it before `keras.layers.Layer`.

    Within the networks of a compiled `ZooModel` the noise is the model's own, so it is right on several devices, under
    accumulation and after a resumption. A layer that is called several times in a step draws anew each time.
    """

    _model = _place = None

    def connect(self, model, place):
        """Draw from a model from now on, as its layer number `place` (names of layers differ between processes)."""
        # Out of sight of Keras, which would count the model as a part, and go round in circles where it loads weights.
        object.__setattr__(self, "_model", weakref.ref(model))
        object.__setattr__(self, "_place", place)

    def next_stream(self):
        """The name of the noise of this call."""
        if self._model is None:
            raise ConfigError(
                f"layer {self.name!r} draws noise in training: compile() the kerazoo model that it is a part of first"
            )
        calls, key = _calls(), (id(self._model()), self._place)
        number = calls[key] = calls.get(key, -1) + 1
        return f"layer_{self._place}_{number}"


def begin_streams():
    """Forget the calls of noisy layers so far: the next ones belong to another step."""
    _TRACED.calls = {}


@contextlib.contextmanager
def same_streams(again):
    """Inside, noisy layers that were called here before draw the same streams as then: for parts of one batch.

    Args:
        again: dict. What an earlier `with` of the same computation yielded; empty the first time.
    """
    if not again:
        again["calls"] = dict(_calls())
    _TRACED.calls = dict(again["calls"])
    yield


def _calls():
    if not hasattr(_TRACED, "calls"):
        _TRACED.calls = {}
    return _TRACED.calls
