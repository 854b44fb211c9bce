"""Undercomplete autoencoder: images through a narrow code (Rumelhart et al. 1986, Baldi and Hornik 1989)."""

import math

import keras

from kerazoo.base.arguments import Activation, HiddenWidths, ImageShape, PositiveInt
from kerazoo.base.registry import register
from kerazoo.models.autoencoders._autoencoder import DenseAutoencoder
from kerazoo.utils.errors import ConfigError


@register("autoencoder")
class UndercompleteAutoencoder(DenseAutoencoder):
    """Autoencoder of images whose code has fewer numbers than the image.

    Dense layers lead to a linear code, and in reverse order back to the image. The loss of an image is the sum of its
    pixels' squared errors or, with `cross_entropy`, of their cross-entropies in nats. Pixels are logistic units; with
    `activation="linear"` and the squared error they are linear, too.

    A linear one is principal component analysis (Baldi and Hornik 1989): its only minimum, up to an invertible matrix
    of the code, is the projection onto the first `latent_dim` principal components, all other critical points are
    saddles, and the loss that is left is the sum of the other eigenvalues. The code itself is none of PCA's: neither
    orthogonal nor in order. Hidden layers do not change that, if none is narrower than the code.

    It differs from the papers in Adam instead of gradient descent. `adapt(images)` sets the output's bias to the mean
    image (of logistic pixels, its log-odds), where Baldi and Hornik subtract it; the trainer calls it.

    Args:
        image_shape: tuple[int, int, int]. Height, width and channels. Defaults to `(28, 28, 1)`.
        latent_dim: int. Length of a code, below the number of an image's values. Defaults to 32.
        hidden_units: tuple[int, ...]. Widths of the encoder's layers before the code; the decoder has them in reverse.
            `()` leaves them out. Defaults to `(256, 128)`.
        activation: str. Of the hidden layers: `"linear"`, `"sigmoid"`, `"tanh"` or `"relu"`. Defaults to `"relu"`.
        cross_entropy: bool. Whether pixels are taken as probabilities and the loss is their cross-entropy. Defaults to
            False, the squared error.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, or a code as long as the image.

    Example:
        >>> model = kerazoo.create("autoencoder", latent_dim=16)
        >>> images = np.zeros((4, 28, 28, 1), "uint8")  # or float in [0, 1]
        >>> model.encode(images).shape
        (4, 16)
        >>> model.decode(model.encode(images)).shape
        (4, 28, 28, 1)

    Source: Rumelhart, Hinton and Williams 1986, "Learning Internal Representations by Error Propagation"; Baldi and
    Hornik 1989, "Neural Networks and Principal Component Analysis: Learning from Examples Without Local Minima".
    """

    paper = "Rumelhart, Hinton and Williams 1986, Parallel Distributed Processing 1(8); Baldi and Hornik 1989"

    def __init__(
        self,
        image_shape: ImageShape = (28, 28, 1),
        latent_dim: PositiveInt = 32,
        hidden_units: HiddenWidths = (256, 128),
        activation: Activation = "relu",
        cross_entropy: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if latent_dim >= (size := math.prod(image_shape)):
            raise ConfigError(
                f"latent_dim = {latent_dim}: the code of an undercomplete autoencoder is shorter than an image, which "
                f"has {size} values"
            )
        linear = cross_entropy or activation == "linear"
        self.build_networks(activation, output_activation=None if linear else "sigmoid")

    def default_optimizers(self):
        return {"autoencoder": keras.optimizers.Adam(1e-3)}
