"""WGAN-GP: Wasserstein GAN with gradient penalty (Gulrajani et al. 2017)."""

import keras
import tensorflow as tf

from kerazoo.base.arguments import Weight
from kerazoo.base.priors import random_generator
from kerazoo.base.registry import register
from kerazoo.losses import gradient_norms, gradient_penalty, interpolates, wasserstein_critic_loss
from kerazoo.models.gans._wasserstein import WassersteinGAN


@register("wgan_gp")
class WGANGP(WassersteinGAN):
    """Wasserstein GAN with gradient penalty, for square images of 16 to 128 pixels or for points of any dimension.

    The paper's algorithm 1: `n_critic` updates of the critic, each on a fresh real batch and fresh latents, then one
    of the generator; a two-sided penalty at points drawn uniformly on the lines between real and generated examples;
    Adam with rate 1e-4, beta_1 0 and beta_2 0.9; standard normal latents; no batch normalisation in the critic, whose
    gradient is taken for each example alone. Its last layer has no bias, which would cancel in every loss.

    `fit(batch_size=b)` takes `n_critic` batches of b examples a step. A dataset's own batch is divided into `n_critic`
    parts; one with fewer examples than that gives some of them to several updates.

    Images go through DCGAN's networks (the critic with biases, and weights after He et al. 2015), points through
    multilayer perceptrons with ReLU, as in the paper's toy experiments.

    Args:
        image_shape: tuple[int, int, int] or None. Of images: square, 16 to 128 pixels, 1 or 3 channels.
        num_features: int or None. Dimension of points. Exactly one of this and `image_shape` is given.
        latent_dim: int. Length of a latent vector. Defaults to 128.
        filters: int. For images: channels next to the image; they double with each halving. Defaults to 64.
        kernel_size: int. For images: side of all kernels. Defaults to 5.
        generator_units, critic_units: tuple[int, ...]. For points: widths of the hidden layers. Default to
            `(512, 512, 512)`.
        n_critic: int. Updates of the critic for one of the generator. Defaults to 5.
        gradient_penalty_weight: float, at least 0. The paper's lambda. Defaults to 10.0.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, or not exactly one of `image_shape` and `num_features`.

    Example:
        >>> model = kerazoo.load("wgan_gp")
        >>> model.generate(16, seed=0).shape
        (16, 28, 28, 1)
        >>> points = kerazoo.create("wgan_gp", num_features=2, latent_dim=2)
        >>> points.compile(seed=0)
        >>> points.fit("ring", batch_size=256, epochs=10)  # doctest: +SKIP

    Source: Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville 2017, "Improved Training of Wasserstein GANs",
    arXiv:1704.00028.
    """

    paper = "Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville 2017, arXiv:1704.00028"
    tracked = (*WassersteinGAN.tracked, "gradient_norm")

    def __init__(self, gradient_penalty_weight: Weight = 10.0, **kwargs):
        super().__init__(**kwargs)

    def default_optimizers(self):
        return {role: keras.optimizers.Adam(1e-4, beta_1=0.0, beta_2=0.9) for role in self.roles}

    # === Training ===

    def draw(self, batch, stream):
        rows = tf.shape(batch["real"])[0]
        signed = self.noise(rows, (1,), stream=stream("position"), distribution="uniform")
        return {**super().draw(batch, stream), "position": (signed + 1) / 2}  # uniform on [0, 1), one an example

    def discriminator_loss(self, batch, fake, training=True):
        real_values, fake_values = tf.split(self.critic(tf.concat([batch["real"], fake], axis=0)), 2)
        distance = wasserstein_critic_loss(real_values, fake_values)
        norms = gradient_norms(self.critic, interpolates(batch["real"], fake, batch["position"]))
        self.track(wasserstein=-distance, gradient_norm=norms)
        return distance + self.gradient_penalty_weight * gradient_penalty(norms)

    # === Verbs ===

    def gradient_norms(self, examples, *, seed=0, batch_size=256):
        """The norm of the critic's gradient between real and generated examples: near 1 when trained.

        Args:
            examples: array. Real ones: points, float, or images, uint8 or float in [0, 1]; `(num, *example_shape)`.
            seed: int or None. Of the generated examples and of the positions between; None draws anew. Defaults to 0.
            batch_size: int. Examples computed at a time. Defaults to 256.

        Returns:
            np.ndarray. float32, at least 0, shape `(num,)`: at a point between each real example and a generated one.

        Raises:
            DataError: a wrong shape or values out of range.
            ConfigError: the seed is out of range, or `batch_size` is below 1.

        Source: Gulrajani et al. 2017, section 4, whose penalty holds it near 1.
        """
        examples = self.check_inputs(examples)
        rng = random_generator(seed)
        z = rng.standard_normal((len(examples), self.latent_dim), "float32")
        positions = rng.random((len(examples), 1), "float32")
        return self.calls.in_batches(self._gradient_norms, examples, z, positions, batch_size=batch_size)

    def _gradient_norms(self, examples, z, positions):
        fake = self.generator(z, training=False)
        return gradient_norms(self.critic, interpolates(self.space.to_network(examples), fake, positions))
