"""Convolutional encoder and decoder of disentangling autoencoders, after Burgess et al. 2018."""

import math
from typing import Annotated

import keras
from keras import layers
from pydantic import AfterValidator

from kerazoo.base.arguments import ImageShape
from kerazoo.layers.convolutions import Conv2D
from kerazoo.layers.pixel_shuffle import PixelShuffle
from kerazoo.networks.convolutional import CHANNELS_LAST

HALVINGS = 3
DENSE_LAYERS = 2


def _check_sides(shape):
    if any(side % 2**HALVINGS for side in shape[:2]):
        raise ValueError(f"sides that are multiples of {2**HALVINGS} are expected, for example [32, 32, 3]")
    return shape


# The shapes that these networks take, as the annotation of a model's argument.
HalvedImageShape = Annotated[ImageShape, AfterValidator(_check_sides)]


def build_convolutional_encoder(image_shape, filters, units, num_outputs, *, dtype=None):
    """Rows of pixels to vectors: three 4x4 convolutions of stride 2, two dense layers, ReLU behind each, a linear one.

    Args:
        image_shape: tuple[int, int, int]. Of the images that the rows are.
        filters: int. Channels of every convolution.
        units: int. Width of the dense layers.
        num_outputs: int. Length of an output.
        dtype: dtype policy of the hidden layers; the last is float32. Defaults to None, the global one.

    Returns:
        keras.Model. `(batch, num_pixels)` -> `(batch, num_outputs)` float32.

    Source: Burgess et al. 2018, "Understanding disentangling in beta-VAE", arXiv:1804.03599, appendix A.1.
    """
    inputs = keras.Input((math.prod(image_shape),), dtype="float32")
    x = keras.ops.reshape(inputs, (-1, *image_shape))
    for _ in range(HALVINGS):
        x = Conv2D(filters, 4, 2, "same", activation="relu", data_format=CHANNELS_LAST, dtype=dtype)(x)
    x = keras.ops.reshape(x, (-1, math.prod(x.shape[1:])))
    for _ in range(DENSE_LAYERS):
        x = layers.Dense(units, activation="relu", dtype=dtype)(x)
    return keras.Model(inputs, layers.Dense(num_outputs, dtype="float32")(x), name="encoder")


def build_convolutional_decoder(image_shape, filters, units, num_inputs, *, dtype=None):
    """Vectors to the logits of pixels: the layers of `build_convolutional_encoder` in reverse.

    Maps are doubled by 3x3 convolutions and `PixelShuffle` instead of transposed convolutions.

    Args:
        image_shape, filters, units, dtype: as for `build_convolutional_encoder`.
        num_inputs: int. Length of an input.

    Returns:
        keras.Model. `(batch, num_inputs)` -> `(batch, *image_shape)` float32 logits.
    """
    height, width, channels = image_shape
    base = (height >> HALVINGS, width >> HALVINGS, filters)
    x = inputs = keras.Input((num_inputs,), dtype="float32", name="z")
    for size in (*[units] * DENSE_LAYERS, math.prod(base)):
        x = layers.Dense(size, activation="relu", dtype=dtype)(x)
    x = keras.ops.reshape(x, (-1, *base))
    for _ in range(HALVINGS - 1):
        x = Conv2D(4 * filters, 3, padding="same", activation="relu", data_format=CHANNELS_LAST, dtype=dtype)(x)
        x = PixelShuffle(dtype=dtype)(x)
    x = Conv2D(4 * channels, 3, padding="same", data_format=CHANNELS_LAST, dtype="float32", name="output")(x)
    return keras.Model(inputs, PixelShuffle(dtype="float32")(x), name="decoder")
