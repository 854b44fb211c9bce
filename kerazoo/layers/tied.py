"""Layers that share the kernel of another one: the way back of an autoencoder with tied weights."""

import keras
import tensorflow as tf


class TiedDense(keras.layers.Layer):
    """A dense layer back: its kernel is the transpose of another layer's, its bias its own.

    The kernel belongs to the other layer alone: it is saved, counted and trained there.

    Args:
        source: keras.layers.Dense. The layer whose kernel it takes; built.
        activation: str or None. Defaults to None, linear.
        **kwargs: `name`, `dtype` of `keras.layers.Layer`.

    Example:
        >>> encoder = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)])
        >>> decoder = TiedDense(encoder.layers[0])
        >>> decoder(encoder(tf.zeros((1, 5)))).shape, len(decoder.weights)
        (TensorShape([1, 5]), 1)

    Source: Vincent et al. 2010, "Stacked Denoising Autoencoders", JMLR 11, section 2.2.
    """

    def __init__(self, source, activation=None, **kwargs):
        super().__init__(**kwargs)
        object.__setattr__(self, "_source", source)  # out of sight of Keras, which would count its weights here, too
        self.activation = keras.activations.get(activation)
        self.bias = self.add_weight(name="bias", shape=(source.kernel.shape[0],), initializer="zeros")
        self.built = True

    def call(self, x):
        """The source's inputs of its outputs, shape `(batch, inputs)`."""
        kernel = tf.cast(self._source.kernel, self.compute_dtype)
        return self.activation(tf.matmul(x, kernel, transpose_b=True) + tf.cast(self.bias, self.compute_dtype))

    def compute_output_shape(self, shape):
        return (*shape[:-1], self._source.kernel.shape[0])
