"""Normalisation by the statistics of a batch that is chosen once, so that examples do not depend on each other.

The reference batch runs through the network in front of the examples (`behind_reference`): `WithReference` puts it
there, each `VirtualBatchNormalization` reads its statistics, `WithoutReference` takes it off again.
"""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="kerazoo")
class WithReference(keras.layers.Layer):
    """Puts a fixed batch of latents, drawn when the layer is made, in front of the inputs.

    Args:
        num_rows: int. Latents of the batch.
        **kwargs: `name`, `dtype` of `keras.layers.Layer`.
    """

    def __init__(self, num_rows, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.num_rows = num_rows

    def build(self, input_shape):
        uniform = keras.initializers.RandomUniform(-1.0, 1.0)
        shape = (self.num_rows, *input_shape[1:])
        self.reference = self.add_weight(name="reference", shape=shape, initializer=uniform, trainable=False)

    def call(self, x):
        """`(batch, n)` -> `(num_rows + batch, n)`."""
        return tf.concat([tf.convert_to_tensor(self.reference), x], axis=0)

    def get_config(self):
        return {**super().get_config(), "num_rows": self.num_rows}


@keras.saving.register_keras_serializable(package="kerazoo")
class WithoutReference(keras.layers.Layer):
    """Takes the first rows, those of the reference batch, off again.

    Args:
        num_rows: int. How many.
        **kwargs: `name`, `dtype` of `keras.layers.Layer`.
    """

    def __init__(self, num_rows, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.num_rows = num_rows

    def call(self, x):
        """`(num_rows + batch, ...)` -> `(batch, ...)`."""
        return x[self.num_rows :]

    def get_config(self):
        return {**super().get_config(), "num_rows": self.num_rows}


@keras.saving.register_keras_serializable(package="kerazoo")
class VirtualBatchNormalization(keras.layers.Layer):
    """Normalises each example by the statistics of the reference batch and of itself; scale and shift are learned.

    The first and second moments of the reference batch, of R examples, count R / (R + 1), those of the example itself
    1 / (R + 1), as in the authors' code. The reference batch is normalised by its own moments alone. No example sees
    another, in training as in use.

    Args:
        num_rows: int. The first rows of the inputs, which are the reference batch.
        epsilon: float. Added to the variance. Defaults to 1e-5.
        **kwargs: `name`, `dtype` of `keras.layers.Layer`.

    Example:
        >>> layer = VirtualBatchNormalization(2)
        >>> layer(np.float32([[0.0], [2.0], [1.0]])).numpy().round(3).tolist()  # moments (0 + 2 + 1) / 3 and 5 / 3
        [[-1.0], [1.0], [0.0]]

    Source: Salimans et al. 2016, "Improved Techniques for Training GANs", arXiv:1606.03498, section 3.5.
    """

    def __init__(self, num_rows, epsilon=1e-5, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.num_rows, self.epsilon = num_rows, epsilon

    def build(self, input_shape):
        channels = (input_shape[-1],)
        self.gamma = self.add_weight(name="gamma", shape=channels, initializer="ones")
        self.beta = self.add_weight(name="beta", shape=channels, initializer="zeros")

    def call(self, x):
        """`(num_rows + batch, ..., channels)`, the same shape in the layer's compute dtype."""
        x = tf.cast(x, tf.float32)
        places = list(range(1, len(x.shape) - 1))  # of an image, its pixels
        moments = [tf.reduce_mean(power, axis=places, keepdims=True) if places else power for power in (x, x * x)]
        share = 1.0 / (self.num_rows + 1)
        own = tf.reshape(
            tf.cast(tf.range(tf.shape(x)[0]) >= self.num_rows, tf.float32), [-1, *[1] * (len(x.shape) - 1)]
        )
        mean, square = (self._mixed(moment, own * share) for moment in moments)
        scale = self.gamma * tf.math.rsqrt(square - mean * mean + self.epsilon)
        return tf.cast((x - mean) * scale + self.beta, self.compute_dtype)

    def _mixed(self, moment, share):
        reference = tf.reduce_mean(moment[: self.num_rows], axis=0, keepdims=True)
        return reference * (1 - share) + moment * share

    def get_config(self):
        return {**super().get_config(), "num_rows": self.num_rows, "epsilon": self.epsilon}


def behind_reference(network, num_rows):
    """A network of the same inputs and outputs that runs a reference batch through `network` in front of the inputs.

    Args:
        network: keras.Model. From vectors, with `VirtualBatchNormalization` of this many rows inside.
        num_rows: int. Vectors of the reference batch.

    Returns:
        keras.Model. Of the name of `network`.
    """
    inputs = keras.Input(network.input_shape[1:], dtype="float32", name="z")
    rows = network(WithReference(num_rows, dtype="float32", name="reference")(inputs))
    return keras.Model(inputs, WithoutReference(num_rows, dtype="float32", name="examples")(rows), name=network.name)
