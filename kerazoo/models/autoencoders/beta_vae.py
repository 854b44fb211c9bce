"""Beta-VAE: a weighted KL (Higgins et al. 2017), or one with a capacity that grows (Burgess et al. 2018)."""

from typing import Annotated

import keras
import numpy as np
import tensorflow as tf
from pydantic import Field

from kerazoo.base.arguments import PositiveInt, Weight
from kerazoo.base.registry import register
from kerazoo.models.autoencoders._variational import VariationalAutoencoder
from kerazoo.networks.convolutional_vae import (
    HALVINGS,
    HalvedImageShape,
    build_convolutional_decoder,
    build_convolutional_encoder,
)

# Where the picture of traversals sets a latent, in the prior's standard deviations.
VALUES = np.linspace(-2, 2, 9)


@register("beta_vae")
class BetaVAE(VariationalAutoencoder):
    """Beta-VAE: its KL weighs `beta` times, so that each latent is drawn to a factor of variation of its own.

    The loss is the negative expected log-likelihood plus `beta` KL; at `beta=1` it is the negative ELBO, and the model
    a VAE. With a `capacity` C it is Burgess et al.'s instead: `beta` |KL - c|, where c rises from 0 to C nats over
    the first part of training, so that latents open one after another. Pixels are Bernoulli probabilities, as in the
    authors' experiments: images are not binarised, and the likelihood is the mean over binarisations.

    `traverse` and the picture of samples set one latent at a time. On data whose factors are known (`shapes`),
    `kerazoo evaluate` adds the paper's score of disentanglement and the mutual information gap.

    It differs from the paper in its networks, those of Burgess et al. with three convolutions for images of 32 pixels,
    and with convolutions of shuffled pixels in place of transposed ones.

    Args:
        image_shape: tuple[int, int, int]. Height and width, multiples of 8, and channels. Defaults to `(32, 32, 3)`.
        latent_dim: int. Length of a latent vector. Defaults to 10.
        beta: float, at least 0. Weight of the KL. Defaults to 4.0.
        capacity: float, at least 0, or None. The KL's aim at last, in nats; None has none. Defaults to None.
        capacity_ramp: float in (0, 1]. The part of training over which the aim rises. Defaults to 1.0.
        filters: int. Channels of the convolutions. Defaults to 32.
        units: int. Width of the dense layers. Defaults to 128.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument or a value out of range.

    Example:
        >>> model = kerazoo.create("beta_vae", beta=8.0)
        >>> images = model.generate(2, seed=0)
        >>> model.traverse(images[0], dimension=3, values=(-2, 0, 2)).shape
        (3, 32, 32, 3)
        >>> model.compile(seed=0)
        >>> model.fit("shapes", batch_size=64, epochs=100)  # doctest: +SKIP

    Source: Higgins et al. 2017, "beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework",
    ICLR, equation 4; Burgess et al. 2018, "Understanding disentangling in beta-VAE", arXiv:1804.03599, equation 8.
    """

    paper = "Higgins et al. 2017, ICLR; Burgess et al. 2018, arXiv:1804.03599"
    roles = {"beta_vae": ("encoder", "decoder")}
    tracked = ("beta_vae_loss", "reconstruction", "kl")
    binarise = False
    image_sizes = (8, 64)

    def __init__(
        self,
        image_shape: HalvedImageShape = (32, 32, 3),
        latent_dim: PositiveInt = 10,
        beta: Weight = 4.0,
        capacity: Weight | None = None,
        capacity_ramp: Annotated[float, Field(gt=0, le=1)] = 1.0,
        filters: PositiveInt = 32,
        units: PositiveInt = 128,
        **kwargs,
    ):
        super().__init__(**kwargs)
        sizes = {"filters": filters, "units": units, "dtype": self.dtype_policy}
        self.encoder = build_convolutional_encoder(image_shape, num_outputs=2 * latent_dim, **sizes)
        self.decoder = build_convolutional_decoder(image_shape, num_inputs=latent_dim, **sizes)

    @classmethod
    def fitting_shape(cls, shape, arguments):
        """A square within `image_sizes` whose side is a multiple of 8."""
        side, _, channels = super().fitting_shape(shape, arguments)
        side = side >> HALVINGS << HALVINGS
        return side, side, channels

    def adapt(self, arrays):
        """Leave the output's bias, of the four pixels of a block and their channels, as it is."""

    def default_optimizers(self):
        return {"beta_vae": keras.optimizers.Adam(5e-4)}

    def objective(self, bound, reconstruction, kl):
        if self.capacity is not None:
            kl = tf.abs(kl - self.capacity * tf.minimum(self.progress / self.capacity_ramp, 1.0))
        return reconstruction + self.beta * kl

    def own_grid(self, seed):
        """A sample with each of its latents, a row for one, set from two standard deviations below 0 to two above."""
        image = self.generate(1, seed=seed)[0]
        return np.stack([self.traverse(image, dimension, VALUES) for dimension in range(self.latent_dim)])
