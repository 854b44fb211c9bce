"""Networks of a flow's couplings: their last layer begins at zero, so that a fresh coupling is simple."""

import keras
from keras import layers

from kerazoo.networks.convolutional import CHANNELS_LAST


def build_dense_coupling(num_inputs, hidden, num_outputs, *, dtype=None):
    """Vectors to vectors: dense layers with ReLU, then a linear one of zeros.

    Args:
        num_inputs: int. Length of an input.
        hidden: sequence of int. Widths of the hidden layers.
        num_outputs: int. Length of an output.
        dtype: dtype policy of the hidden layers; the last is float32. Defaults to None, the global one.

    Returns:
        keras.Model. `(batch, num_inputs)` -> `(batch, num_outputs)` float32.
    """
    x = inputs = keras.Input((num_inputs,), dtype="float32")
    for width in hidden:
        x = layers.Dense(width, activation="relu", kernel_initializer="he_normal", dtype=dtype)(x)
    return keras.Model(inputs, layers.Dense(num_outputs, kernel_initializer="zeros", dtype="float32")(x))


def build_residual_coupling(shape, filters, num_blocks, num_outputs, *, dtype=None):
    """Maps to maps: a 3x3 convolution, residual blocks of two, ReLU before each, then a 1x1 convolution of zeros.

    Args:
        shape: tuple[int, int, int]. Height, width and channels of the inputs.
        filters: int. Channels of the hidden maps.
        num_blocks: int. Residual blocks.
        num_outputs: int. Channels of the outputs.
        dtype: dtype policy of the hidden layers; the last is float32. Defaults to None, the global one.

    Returns:
        keras.Model. `(batch, *shape)` -> `(batch, height, width, num_outputs)` float32.

    Source: He et al. 2016, "Identity Mappings in Deep Residual Networks", arXiv:1603.05027, for the blocks.
    """
    inputs = keras.Input(shape, dtype="float32")
    x = _convolution(filters, 3, dtype)(inputs)
    for _ in range(num_blocks):
        y = _convolution(filters, 3, dtype)(_relu(x, dtype))
        y = _convolution(filters, 3, dtype)(_relu(y, dtype))
        x = layers.Add(dtype=dtype)([x, y])
    return keras.Model(inputs, _last(num_outputs, 1)(_relu(x, dtype)))


def build_convolutional_coupling(shape, filters, num_outputs, *, dtype=None):
    """Maps to maps: a 3x3 convolution, a 1x1 convolution, ReLU behind each, then a 3x3 convolution of zeros.

    Args:
        shape, filters, num_outputs, dtype: as for `build_residual_coupling`.

    Returns:
        keras.Model. `(batch, *shape)` -> `(batch, height, width, num_outputs)` float32.

    Source: Kingma and Dhariwal 2018, "Glow", arXiv:1807.03039, appendix B.
    """
    x = inputs = keras.Input(shape, dtype="float32")
    for size in (3, 1):
        x = _relu(_convolution(filters, size, dtype)(x), dtype)
    return keras.Model(inputs, _last(num_outputs, 3)(x))


def _convolution(filters, size, dtype):
    options = {"kernel_initializer": "he_normal", "data_format": CHANNELS_LAST, "dtype": dtype}
    return layers.Conv2D(filters, size, padding="same", **options)


def _last(filters, size):
    options = {"kernel_initializer": "zeros", "data_format": CHANNELS_LAST, "dtype": "float32"}
    return layers.Conv2D(filters, size, padding="same", **options)


def _relu(x, dtype):
    return layers.ReLU(dtype=dtype)(x)
