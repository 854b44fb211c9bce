"""Maps that can be inverted, with the log-determinant of their Jacobian: the parts of normalizing flows.

`call(x)` gives the outputs and, of each example, log |det dy/dx|; `inverse(y)` gives the inputs back. They compute in
float32 whatever the policy of the networks within: a density is a sum of nats over all of an example.
"""

import math

import keras
import numpy as np
import scipy.linalg
import tensorflow as tf


class Bijection(keras.layers.Layer):
    """Base of maps that can be inverted; a subclass writes `call` and `inverse`.

    Args:
        **kwargs: `name` of `keras.layers.Layer`.
    """

    def __init__(self, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.built = True  # variables are made in `__init__`

    def call(self, inputs):
        """The outputs, and log |det of the Jacobian| of each example, shape `(batch,)`."""
        raise NotImplementedError

    def inverse(self, outputs):
        """The inputs of given outputs."""
        raise NotImplementedError

    def adapt(self, inputs):
        """Set from the first examples what begins with their statistics; gives their outputs."""
        return self(inputs)[0]


class Chain(Bijection):
    """Several bijections, one after another.

    Args:
        parts: sequence of Bijection.
        **kwargs: `name` of `keras.layers.Layer`.
    """

    def __init__(self, parts, **kwargs):
        super().__init__(**kwargs)
        self.parts = list(parts)

    def call(self, inputs):
        """As of every `Bijection`."""
        total = _nothing(inputs)
        for part in self.parts:
            inputs, log_det = part(inputs)
            total += log_det
        return inputs, total

    def inverse(self, outputs):
        for part in reversed(self.parts):
            outputs = part.inverse(outputs)
        return outputs

    def adapt(self, inputs):
        for part in self.parts:
            inputs = part.adapt(inputs)
        return inputs


class Squeeze(Bijection):
    """Blocks of 2x2 pixels become pixels of four times the channels."""

    def call(self, inputs):
        """As of every `Bijection`."""
        return tf.nn.space_to_depth(inputs, 2), _nothing(inputs)

    def inverse(self, outputs):
        return tf.nn.depth_to_space(outputs, 2)


class Flatten(Bijection):
    """Examples as vectors.

    Args:
        shape: tuple[int, ...]. Of one example.
        **kwargs: `name` of `keras.layers.Layer`.
    """

    def __init__(self, shape, **kwargs):
        super().__init__(**kwargs)
        self.shape = tuple(shape)

    def call(self, inputs):
        """As of every `Bijection`."""
        return tf.reshape(inputs, [-1, math.prod(self.shape)]), _nothing(inputs)

    def inverse(self, outputs):
        return tf.reshape(outputs, [-1, *self.shape])


class FactorOut(Bijection):
    """The first half of the channels is done; the second half goes on. Outputs are vectors, what is done comes first.

    Args:
        shape: tuple[int, int, int]. Of one example: height, width and an even number of channels.
        deeper: Bijection. From the second half, `(batch, height, width, channels / 2)`, to vectors.
        **kwargs: `name` of `keras.layers.Layer`.

    Source: Dinh et al. 2017, "Density estimation using Real NVP", section 3.6.
    """

    def __init__(self, shape, deeper, **kwargs):
        super().__init__(**kwargs)
        self.done = Flatten((*shape[:2], shape[2] // 2))
        self.deeper = deeper

    def call(self, inputs):
        """As of every `Bijection`."""
        done, rest = tf.split(inputs, 2, axis=-1)
        vectors, log_det = self.deeper(rest)
        return tf.concat([self.done(done)[0], vectors], axis=-1), log_det

    def inverse(self, outputs):
        size = math.prod(self.done.shape)
        return tf.concat([self.done.inverse(outputs[:, :size]), self.deeper.inverse(outputs[:, size:])], axis=-1)

    def adapt(self, inputs):
        done, rest = tf.split(inputs, 2, axis=-1)
        return tf.concat([self.done(done)[0], self.deeper.adapt(rest)], axis=-1)


class AffineCoupling(Bijection):
    """One part of an example is scaled and shifted by functions of the other part, which stays.

    changed exp(s(kept)) + t(kept): the Jacobian is triangular, its log-determinant the sum of s, and inverting it
    inverts neither s nor t.

    Args:
        network: keras.Model. From the part that stays to the raw s and t, side by side along the last axis.
        partition: object with `split(x)`, which gives (kept, changed), and `join(kept, changed)`: `Halves`,
            `Checkerboard`.
        log_scale: callable. From the raw s to s.
        **kwargs: `name` of `keras.layers.Layer`.

    Source: Dinh et al. 2017, "Density estimation using Real NVP", equations 4 to 8.
    """

    def __init__(self, network, partition, log_scale, **kwargs):
        super().__init__(**kwargs)
        self.network, self.partition, self.log_scale = network, partition, log_scale

    def call(self, inputs):
        """As of every `Bijection`."""
        kept, changed = self.partition.split(inputs)
        log_scale, shift = self._affine(kept)
        outputs = self.partition.join(kept, changed * tf.exp(log_scale) + shift)
        return outputs, tf.reduce_sum(log_scale, axis=list(range(1, len(log_scale.shape))))

    def inverse(self, outputs):
        kept, changed = self.partition.split(outputs)
        log_scale, shift = self._affine(kept)
        return self.partition.join(kept, (changed - shift) * tf.exp(-log_scale))

    def _affine(self, kept):
        raw, shift = tf.split(self.network(kept), 2, axis=-1)
        return self.log_scale(raw), shift


class ActNorm(Bijection):
    """Each channel shifted and scaled; `adapt` gives the outputs of its examples zero mean and unit variance.

    Args:
        shape: tuple[int, int, int]. Of one example: height, width and channels.
        **kwargs: `name` of `keras.layers.Layer`.

    Source: Kingma and Dhariwal 2018, "Glow", section 3.1.
    """

    def __init__(self, shape, **kwargs):
        super().__init__(**kwargs)
        self.num_pixels = shape[0] * shape[1]
        self.bias = self.add_weight(shape[2:], initializer="zeros", name="bias")
        self.log_scale = self.add_weight(shape[2:], initializer="zeros", name="log_scale")

    def call(self, inputs):
        """As of every `Bijection`."""
        log_det = self.num_pixels * tf.reduce_sum(self.log_scale)
        return (inputs + self.bias) * tf.exp(self.log_scale), _nothing(inputs) + log_det

    def inverse(self, outputs):
        return outputs * tf.exp(-self.log_scale) - self.bias

    def adapt(self, inputs):
        mean, variance = tf.nn.moments(inputs, axes=[0, 1, 2])
        self.bias.assign(-mean)
        self.log_scale.assign(-0.5 * tf.math.log(variance + 1e-6))
        return self(inputs)[0]


class Invertible1x1(Bijection):
    """A 1x1 convolution whose kernel is P L (U + diag(s)): a random rotation at first, of which only P stays fixed.

    L is lower triangular with ones on its diagonal, U upper triangular with zeros there; the signs of s stay, too, and
    log |s| is learned, so that the log-determinant is a sum.

    Args:
        shape: tuple[int, int, int]. Of one example: height, width and channels.
        **kwargs: `name` of `keras.layers.Layer`.

    Source: Kingma and Dhariwal 2018, "Glow", section 3.2.
    """

    def __init__(self, shape, **kwargs):
        super().__init__(**kwargs)
        self.num_pixels, channels = shape[0] * shape[1], shape[2]
        rotation = keras.ops.convert_to_numpy(keras.initializers.Orthogonal()((channels, channels), dtype="float32"))
        permutation, lower, upper = scipy.linalg.lu(rotation)
        diagonal = np.diag(upper)
        self.permutation = self._weight("permutation", permutation, trainable=False)
        self.lower = self._weight("lower", np.tril(lower, -1))
        self.upper = self._weight("upper", np.triu(upper, 1))
        self.signs = self._weight("signs", np.sign(diagonal), trainable=False)
        self.log_scale = self._weight("log_scale", np.log(np.abs(diagonal)))

    def _weight(self, name, value, trainable=True):
        weight = self.add_weight(value.shape, initializer="zeros", name=name, trainable=trainable)
        weight.assign(value)
        return weight

    def call(self, inputs):
        """As of every `Bijection`."""
        log_det = self.num_pixels * tf.reduce_sum(self.log_scale)
        lower, upper = self._triangles()
        unit = tf.eye(lower.shape[0])
        kernel = self.permutation @ (unit + lower) @ (self._scale()[:, None] * (unit + upper))
        return _times(inputs, kernel), _nothing(inputs) + log_det

    def inverse(self, outputs):
        lower, upper = self._triangles()
        kernel = _unit_inverse(upper) / self._scale() @ _unit_inverse(lower) @ tf.transpose(self.permutation)
        return _times(outputs, kernel)

    def _scale(self):
        return self.signs * tf.exp(self.log_scale)

    def _triangles(self):
        """L without its diagonal, and U / s, whose diagonal then is of ones, too."""
        below = np.tril(np.ones(self.lower.shape, "float32"), -1)
        return self.lower * below, self.upper * below.T / self._scale()[:, None]


def _times(inputs, kernel):
    """Every pixel's channels times a matrix."""
    return tf.nn.conv2d(inputs, kernel[None, None], 1, "SAME")


def _unit_inverse(strict):
    """The inverse of I + N, of a strictly triangular N: (I - N)(I + N^2)(I + N^4)..., since a power of N is zero.

    LiteRT has matrix products, and no solver of triangular systems.
    """
    unit = tf.eye(strict.shape[0])
    inverse, power, order = unit - strict, strict @ strict, 2
    while order < strict.shape[0]:
        inverse, power, order = inverse @ (unit + power), power @ power, 2 * order
    return inverse


class LearnedTanh(keras.layers.Layer):
    """tanh, times a factor for each channel that is learned and begins at 1.

    Args:
        channels: int. Length of the last axis.
        **kwargs: `name` of `keras.layers.Layer`.
    """

    def __init__(self, channels, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.factor = self.add_weight((channels,), initializer="ones", name="factor")
        self.built = True

    def call(self, inputs):
        """factor tanh(inputs)."""
        return tf.tanh(inputs) * self.factor


def _nothing(inputs):
    """A log-determinant of zero for each example."""
    return tf.zeros(tf.shape(inputs)[:1])
