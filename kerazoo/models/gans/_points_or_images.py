"""Generators of images or of points, by the argument that is given: spaces, networks, and what data determine."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import keras
import tensorflow as tf

from kerazoo.base.arguments import ImageShape, PositiveInt, Widths
from kerazoo.base.example_spaces import Images, Points, SignedImages
from kerazoo.base.points_or_images import PointsOrImagesModel
from kerazoo.base.verbs import verb
from kerazoo.models.gans._gan import GAN
from kerazoo.networks.convolutional import SquareImageShape, build_discriminator, build_generator
from kerazoo.networks.dense import build_mlp


class PointsOrImages(PointsOrImagesModel):
    """Mixin; list it before `GAN`. The class has the arguments `image_shape` and `num_features`, exactly one of them.

    `networks` gives the builder that goes with the examples: perceptrons for points; for images DCGAN's convolutions,
    or perceptrons where the class's `image_space` is `Images`, in [0, 1].
    """

    image_space: Any = SignedImages

    def networks(self, **sizes):
        """The builder of this model's networks: `generator(latent_dim)`, `critic(units)`, `discriminator(units)`,
        `encoder(units, code_dim)`, `decoder(units, code_dim)`.

        Args:
            **sizes: `filters` and `kernel_size` for convolutions, `generator_units` for perceptrons.

        Returns:
            ConvolutionalNetworks, DenseNetworks or DenseImageNetworks.
        """
        return BUILDERS[type(self.space)](self.space.shape, sizes, self.dtype_policy)


@dataclass(frozen=True)
class ConvolutionalNetworks:
    """DCGAN's networks, for images of `shape`."""

    shape: tuple
    sizes: dict
    dtype: object

    def generator(self, latent_dim, **options):
        """Latents to images in [-1, 1]."""
        return build_generator(self.shape, latent_dim, *self._sizes, dtype=self.dtype, **options)

    def discriminator(self, units, **options):
        """Images to a logit, batch normalisation inside; `units` is for points."""
        return build_discriminator(self.shape, *self._sizes, dtype=self.dtype, **options)

    def critic(self, units):
        """Images to a value: biases and He's weights in place of normalisation, no bias in the last layer."""
        options = {"normalization": None, "initializer": "he_normal", "output_bias": False, "name": "critic"}
        return self.discriminator(units, **options)

    def encoder(self, units, code_dim):
        """Images to linear codes, as the discriminator."""
        return self.discriminator(units, num_outputs=code_dim, name="encoder")

    def decoder(self, units, code_dim):
        """Codes to images in [-1, 1], as the generator."""
        return self.generator(code_dim, name="decoder")

    @property
    def _sizes(self):
        return self.sizes["filters"], self.sizes["kernel_size"]


@dataclass(frozen=True)
class DenseNetworks:
    """Multilayer perceptrons, for points of `shape`."""

    shape: tuple
    sizes: dict
    dtype: object

    output_activation: ClassVar[Any] = None

    def generator(self, latent_dim, **options):
        """Latents to points."""
        options = {"output_activation": self.output_activation, "name": "generator", **options}
        return build_mlp(latent_dim, self.sizes["generator_units"], self.shape, dtype=self.dtype, **options)

    def discriminator(self, units, **options):
        """Points to a logit."""
        return build_mlp(self.shape, units, 1, dtype=self.dtype, **{"name": "discriminator", **options})

    def critic(self, units):
        """Points to a value, without a bias in the last layer."""
        return self.discriminator(units, output_bias=False, name="critic")

    def encoder(self, units, code_dim, **options):
        """Points to codes, linear ones by default."""
        return build_mlp(self.shape, units, code_dim, dtype=self.dtype, name="encoder", **options)

    def decoder(self, units, code_dim):
        """Codes to points, through the encoder's widths from the last to the first."""
        options = {"output_activation": self.output_activation, "dtype": self.dtype, "name": "decoder"}
        return build_mlp(code_dim, units[::-1], self.shape, **options)


class DenseImageNetworks(DenseNetworks):
    """The same for images in [0, 1] of `shape`, as rows of pixels: the generator ends with sigmoids."""

    output_activation = "sigmoid"


BUILDERS = {SignedImages: ConvolutionalNetworks, Images: DenseImageNetworks, Points: DenseNetworks}


class DenseGAN(PointsOrImages, GAN):
    """Base of GANs of dense networks, of points or of images in [0, 1] of 8 to 64 pixels, whose `discriminator` gives a
    logit; a paper builds both networks.

    Args:
        image_shape, num_features: as for `VanillaGAN`.
    """

    image_space = Images
    image_sizes = (8, 64)

    def __init__(self, image_shape: ImageShape | None = None, num_features: PositiveInt | None = None, **kwargs):
        super().__init__(**kwargs)

    @verb("probabilities", examples="examples")
    def discriminate(self, examples):
        """The discriminator's probability that each example is real.

        Returns:
            np.ndarray. float32 in [0, 1], shape `(num,)`.
        """
        return tf.sigmoid(self.discriminator(self.space.to_network(examples), training=False))[:, 0]


class PointsOrImagesGAN(PointsOrImages, GAN):
    """Base of GANs of points or of square images of 16 to 128 pixels, with DCGAN's optimizers: a paper has its losses.

    Images go through DCGAN's networks, points through perceptrons with ReLU.

    Args:
        image_shape, num_features, latent_dim, filters, kernel_size, generator_units, discriminator_units, prior: as for
            `LSGAN`.
    """

    image_sizes = (16, 128)

    def __init__(
        self,
        image_shape: SquareImageShape | None = None,
        num_features: PositiveInt | None = None,
        latent_dim: PositiveInt = 100,
        filters: PositiveInt = 128,
        kernel_size: PositiveInt = 5,
        generator_units: Widths = (128, 128),
        discriminator_units: Widths = (128, 128),
        prior: Literal["uniform", "normal"] = "uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        build = self.networks(filters=filters, kernel_size=kernel_size, generator_units=generator_units)
        self.generator = self.build_generator(build)
        self.discriminator = self.build_discriminator(build)

    def build_generator(self, build):
        """The generator, by the builder that goes with the examples.

        Args:
            build: object. What `networks` returned.

        Returns:
            keras.Model.
        """
        return build.generator(self.latent_prior.dim)

    def build_discriminator(self, build):
        """The discriminator, by the builder that goes with the examples.

        Args:
            build: object. What `networks` returned.

        Returns:
            keras.Model.
        """
        return build.discriminator(self.discriminator_units)

    def default_optimizers(self):
        return {role: keras.optimizers.Adam(2e-4, beta_1=0.5) for role in self.roles}
