"""WGAN: Wasserstein GAN with clipped weights (Arjovsky, Chintala and Bottou 2017)."""

from kerazoo.base.arguments import Positive
from kerazoo.base.registry import register
from kerazoo.losses import wasserstein_critic_loss
from kerazoo.models.gans._wasserstein import WassersteinGAN, clip_weights, slow_rmsprop


@register("wgan")
class WGAN(WassersteinGAN):
    """Wasserstein GAN, for square images of 16 to 128 pixels or for points of any dimension.

    The paper's algorithm 1: the critic, whose output is linear, maximises the difference of its mean values of real and
    of generated examples. After each of its updates all its weights are clipped to [-clip_value, clip_value], so that
    its slopes are bounded and the difference estimates the Wasserstein-1 distance up to a factor. `n_critic` such
    updates, each on a fresh real batch and fresh latents, are followed by one of the generator. RMSprop with rate 5e-5;
    standard normal latents.

    `fit(batch_size=b)` takes `n_critic` batches of b examples a step. A dataset's own batch is divided into `n_critic`
    parts; one with fewer examples than that gives some of them to several updates.

    Images go through DCGAN's networks, also the critic with batch normalisation, whose scales and shifts are clipped
    too, as in the authors' code; points through multilayer perceptrons with ReLU. It differs from that code in a
    constant number of critic updates (there it is 100 for each of the first 25 updates of the generator), and in an
    output without the bias that would cancel.

    Args:
        image_shape, num_features, latent_dim, filters, kernel_size, generator_units, critic_units, n_critic: as for
            `WGANGP`.
        clip_value: float above 0. The bound of the critic's weights, the paper's c. Defaults to 0.01.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, or not exactly one of `image_shape` and `num_features`.

    Example:
        >>> fresh = kerazoo.create("wgan", image_shape=(16, 16, 1))
        >>> fresh.generate(4, seed=0).shape
        (4, 16, 16, 1)
        >>> points = kerazoo.create("wgan", num_features=2, clip_value=0.1)
        >>> points.compile(seed=0)
        >>> points.fit("ring", batch_size=256, epochs=10)  # doctest: +SKIP

    Source: Arjovsky, Chintala and Bottou 2017, "Wasserstein GAN", arXiv:1701.07875.
    """

    paper = "Arjovsky, Chintala and Bottou 2017, arXiv:1701.07875"

    def __init__(self, clip_value: Positive = 0.01, **kwargs):
        super().__init__(**kwargs)
        clip_weights(self.critic, clip_value)

    def build_critic(self, build):
        return build.discriminator(self.critic_units, output_bias=False, name="critic")

    def default_optimizers(self):
        return {role: slow_rmsprop() for role in self.roles}

    def discriminator_loss(self, batch, fake, training=True):
        # In two passes: with both in one, batch normalisation would tell the critic how they compare.
        loss = wasserstein_critic_loss(*(self.critic(x, training=training) for x in (batch["real"], fake)))
        self.track(wasserstein=-loss)
        return loss
