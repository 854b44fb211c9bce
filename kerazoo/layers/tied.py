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
        return self.activation(self.linear(x))

    def linear(self, x):
        """The same before the activation."""
        x, kernel, bias = (tf.cast(value, self.compute_dtype) for value in (x, self._source.kernel, self.bias))
        return tf.matmul(x, kernel, transpose_b=True) + bias

    def compute_output_shape(self, shape):
        return (*shape[:-1], self._source.kernel.shape[0])


class TiedConv2D(keras.layers.Layer):
    """A convolution back: its kernels are another layer's, flipped in height and width, its biases its own.

    It keeps the size of the maps, and is the transpose of the other convolution as a linear map. The kernels belong to
    the other layer alone: they are saved, counted and trained there.

    Args:
        source: keras.layers.Conv2D. The layer whose kernels it takes: built, of odd sides, one pixel a stride, padding
            `"same"`, channels last.
        activation: str or None. Defaults to None, linear.
        **kwargs: `name`, `dtype` of `keras.layers.Layer`.

    Source: Masci et al. 2011, "Stacked Convolutional Auto-Encoders for Hierarchical Feature Extraction", section 3.
    """

    def __init__(self, source, activation=None, **kwargs):
        super().__init__(**kwargs)
        object.__setattr__(self, "_source", source)  # as above
        self.activation = keras.activations.get(activation)
        self.bias = self.add_weight(name="bias", shape=(source.kernel.shape[2],), initializer="zeros")
        self.built = True

    def call(self, x):
        """Maps like the source's inputs of maps like its outputs, shape `(batch, height, width, channels)`."""
        kernel = tf.transpose(tf.reverse(tf.convert_to_tensor(self._source.kernel), [0, 1]), [0, 1, 3, 2])
        x, kernel, bias = (tf.cast(value, self.compute_dtype) for value in (x, kernel, self.bias))
        return self.activation(tf.nn.conv2d(x, kernel, 1, "SAME") + bias)

    def compute_output_shape(self, shape):
        return (*shape[:-1], self._source.kernel.shape[2])
