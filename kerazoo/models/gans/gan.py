"""GAN: generative adversarial nets (Goodfellow et al. 2014)."""

from typing import Literal

import keras
import numpy as np

from kerazoo.base.arguments import PositiveInt, Rate, Widths
from kerazoo.base.registry import register
from kerazoo.losses import minimax_discriminator_loss, minimax_generator_loss, non_saturating_generator_loss
from kerazoo.models.gans._points_or_images import DenseGAN
from kerazoo.networks.dense import build_maxout_network
from kerazoo.utils.images import pixel_log_odds

GENERATOR_OBJECTIVES = {"non_saturating": non_saturating_generator_loss, "minimax": minimax_generator_loss}

# The bias of the generator's output of which its examples begin at the mean of the data.
FIRST_OUTPUTS = {"image": pixel_log_odds, "points": lambda points: np.mean(points, axis=0)}


@register("gan")
class VanillaGAN(DenseGAN):
    """The first generative adversarial nets, for images in [0, 1] or for points of any dimension.

    The paper's algorithm 1: `discriminator_steps` (its k) updates of the discriminator, each on a fresh real batch and
    fresh latents, then one of the generator. The generator minimises log(1 - D(G(z))), its side of the minimax game of
    equation 1, or by default -log D(G(z)), which has the same fixed point and a gradient where the discriminator is
    sure (section 3). With one discriminator step the images that it saw serve the generator's update too.

    Networks, optimizer and sizes are those of the authors' code for MNIST: a generator of rectifiers with sigmoid
    outputs (linear ones for points), a discriminator of maxout units with dropout, also in the generator's update,
    standard normal latents, gradient descent with rate 0.1 and momentum 0.5. `adapt` sets the bias of the generator's
    output so that it begins at the mean of the data, as the authors do; the trainer calls it. It differs in the
    generator's initial weights, those of He et al. 2015, and in a rate and a momentum that stay as they are.

    Args:
        image_shape: tuple[int, int, int] or None. Of images: height, width and channels.
        num_features: int or None. Dimension of points. Exactly one of this and `image_shape` is given.
        latent_dim: int. Length of a latent vector. Defaults to 100.
        generator_units: tuple[int, ...]. Widths of the generator's hidden layers. Defaults to `(1200, 1200)`.
        discriminator_units: tuple[int, ...]. Numbers of maxout units in the discriminator's hidden layers. Defaults to
            `(240, 240)`.
        maxout_pieces: int. Linear functions of a maxout unit. Defaults to 5.
        dropout: float in [0, 1). The chance of a maxout unit to be left out in training. Defaults to 0.5.
        input_dropout: float in [0, 1). The same for the values of the discriminator's input. Defaults to 0.2.
        generator_objective: `"non_saturating"` or `"minimax"`. Defaults to `"non_saturating"`.
        discriminator_steps: int. Updates of the discriminator for one of the generator. Defaults to 1.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, or not exactly one of `image_shape` and `num_features`.

    Example:
        >>> fresh = kerazoo.create("gan", image_shape=(28, 28, 1))
        >>> fresh.generate(4, seed=0).shape
        (4, 28, 28, 1)
        >>> points = kerazoo.create("gan", num_features=2, generator_objective="minimax", discriminator_steps=5)
        >>> points.compile(seed=0)
        >>> points.fit("ring", batch_size=256, epochs=10)  # doctest: +SKIP

    Source: Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville and Bengio 2014, "Generative
    Adversarial Nets", arXiv:1406.2661.
    """

    paper = "Goodfellow, Pouget-Abadie, Mirza et al. 2014, arXiv:1406.2661"

    def __init__(
        self,
        latent_dim: PositiveInt = 100,
        generator_units: Widths = (1200, 1200),
        discriminator_units: Widths = (240, 240),
        maxout_pieces: PositiveInt = 5,
        dropout: Rate = 0.5,
        input_dropout: Rate = 0.2,
        generator_objective: Literal["non_saturating", "minimax"] = "non_saturating",
        discriminator_steps: PositiveInt = 1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.generator = self.networks(generator_units=generator_units).generator(latent_dim)
        sizes = (self.space.shape, discriminator_units, 1, maxout_pieces)
        rates = {"dropout": dropout, "input_dropout": input_dropout}
        self.discriminator = build_maxout_network(*sizes, **rates, dtype=self.dtype_policy)

    @property
    def n_critic(self):
        return self.discriminator_steps

    def default_optimizers(self):
        return {role: keras.optimizers.SGD(0.1, momentum=0.5) for role in self.roles}

    def adapt(self, arrays):
        output = [layer for layer in self.generator.layers if layer.weights][-1]
        output.bias.assign(FIRST_OUTPUTS[self.space.key](arrays[self.space.key]))

    def discriminator_loss(self, batch, fake, training=True):
        logits = [self.discriminator(examples, training=training) for examples in (batch["real"], fake)]
        return minimax_discriminator_loss(*logits)

    def generator_loss(self, batch, fake, training=True):
        return GENERATOR_OBJECTIVES[self.generator_objective](self.discriminator(fake, training=training))
