"""Generators of images or of points, by the argument that is given: spaces, networks, and what data determine."""

from dataclasses import dataclass

from kerazoo.base.example_spaces import Points, SignedImages
from kerazoo.networks.convolutional import build_discriminator, build_generator
from kerazoo.networks.dense import build_mlp
from kerazoo.utils.errors import ConfigError


class PointsOrImages:
    """Mixin; list it before `GAN`. The class has the arguments `image_shape` and `num_features`, exactly one of them.

    `networks` gives the builder that goes with the examples: DCGAN's convolutions for images, perceptrons for points.
    """

    def __init__(self, **kwargs):
        self._check_one()
        super().__init__(**kwargs)

    def _check_one(self):
        if (self.image_shape is None) == (self.num_features is None):
            given = f"{self.image_shape} and {self.num_features}"
            name = type(self).__name__
            raise ConfigError(f"{name}: one of image_shape and num_features (for points) is expected, not {given}")

    @property
    def space(self):
        return SignedImages(self.image_shape) if self.num_features is None else Points((self.num_features,))

    def networks(self, **sizes):
        """The builder of this model's networks: `generator(latent_dim)`, `critic(units)`, `discriminator(units)`.

        Args:
            **sizes: `filters` and `kernel_size` for images, `generator_units` for points.

        Returns:
            ConvolutionalNetworks or DenseNetworks.
        """
        return BUILDERS[type(self.space)](self.space.shape, sizes, self.dtype_policy)

    @classmethod
    def arguments_from(cls, source, arguments):
        points = source.info.shapes.get("points")
        if points is not None and len(points) == 1:
            found, other = {"num_features": points[0]}, "image_shape"
        else:
            found, other = super().arguments_from(source, arguments), "num_features"
        return found | ({other: None} if arguments.get(other) is not None else {})


@dataclass(frozen=True)
class ConvolutionalNetworks:
    """DCGAN's networks, for images of `shape`."""

    shape: tuple
    sizes: dict
    dtype: object

    def generator(self, latent_dim):
        """Latents to images in [-1, 1]."""
        return build_generator(self.shape, latent_dim, *self._sizes, dtype=self.dtype)

    def discriminator(self, units, **options):
        """Images to a logit, batch normalisation inside; `units` is for points."""
        return build_discriminator(self.shape, *self._sizes, dtype=self.dtype, **options)

    def critic(self, units):
        """Images to a value: biases and He's weights in place of normalisation, no bias in the last layer."""
        options = {"normalization": None, "initializer": "he_normal", "output_bias": False, "name": "critic"}
        return self.discriminator(units, **options)

    @property
    def _sizes(self):
        return self.sizes["filters"], self.sizes["kernel_size"]


@dataclass(frozen=True)
class DenseNetworks:
    """Multilayer perceptrons, for points of `shape`."""

    shape: tuple
    sizes: dict
    dtype: object

    def generator(self, latent_dim):
        """Latents to points."""
        return build_mlp(latent_dim, self.sizes["generator_units"], self.shape[0], dtype=self.dtype, name="generator")

    def discriminator(self, units, **options):
        """Points to a logit."""
        return build_mlp(self.shape[0], units, 1, dtype=self.dtype, **{"name": "discriminator", **options})

    def critic(self, units):
        """Points to a value, without a bias in the last layer."""
        return self.discriminator(units, output_bias=False, name="critic")


BUILDERS = {SignedImages: ConvolutionalNetworks, Points: DenseNetworks}
