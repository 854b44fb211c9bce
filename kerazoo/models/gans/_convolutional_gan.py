"""GANs of square images with DCGAN's networks, also of a class asked for: what such papers share."""

from typing import Literal

import keras
import tensorflow as tf

from kerazoo.base.arguments import PositiveInt
from kerazoo.base.labels import Labelled, one_hot
from kerazoo.base.latents import ConditionalLatentModel
from kerazoo.models.gans._gan import GAN
from kerazoo.networks.convolutional import SquareImageShape, build_discriminator, build_generator


class ConvolutionalGAN(GAN):
    """Base of GANs of square images of 16 to 128 pixels with DCGAN's networks and its optimizers.

    Args:
        image_shape, latent_dim, filters, kernel_size, prior: as for `DCGAN`.
    """

    image_sizes = (16, 128)

    def __init__(
        self,
        image_shape: SquareImageShape = (64, 64, 3),
        latent_dim: PositiveInt = 100,
        filters: PositiveInt = 128,
        kernel_size: PositiveInt = 5,
        prior: Literal["uniform", "normal"] = "uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        size, dtype = (filters, kernel_size), self.dtype_policy
        self.generator = build_generator(image_shape, self.generator_dim, *size, dtype=dtype)
        height, width, channels = image_shape
        shape = (height, width, channels + self.label_channels)
        self.discriminator = build_discriminator(shape, *size, **self.discriminator_outputs, dtype=dtype)

    # Sizes that a paper may change; arguments are attributes here already.
    discriminator_dim = 1
    label_channels = 0

    @property
    def generator_dim(self):
        """Length of what the generator takes."""
        return self.latent_prior.dim

    @property
    def discriminator_outputs(self):
        """Arguments of `build_discriminator` that say what it gives."""
        return {"num_outputs": self.discriminator_dim}

    def default_optimizers(self):
        return {role: keras.optimizers.Adam(2e-4, beta_1=0.5) for role in self.roles}


class LabelledGAN(ConditionalLatentModel, Labelled, ConvolutionalGAN):
    """Base of those whose generator takes a one-hot label beside the latents; a paper has `num_classes`."""

    @property
    def generator_dim(self):
        return self.latent_prior.dim + self.num_classes

    def call(self, inputs, labels, training=False):
        """Images in [0, 1] of latents `(batch, latent_dim)` and labels `(batch,)`."""
        return self.space.from_network(self._generate(inputs, labels, training))

    def fake(self, batch, training):
        return self._generate(batch["z"], batch["label"], training)

    def _generate(self, z, labels, training):
        return self.generator(tf.concat([z, one_hot(labels, self.num_classes)], axis=1), training=training)
