"""Multilayer perceptrons."""

import math

import keras
from keras import layers


def build_mlp(num_inputs, hidden, num_outputs, *, activation="relu", output_bias=True, dtype=None, name="mlp"):
    """Vectors to vectors: dense layers with an activation, then a linear one.

    Hidden weights begin as in He et al. 2015 (arXiv:1502.01852) for rectifiers, the last layer's as in Glorot and
    Bengio 2010. Hidden biases begin like the weights of an input that is always 1: without them a network of rectifiers
    is homogeneous, f(c x) = c f(x), and small learning rates take thousands of steps to leave that.

    Args:
        num_inputs: int. Length of an input.
        hidden: sequence of int. Widths of the hidden layers.
        num_outputs: int. Length of an output.
        activation: str. Of the hidden layers. Defaults to `"relu"`.
        output_bias: bool. Whether the last layer has a bias. Defaults to True.
        dtype: dtype policy of the hidden layers; the last is float32. Defaults to None, the global one.
        name: str. Defaults to `"mlp"`.

    Returns:
        keras.Model. `(batch, num_inputs)` -> `(batch, num_outputs)` float32.

    Example:
        >>> build_mlp(2, (16, 16), 1).count_params()
        337
    """
    x = inputs = keras.Input((num_inputs,), dtype="float32")
    for width in hidden:
        kernel, bias = (keras.initializers.RandomNormal(stddev=(2 / x.shape[-1]) ** 0.5) for _ in range(2))
        x = layers.Dense(width, activation=activation, kernel_initializer=kernel, bias_initializer=bias, dtype=dtype)(x)
    return keras.Model(inputs, layers.Dense(num_outputs, use_bias=output_bias, dtype="float32")(x), name=name)


def build_dense_encoder(image_shape, hidden, code_dim, *, activation, code_activation=None, dtype=None):
    """Images to codes: dense layers with Keras's default initial weights, those of Glorot.

    Args:
        image_shape: tuple[int, int, int].
        hidden: sequence of int. Widths of the hidden layers.
        code_dim: int. Length of a code.
        activation: str. Of the hidden layers.
        code_activation: str or None. Of the code. Defaults to None, linear.
        dtype: dtype policy of the hidden layers; the code is float32. Defaults to None, the global one.

    Returns:
        keras.Model. `(batch, *image_shape)` -> `(batch, code_dim)` float32.
    """
    inputs = keras.Input(image_shape, dtype="float32", name="images")
    x = keras.ops.reshape(inputs, (-1, math.prod(image_shape)))
    for width in hidden:
        x = layers.Dense(width, activation=activation, dtype=dtype)(x)
    code = layers.Dense(code_dim, activation=code_activation, dtype="float32", name="code")(x)
    return keras.Model(inputs, code, name="encoder")


def build_dense_decoder(image_shape, hidden, code_dim, *, activation, output_activation=None, dtype=None):
    """Codes to images: the layers of `build_dense_encoder` in reverse.

    Args:
        image_shape, hidden, code_dim, activation, dtype: as for `build_dense_encoder`.
        output_activation: str or None. Of the output. Defaults to None, linear.

    Returns:
        keras.Model. `(batch, code_dim)` -> `(batch, *image_shape)` float32; its last dense layer is called `output`.
    """
    x = inputs = keras.Input((code_dim,), dtype="float32", name="z")
    for width in hidden[::-1]:
        x = layers.Dense(width, activation=activation, dtype=dtype)(x)
    x = layers.Dense(math.prod(image_shape), activation=output_activation, dtype="float32", name="output")(x)
    return keras.Model(inputs, keras.ops.reshape(x, (-1, *image_shape)), name="decoder")
