"""Strided convolutional generator and discriminator for square images, after DCGAN (Radford et al. 2016)."""

import itertools
import math
from typing import Annotated

import keras
import tensorflow as tf
from keras import layers
from pydantic import AfterValidator

from kerazoo.base.arguments import ImageShape
from kerazoo.layers.batch_normalization import BatchNormalization
from kerazoo.layers.convolutions import Conv2D, Conv2DTranspose

# Images are halved until they are this small: 4x4 as in the paper; 28 pixels become 14, 7 and then 4.
MAX_BASE_SIZE = 4


def _check_square(shape):
    if shape[0] != shape[1] or not 16 <= shape[0] <= 128:
        raise ValueError("a square of 16 to 128 pixels with 1 or 3 channels is expected, for example [32, 32, 3]")
    return shape


# Images are NHWC, also where `keras.config.set_image_data_format` says otherwise for other models.
CHANNELS_LAST = "channels_last"

# The shapes that these networks take, as the annotation of a model's argument.
SquareImageShape = Annotated[ImageShape, AfterValidator(_check_square)]


def side_lengths(image_size):
    """Side lengths from the image down to the base, each half of the one before, rounded up.

    Args:
        image_size: int. Side of the image in pixels.

    Returns:
        list[int]. For example `[64, 32, 16, 8, 4]` for 64 and `[28, 14, 7, 4]` for 28.
    """
    sizes = [image_size]
    while sizes[-1] > MAX_BASE_SIZE:
        sizes.append((sizes[-1] + 1) // 2)
    return sizes


def batch_normalization(dtype=None):
    """Batch normalisation with the epsilon of the DCGAN authors' code, over all replicas where there are several."""
    synchronized = tf.distribute.get_strategy().num_replicas_in_sync > 1
    return BatchNormalization(epsilon=1e-5, synchronized=synchronized, dtype=dtype)


def small_normal():
    """N(0, 0.02), a new one for each layer: one object gives all layers the same random numbers."""
    return keras.initializers.RandomNormal(stddev=0.02)


def build_generator(
    image_shape,
    latent_dim,
    filters,
    kernel_size,
    *,
    normalization=batch_normalization,
    dtype=None,
    name="generator",
):
    """Latents to images in [-1, 1]: project to the base size, then double it with each transposed convolution.

    Normalisation in every layer but the output, ReLU inside, tanh at the end, weights from N(0, 0.02).

    Args:
        image_shape: tuple[int, int, int]. Height (equal to the width), width and channels.
        latent_dim: int. Length of a latent vector.
        filters: int. Channels of the last hidden layer; each layer before it has twice as many.
        kernel_size: int. Side of the kernels.
        normalization: callable `dtype -> layer`. Defaults to `batch_normalization`.
        dtype: dtype policy of the layers. Defaults to None, the global one.
        name: str. Defaults to `"generator"`.

    Returns:
        keras.Model. `(batch, latent_dim)` -> `(batch, *image_shape)` float32.
    """
    sizes = side_lengths(image_shape[0])[::-1]
    channels = filters * 2 ** (len(sizes) - 2)
    inputs = keras.Input((latent_dim,), dtype="float32", name="z")
    x = layers.Dense(sizes[0] ** 2 * channels, use_bias=False, kernel_initializer=small_normal(), dtype=dtype)(inputs)
    x = layers.Reshape((sizes[0], sizes[0], channels), dtype=dtype)(x)
    for before, size in itertools.pairwise(sizes):
        x = layers.ReLU(dtype=dtype)(normalization(dtype)(x))
        last = size == sizes[-1]
        channels = image_shape[2] if last else channels // 2
        options = {"use_bias": last, "kernel_initializer": small_normal(), "data_format": CHANNELS_LAST, "dtype": dtype}
        if size != 2 * before:
            options["output_padding"] = 1 - kernel_size % 2  # 4 pixels become 7, not 8
        x = Conv2DTranspose(channels, kernel_size, 2, "same", **options)(x)
    outputs = layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(inputs, outputs, name=name)


def build_discriminator(
    image_shape,
    filters,
    kernel_size,
    *,
    normalization=batch_normalization,
    initializer=None,
    output_bias=True,
    num_outputs=1,
    hidden_head=None,
    dtype=None,
    name="discriminator",
):
    """Images in [-1, 1] to logits: strided convolutions, LeakyReLU of slope 0.2, no pooling, no hidden dense layer.

    Normalisation follows every convolution but the first.

    Args:
        image_shape: tuple[int, int, int]. Height (equal to the width), width and channels.
        filters: int. Channels of the first layer; each layer after it has twice as many.
        kernel_size: int. Side of the kernels.
        normalization: callable `dtype -> layer`, or None, which leaves it out and gives every convolution a bias.
            Defaults to `batch_normalization`.
        initializer: str or None. The initializer of all weights, by name, so that each layer makes its own. Defaults to
            None: N(0, 0.02).
        output_bias: bool. Whether the last layer has a bias. Defaults to True.
        num_outputs: int. Outputs for each image. Defaults to 1.
        hidden_head: tuple[int, int] or None. Units of a hidden dense layer, and how many further outputs come of it.
            Defaults to None: none.
        dtype: dtype policy of the layers. Defaults to None, the global one.
        name: str. Defaults to `"discriminator"`.

    Returns:
        keras.Model. `(batch, *image_shape)` -> `(batch, outputs)` float32 logits, those of a hidden head last.
    """
    x = inputs = keras.Input(image_shape, dtype="float32", name="images")
    for level in range(len(side_lengths(image_shape[0])) - 1):
        normalize = level > 0 and normalization is not None
        options = {"use_bias": not normalize, "kernel_initializer": initializer or small_normal(), "dtype": dtype}
        x = Conv2D(filters * 2**level, kernel_size, 2, "same", data_format=CHANNELS_LAST, **options)(x)
        if normalize:
            x = normalization(dtype)(x)
        x = layers.LeakyReLU(0.2, dtype=dtype)(x)
    x = flatten(x)
    options = {"use_bias": output_bias, "kernel_initializer": initializer or small_normal()}
    logits = layers.Dense(num_outputs, dtype="float32", **options)(x)
    if hidden_head is not None:
        units, num_more = hidden_head
        x = layers.Dense(units, use_bias=False, kernel_initializer=initializer or small_normal(), dtype=dtype)(x)
        x = layers.LeakyReLU(0.2, dtype=dtype)(batch_normalization(dtype)(x))
        more = layers.Dense(num_more, dtype="float32", kernel_initializer=initializer or small_normal())(x)
        logits = keras.ops.concatenate([logits, more], axis=1)
    return keras.Model(inputs, logits, name=name)


def flatten(x):
    """Feature maps flattened to `(batch, n)`.

    `keras.layers.Flatten` reads the batch size while it runs, and LiteRT then cannot plan its memory.
    """
    return keras.ops.reshape(x, (-1, math.prod(x.shape[1:])))


def activations(network):
    """A model with the weights of `network` that returns the outputs of every LeakyReLU instead of the last output."""
    hidden = [layer.output for layer in network.layers if isinstance(layer, layers.LeakyReLU)]
    return keras.Model(network.inputs, hidden)
