"""Image-to-image networks: residual generator and PatchGAN discriminator, after CycleGAN (Zhu et al. 2017)."""

import keras
from keras import layers, ops

from kerazoo.layers.instance_normalization import InstanceNormalization
from kerazoo.networks.convolutional import CHANNELS_LAST, small_normal
from kerazoo.utils.errors import ConfigError


def _reflect(x, pixels):
    return ops.pad(x, [[0, 0], [pixels, pixels], [pixels, pixels], [0, 0]], mode="reflect")


def _normalized(x, filters, kernel_size, strides=1, *, layer=layers.Conv2D, padding="valid", dtype=None):
    """Convolution without a bias, which the instance normalisation after it would remove."""
    options = {"use_bias": False, "kernel_initializer": small_normal(), "data_format": CHANNELS_LAST, "dtype": dtype}
    convolution = layer(filters, kernel_size, strides, padding, **options)
    return InstanceNormalization(dtype=dtype)(convolution(x))


def build_residual_generator(image_shape, filters, num_blocks, num_downsamplings, dtype=None, *, name=None):
    """Images to images of the same size: down, residual blocks, up; reflection padding, instance normalisation, ReLU.

    In the notation of the paper's appendix, with `filters=64`, 2 downsamplings and 9 blocks: c7s1-64, d128, d256,
    R256 x 9, u128, u64, c7s1-3.

    Args:
        image_shape: tuple[int, int, int]. Height, width (multiples of `2 ** num_downsamplings`) and channels.
        filters: int. Channels at full size; they double with each downsampling.
        num_blocks: int. Residual blocks.
        num_downsamplings: int. Number of times the size is halved.
        dtype: dtype policy of the layers. Defaults to None, the global one.
        name: str or None. Defaults to None.

    Returns:
        keras.Model. `(batch, *image_shape)` -> the same, float32; both in [-1, 1].

    Raises:
        ConfigError: images that are too small, or cannot be halved that often.

    Source: Johnson, Alahi and Fei-Fei 2016, arXiv:1603.08155; Zhu et al. 2017, appendix 7.2.
    """
    factor = 2**num_downsamplings
    if any(side % factor or side < max(4, 2 * factor) for side in image_shape[:2]):
        raise ConfigError(
            f"image_shape = {[*image_shape]}: sides of {max(4, 2 * factor)} pixels or more that are multiples of "
            f"{factor} are expected (num_downsamplings = {num_downsamplings})"
        )

    def relu(x):
        return layers.ReLU(dtype=dtype)(x)

    inputs = keras.Input(image_shape, dtype="float32", name="images")
    x = relu(_normalized(_reflect(inputs, 3), filters, 7, dtype=dtype))
    for level in range(1, num_downsamplings + 1):
        x = relu(_normalized(x, filters * 2**level, 3, 2, padding="same", dtype=dtype))
    for _ in range(num_blocks):
        width = x.shape[-1]
        y = relu(_normalized(_reflect(x, 1), width, 3, dtype=dtype))
        x = layers.Add(dtype=dtype)([x, _normalized(_reflect(y, 1), width, 3, dtype=dtype)])
    for level in reversed(range(num_downsamplings)):
        x = _normalized(x, filters * 2**level, 3, 2, layer=layers.Conv2DTranspose, padding="same", dtype=dtype)
        x = relu(x)
    options = {"kernel_initializer": small_normal(), "data_format": CHANNELS_LAST, "dtype": dtype}
    x = layers.Conv2D(image_shape[-1], 7, **options)(_reflect(x, 3))
    return keras.Model(inputs, layers.Activation("tanh", dtype="float32")(x), name=name)


def most_patch_layers(image_shape):
    """The largest number of layers of stride 2 that a `build_patch_discriminator` of these images may have."""
    return (min(image_shape[:2]) // 3).bit_length() - 1  # the two layers of stride 1 cost a pixel each


def build_patch_discriminator(image_shape, filters, num_layers, dtype=None, *, name=None):
    """Images to a map of scores, each of which sees one patch: strided 4x4 convolutions, LeakyReLU of slope 0.2.

    Instance normalisation in every layer but the first and the last, as in the authors' code: C64-C128-C256-C512 for
    `filters=64` and 3 layers. Patches have 16, 34, 70 and 142 pixels a side for 1, 2, 3 and 4 layers.

    Args:
        image_shape: tuple[int, int, int]. Height, width and channels.
        filters: int. Channels of the first layer; they double with each layer, up to eight times as many.
        num_layers: int. Layers of stride 2.
        dtype: dtype policy of the layers. Defaults to None, the global one.
        name: str or None. Defaults to None.

    Returns:
        keras.Model. `(batch, *image_shape)` in [-1, 1] -> `(batch, height, width, 1)` float32 scores.

    Raises:
        ConfigError: images that are too small for that many layers.

    Source: Isola et al. 2017, arXiv:1611.07004, section 3.2.2 and appendix 6.1.2; Zhu et al. 2017, appendix 7.2.
    """
    if num_layers > most_patch_layers(image_shape):
        size = "x".join(map(str, image_shape[:2]))
        raise ConfigError(
            f"discriminator of {num_layers} layers: images of {size} pixels are too small for that many; "
            f"{most_patch_layers(image_shape)} fit (discriminator_layers)"
        )

    def padded(x):
        return layers.ZeroPadding2D(1, data_format=CHANNELS_LAST, dtype=dtype)(x)

    def convolution(filters, strides, dtype):
        options = {"kernel_initializer": small_normal(), "data_format": CHANNELS_LAST, "dtype": dtype}
        return layers.Conv2D(filters, 4, strides, **options)

    x = inputs = keras.Input(image_shape, dtype="float32", name="images")
    x = convolution(filters, 2, dtype)(padded(x))
    x = layers.LeakyReLU(0.2, dtype=dtype)(x)
    for level in range(1, num_layers + 1):
        strides = 2 if level < num_layers else 1
        x = _normalized(padded(x), filters * min(2**level, 8), 4, strides, dtype=dtype)
        x = layers.LeakyReLU(0.2, dtype=dtype)(x)
    scores = convolution(1, 1, "float32")(padded(x))
    return keras.Model(inputs, scores, name=name)
