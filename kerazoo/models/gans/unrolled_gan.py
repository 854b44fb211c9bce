"""Unrolled GAN: the generator looks ahead of the discriminator's next updates (Metz et al. 2017)."""

import keras
import tensorflow as tf

from kerazoo.base.arguments import Count, PositiveInt, Widths
from kerazoo.base.functional_updates import functional_updates
from kerazoo.base.registry import register
from kerazoo.base.replicas import global_rows, sum_over_replicas
from kerazoo.losses import minimax_discriminator_loss
from kerazoo.models.gans._points_or_images import DenseGAN


@register("unrolled_gan")
class UnrolledGAN(DenseGAN):
    """Unrolled GAN, for points of any dimension or for images in [0, 1], with dense networks.

    The generator plays the minimax game against the discriminator that it would meet after `unrolling_steps` (the
    paper's K) more updates on this batch: copies of the weights and of Adam's moments take these updates, and the
    generator's gradient flows through all of them (equation 10). So it also sees how the discriminator would answer,
    and does not gain by putting everything into one mode. The discriminator itself moves one step, before the
    generator. K = 0 is the minimax game without looking ahead.

    Networks are those of the paper's mixture of Gaussians: two layers of 128 rectifiers in the generator, 256 standard
    normal latents, orthogonal first kernels with a gain of 0.8. Rates are those of the authors' published notebook:
    Adam with beta_1 0.5 and rate 1e-4 for the discriminator, 1e-3 for the generator, batches of 512. It differs in a
    discriminator of two layers, in that its first kernel begins with a gain of 0.2 in the place of inputs that are
    divided by four, and in that the first of the K updates follows the discriminator's own instead of being the same.
    All K updates take the learning rate of the current step.

    Args:
        image_shape: tuple[int, int, int] or None. Of images: height, width and channels.
        num_features: int or None. Dimension of points. Exactly one of this and `image_shape` is given.
        latent_dim: int. Length of a latent vector. Defaults to 256.
        generator_units, discriminator_units: tuple[int, ...]. Widths of the hidden layers. Default to `(128, 128)`.
        unrolling_steps: int, at least 0. Updates of the discriminator that the generator looks ahead. Defaults to 5.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, not exactly one of `image_shape` and `num_features`; by
            `compile`, a discriminator's optimizer that is neither Adam nor SGD.

    Example:
        >>> fresh = kerazoo.create("unrolled_gan", num_features=2, unrolling_steps=10)
        >>> fresh.generate(4, seed=0).shape
        (4, 2)
        >>> fresh.compile(seed=0)
        >>> fresh.fit("ring", batch_size=512, epochs=25)  # doctest: +SKIP

    Source: Metz, Poole, Pfau and Sohl-Dickstein 2017, "Unrolled Generative Adversarial Networks", arXiv:1611.02163.
    """

    paper = "Metz, Poole, Pfau and Sohl-Dickstein 2017, arXiv:1611.02163"

    def __init__(
        self,
        latent_dim: PositiveInt = 256,
        generator_units: Widths = (128, 128),
        discriminator_units: Widths = (128, 128),
        unrolling_steps: Count = 5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        build = self.networks(generator_units=generator_units)
        gain = [0.8]
        self.generator = build.generator(latent_dim, gains=gain * (len(generator_units) + 1))
        self.discriminator = build.discriminator(discriminator_units, gains=[0.2] + gain * len(discriminator_units))

    def default_optimizers(self):
        rates = {"discriminator": 1e-4, "generator": 1e-3}
        return {role: keras.optimizers.Adam(rate, beta_1=0.5) for role, rate in rates.items()}

    def compile(self, optimizers=None, **kwargs):
        super().compile(optimizers, **kwargs)
        functional_updates(self.optimizers["discriminator"])  # refuses what it cannot follow

    # === The game ===

    def discriminator_loss(self, batch, fake, training=True):
        return self._game(self.discriminator.trainable_variables, batch["real"], fake)

    def generator_loss(self, batch, fake, training=True):
        return -self._game(self.unrolled_weights(batch["real"], fake), batch["real"], fake)

    def _game(self, weights, real, fake):
        """The minimax loss of a discriminator that has `weights` in the place of its own."""
        frozen = self.discriminator.non_trainable_variables
        logits = [self.discriminator.stateless_call(weights, frozen, examples)[0] for examples in (real, fake)]
        return minimax_discriminator_loss(*logits)

    def unrolled_weights(self, real, fake):
        """The discriminator's weights after `unrolling_steps` updates on a batch, as functions of its examples.

        Args:
            real, fake: tf.Tensor. This replica's real and generated examples, in the network's range.

        Returns:
            list of tf.Tensor. In the order of the discriminator's trainable variables, which do not change.
        """
        optimizer, variables = self.optimizers["discriminator"], self.discriminator.trainable_variables
        weights = [tf.convert_to_tensor(variable) for variable in variables]
        update = functional_updates(optimizer)(variables)
        scale = optimizer.scale_loss(tf.constant(1.0))  # in float16 small gradients would vanish
        for _ in range(self.unrolling_steps):
            with tf.GradientTape() as tape:
                tape.watch(weights)
                losses = self._game(weights, real, fake)
                loss = scale * tf.reduce_sum(losses) / global_rows(losses)
            gradients = [gradient / scale for gradient in tape.gradient(loss, weights)]
            weights = update(weights, sum_over_replicas(gradients))
        return weights
