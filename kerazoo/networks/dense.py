"""Multilayer perceptrons."""

import math

import keras
from keras import layers

from kerazoo.layers.noise import Dropout
from kerazoo.layers.tied import TiedDense


def build_mlp(
    inputs,
    hidden,
    outputs,
    *,
    activation="relu",
    normalization=None,
    output_activation=None,
    output_bias=True,
    gains=None,
    dtype=None,
    name="mlp",
):
    """Vectors to vectors: dense layers with an activation, then a linear one.

    Hidden weights begin as in He et al. 2015 (arXiv:1502.01852) for rectifiers, the last layer's as in Glorot and
    Bengio 2010. Hidden biases begin like the weights of an input that is always 1: without them a network of rectifiers
    is homogeneous, f(c x) = c f(x), and small learning rates take thousands of steps to leave that.

    Args:
        inputs: int or tuple[int, ...]. Length of an input, or its shape, of which a row is made.
        hidden: sequence of int. Widths of the hidden layers.
        outputs: int or tuple[int, ...]. Length of an output, or its shape.
        activation: str. Of the hidden layers. Defaults to `"relu"`.
        normalization: callable `dtype -> layer`, or None. What comes before the activation, in the place of a bias.
            Defaults to None, nothing.
        output_activation: str or None. Of the output. Defaults to None, linear.
        output_bias: bool. Whether the last layer has a bias. Defaults to True.
        gains: sequence of float, or None. One a layer: its kernel begins orthogonal, times this, its bias at zero.
            Defaults to None, the weights above.
        dtype: dtype policy of the hidden layers; the last is float32. Defaults to None, the global one.
        name: str. Defaults to `"mlp"`.

    Returns:
        keras.Model. `(batch, *inputs)` -> `(batch, *outputs)` float32.

    Example:
        >>> build_mlp(2, (16, 16), 1).count_params()
        337
    """
    examples, x = _input_row(inputs)
    for place, width in enumerate(hidden):
        options = _orthogonal(gains[place]) if gains else _he_normal(x.shape[-1])
        if normalization is None:
            x = layers.Dense(width, activation=activation, **options, dtype=dtype)(x)
        else:
            x = normalization(dtype)(layers.Dense(width, **options, use_bias=False, dtype=dtype)(x))
            x = layers.Activation(activation, dtype=dtype)(x)
    options = {"activation": output_activation, "use_bias": output_bias, "dtype": "float32"}
    options |= _orthogonal(gains[-1]) if gains else {}
    x = layers.Dense(math.prod(_shape(outputs)), **options)(x)
    return keras.Model(examples, _reshaped(x, _shape(outputs)), name=name)


def _he_normal(num_inputs):
    kernel, bias = (keras.initializers.RandomNormal(stddev=(2 / num_inputs) ** 0.5) for _ in range(2))
    return {"kernel_initializer": kernel, "bias_initializer": bias}


def _orthogonal(gain):
    return {"kernel_initializer": keras.initializers.Orthogonal(gain)}


def build_maxout_network(inputs, hidden, outputs, pieces, *, dropout, input_dropout, dtype=None, name="discriminator"):
    """Vectors to vectors: maxout layers with dropout, then a linear one.

    A maxout unit is the largest of several linear functions of its input. Kernels begin uniform on [-0.005, 0.005] and
    biases at zero, as in the discriminators of Goodfellow et al. 2014: a network that begins nearly constant and learns
    slowly at first, so that a generator can keep up.

    Args:
        inputs: int or tuple[int, ...]. Length of an input, or its shape, of which a row is made.
        hidden: sequence of int. Numbers of maxout units in the hidden layers.
        outputs: int. Length of an output.
        pieces: int. Linear functions of a unit.
        dropout: float in [0, 1). The chance of each hidden unit to be left out in training.
        input_dropout: float in [0, 1). The chance of each value of the input.
        dtype: dtype policy of the hidden layers; the last is float32. Defaults to None, the global one.
        name: str. Defaults to `"discriminator"`.

    Returns:
        keras.Model. `(batch, *inputs)` -> `(batch, outputs)` float32.

    Example:
        >>> build_maxout_network(2, (16, 16), 1, 3, dropout=0.5, input_dropout=0.2).count_params()
        977

    Source: Goodfellow et al. 2013, "Maxout Networks", arXiv:1302.4389; the pylearn2 configuration of Goodfellow et al.
    2014, `mnist.yaml`.
    """
    examples, x = _input_row(inputs)
    x = Dropout(input_dropout, dtype=dtype)(x)
    for units in hidden:
        x = layers.Dense(units * pieces, kernel_initializer=_small_uniform(), dtype=dtype)(x)
        x = Dropout(dropout, dtype=dtype)(keras.ops.max(_reshaped(x, (units, pieces)), axis=-1))
    x = layers.Dense(outputs, kernel_initializer=_small_uniform(), dtype="float32")(x)
    return keras.Model(examples, x, name=name)


def _small_uniform():
    return keras.initializers.RandomUniform(-0.005, 0.005)


def _input_row(size):
    """A network's input of a length or a shape, and the same as rows."""
    examples = keras.Input(_shape(size), dtype="float32")
    return examples, _reshaped(examples, (math.prod(examples.shape[1:]),))


def _shape(size):
    return (size,) if isinstance(size, int) else tuple(size)


def _reshaped(x, shape):
    return x if x.shape[1:] == shape else keras.ops.reshape(x, (-1, *shape))


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


def build_dense_decoder(image_shape, hidden, code_dim, *, activation, output_activation=None, tied_to=None, dtype=None):
    """Codes to images: the layers of `build_dense_encoder` in reverse.

    Args:
        image_shape, hidden, code_dim, activation, dtype: as for `build_dense_encoder`.
        output_activation: str or None. Of the output. Defaults to None, linear.
        tied_to: keras.Model or None. An encoder of `build_dense_encoder` whose kernels are taken, transposed. Defaults
            to None, kernels of its own.

    Returns:
        keras.Model. `(batch, code_dim)` -> `(batch, *image_shape)` float32; its last dense layer is called `output`.
    """
    sources = [] if tied_to is None else [one for one in tied_to.layers if isinstance(one, layers.Dense)]

    def dense(units, **options):
        return TiedDense(sources.pop(), **options) if sources else layers.Dense(units, **options)

    x = inputs = keras.Input((code_dim,), dtype="float32", name="z")
    for width in hidden[::-1]:
        x = dense(width, activation=activation, dtype=dtype)(x)
    x = dense(math.prod(image_shape), activation=output_activation, dtype="float32", name="output")(x)
    return keras.Model(inputs, keras.ops.reshape(x, (-1, *image_shape)), name="decoder")
