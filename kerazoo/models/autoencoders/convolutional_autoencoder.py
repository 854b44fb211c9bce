"""Convolutional autoencoder (Masci et al. 2011): convolutions, max-pooling and their way back by the same kernels."""

import itertools
from typing import Annotated

import keras
from keras import layers
from pydantic import AfterValidator

from kerazoo.base.arguments import Activation, ImageShape, PositiveInt, Weight, Widths
from kerazoo.base.registry import register
from kerazoo.layers.pooling import KeepMaxima, RepeatPixels
from kerazoo.layers.tied import TiedConv2D
from kerazoo.models.autoencoders._autoencoder import Autoencoder
from kerazoo.models.autoencoders._corruption import CorruptionName
from kerazoo.networks.convolutional import CHANNELS_LAST


def _check_odd(size):
    if size % 2 == 0:
        raise ValueError("an odd number is expected, so that a kernel has a middle")
    return size


@register("convolutional_autoencoder")
class ConvolutionalAutoencoder(Autoencoder):
    """Denoising autoencoder of convolutions, whose code is sparse by max-pooling.

    A block is a convolution that keeps the maps' size, and 2x2 max-pooling. In the last block, as in the paper, pooling
    leaves the maps their size and sets all but the maxima to zero: these maps are the code. The way back is a
    convolution by the same kernels, flipped, and, to the block before, each value repeated over 2x2 pixels. Pixels are
    logistic units, the loss of an image is the squared error of all of them.

    The first layers of a classifier take over `encoder`; there, 2x2 max-pooling comes behind it (README shows it).

    It differs from Masci et al. 2011 in several blocks that are trained together, where they train one after another,
    each to reconstruct its own input; with one block it is theirs. Adam in place of gradient descent.

    Args:
        image_shape: tuple[int, int, int]. Height, width and channels. Defaults to `(28, 28, 1)`.
        filters: tuple[int, ...]. Maps of each block. Defaults to `(16, 32)`.
        kernel_size: int. Side of the kernels, odd. Defaults to 5.
        activation: str. Of the maps: `"linear"`, `"sigmoid"`, `"tanh"` or `"relu"`. Defaults to `"tanh"`.
        corruption: str. `"masking"` (pixels become zero), `"gaussian"` (noise is added) or `"salt_and_pepper"` (pixels
            become zero or one). Defaults to `"masking"`.
        corruption_level: float. The probability of a pixel to be changed, or the noise's standard deviation; 0 trains
            without noise. Defaults to 0.3.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument or a value out of range.

    Example:
        >>> model = kerazoo.create("convolutional_autoencoder")
        >>> codes = model.encode(np.zeros((4, 28, 28, 1), "uint8"))  # or float in [0, 1]
        >>> codes.shape
        (4, 14, 14, 32)
        >>> model.decode(codes).shape
        (4, 28, 28, 1)

    Source: Masci, Meier, Ciresan and Schmidhuber 2011, "Stacked Convolutional Auto-Encoders for Hierarchical Feature
    Extraction", ICANN.
    """

    paper = "Masci, Meier, Ciresan and Schmidhuber 2011, ICANN"

    def __init__(
        self,
        image_shape: ImageShape = (28, 28, 1),
        filters: Widths = (16, 32),
        kernel_size: Annotated[PositiveInt, AfterValidator(_check_odd)] = 5,
        activation: Activation = "tanh",
        corruption: CorruptionName = "masking",
        corruption_level: Weight = 0.3,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.encoder = self._build_encoder()
        self.decoder = self._build_decoder()

    def _build_encoder(self):
        x = inputs = keras.Input(self.image_shape, dtype="float32", name="images")
        options = {"padding": "same", "data_format": CHANNELS_LAST, "dtype": self.dtype_policy}
        for block, width in enumerate(self.filters):
            if block:
                x = layers.MaxPooling2D(2, **options)(x)
            x = layers.Conv2D(width, self.kernel_size, activation=self.activation, **options)(x)
        return keras.Model(inputs, KeepMaxima(dtype="float32")(x), name="encoder")

    def _build_decoder(self):
        x = inputs = keras.Input(self.encoder.output_shape[1:], dtype="float32", name="z")
        convolutions = [layer for layer in self.encoder.layers if isinstance(layer, layers.Conv2D)]
        for below, convolution in reversed(list(itertools.pairwise(convolutions))):
            x = TiedConv2D(convolution, self.activation, dtype=self.dtype_policy)(x)
            x = RepeatPixels(below.output.shape[1:3], dtype=self.dtype_policy)(x)
        x = TiedConv2D(convolutions[0], "sigmoid", dtype="float32")(x)
        return keras.Model(inputs, x, name="decoder")

    def default_optimizers(self):
        return {"autoencoder": keras.optimizers.Adam(1e-3)}
