"""GANs whose adversary is an autoencoder: arguments, networks and the reconstruction that they share."""

from kerazoo.base.arguments import PositiveInt, Widths
from kerazoo.base.verbs import verb
from kerazoo.models.gans._gan import GAN
from kerazoo.models.gans._points_or_images import PointsOrImages
from kerazoo.networks.convolutional import SquareImageShape


class AutoencodingGAN(PointsOrImages, GAN):
    """Base of GANs that learn against an `encoder` and a `decoder`; a paper says what they play for.

    Args:
        image_shape, num_features, latent_dim, code_dim, filters, kernel_size, generator_units, encoder_units: as for
            `EBGAN`.
    """

    image_sizes = (16, 128)

    def __init__(
        self,
        image_shape: SquareImageShape | None = None,
        num_features: PositiveInt | None = None,
        latent_dim: PositiveInt = 100,
        code_dim: PositiveInt = 32,
        filters: PositiveInt = 128,
        kernel_size: PositiveInt = 5,
        generator_units: Widths = (128, 128),
        encoder_units: Widths = (128, 128),
        **kwargs,
    ):
        super().__init__(**kwargs)
        build = self.networks(filters=filters, kernel_size=kernel_size, generator_units=generator_units)
        self.generator = build.generator(latent_dim)
        self.encoder = build.encoder(encoder_units, code_dim)
        self.decoder = build.decoder(encoder_units, code_dim)

    @verb("reconstructions", examples="examples")
    def reconstruct(self, examples):
        """The examples that the decoder makes of the encoder's codes of examples.

        Returns:
            np.ndarray. float32, shape of `examples`.
        """
        codes = self.encoder(self.space.to_network(examples), training=False)
        return self.space.from_network(self.decoder(codes, training=False))
