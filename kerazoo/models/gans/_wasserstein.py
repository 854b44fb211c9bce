"""Wasserstein GANs: a critic instead of a discriminator. What papers with a critic share."""

from functools import partial

import keras
import tensorflow as tf

from kerazoo.base.arguments import PositiveInt, Widths
from kerazoo.base.verbs import verb
from kerazoo.losses import wasserstein_generator_loss
from kerazoo.models.gans._gan import GAN
from kerazoo.models.gans._points_or_images import PointsOrImages
from kerazoo.networks.convolutional import SquareImageShape


class WassersteinGAN(PointsOrImages, GAN):
    """Base of GANs whose critic has the Wasserstein-1 distance as its game's value.

    A paper says how its critic is held to small slopes: `build_critic`, and `discriminator_loss`, which tracks the
    estimated distance as `wasserstein`. `n_critic` updates of the critic, each on a fresh real batch and fresh latents,
    are followed by one of the generator.

    Args:
        image_shape, num_features, latent_dim, filters, kernel_size, generator_units, critic_units, n_critic: as for
            `WGANGP`.
    """

    roles = {"critic": ("critic",), "generator": ("generator",)}
    tracked: tuple[str, ...] = ("critic_loss", "generator_loss", "wasserstein")
    image_sizes = (16, 128)

    def __init__(
        self,
        image_shape: SquareImageShape | None = None,
        num_features: PositiveInt | None = None,
        latent_dim: PositiveInt = 128,
        filters: PositiveInt = 64,
        kernel_size: PositiveInt = 5,
        generator_units: Widths = (512, 512, 512),
        critic_units: Widths = (512, 512, 512),
        n_critic: PositiveInt = 5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        build = self.networks(filters=filters, kernel_size=kernel_size, generator_units=generator_units)
        self.generator = build.generator(latent_dim)
        self.critic = self.build_critic(build)

    def build_critic(self, build):
        """The critic, whose last layer has no bias, which would cancel in every loss.

        Args:
            build: object. What `networks` returned.

        Returns:
            keras.Model.
        """
        return build.critic(self.critic_units)

    def generator_loss(self, batch, fake, training=True):
        return wasserstein_generator_loss(self.critic(fake, training=training))

    @verb("values", examples="examples")
    def critic_values(self, examples):
        """The critic's value of each example: higher is more real; only differences have a meaning.

        Returns:
            np.ndarray. float32, shape `(num,)`, unbounded.
        """
        return self.critic(self.space.to_network(examples), training=False)[:, 0]


def slow_rmsprop():
    """RMSprop with rate 5e-5 as the library of the papers' authors has it, whose epsilon of 1e-8 is beside the root."""
    return keras.optimizers.RMSprop(5e-5, rho=0.99, epsilon=1e-16)  # Keras adds epsilon under the root


def clip_weights(network, bound):
    """Have every update of a network followed by clipping: each of its weights is within [-bound, bound] then."""
    for variable in network.trainable_variables:
        variable.constraint = partial(tf.clip_by_value, clip_value_min=-bound, clip_value_max=bound)
