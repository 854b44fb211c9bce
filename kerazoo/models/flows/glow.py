"""Glow: generative flow with invertible 1x1 convolutions (Kingma and Dhariwal 2018)."""

import keras
import tensorflow as tf

from kerazoo.base.arguments import ImageShape, PositiveInt
from kerazoo.base.registry import register
from kerazoo.layers.bijections import ActNorm, AffineCoupling, Chain, FactorOut, Flatten, Invertible1x1, Squeeze
from kerazoo.layers.partitions import Halves
from kerazoo.models.flows._flow import Flow, Margin
from kerazoo.networks.couplings import build_convolutional_coupling
from kerazoo.utils.checks import check_number

# Examples that give the actnorms their first values.
NUM_FIRST = 256


@register("glow")
class Glow(Flow):
    """Glow: a flow of actnorm, invertible 1x1 convolutions and affine couplings, with an exact likelihood of images.

    A step of the flow normalises each channel by an affine map whose first values come from data (`adapt`, which the
    trainer calls), mixes the channels by a 1x1 convolution whose kernel is kept as its LU decomposition, and scales and
    shifts half of the channels by a network of the other half, whose last layer begins at zero. A level squeezes blocks
    of 2x2 pixels into channels, takes `num_steps` steps, and is done with half of the channels.

    `generate(temperature=T)` draws latents of standard deviation T: below 1 more typical images. `interpolate` walks
    between the latents of two images that `encode` gave.

    It differs from the paper in the logit before the flow, as in RealNVP, which keeps generated pixels within their
    range, in a standard normal prior of what is done at each level, where the authors' code learns one, and in
    networks that are narrow, without actnorm within.

    Args:
        image_shape: tuple[int, int, int]. Height and width that can be halved `num_scales` times, 1 or 3 channels.
            Defaults to `(28, 28, 1)`.
        num_scales: int. Levels, the paper's L. Defaults to 2.
        num_steps: int. Steps of a level, the paper's K. Defaults to 8.
        filters: int. Channels of the networks; they double from level to level. Defaults to 64.
        logit_margin: float in (0, 0.5). What keeps pixels away from 0 and 1 before the logit. Defaults to 0.05.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, or sides that cannot be halved.

    Example:
        >>> model = kerazoo.create("glow", image_shape=(8, 8, 1), num_steps=2)
        >>> images = model.generate(2, seed=0, temperature=0.7)
        >>> model.score(images).shape  # nats
        (2,)
        >>> model.interpolate(5, latents=model.encode(images)).shape
        (1, 5, 8, 8, 1)

    Source: Kingma and Dhariwal 2018, "Glow: Generative Flow with Invertible 1x1 Convolutions", arXiv:1807.03039.
    """

    paper = "Kingma and Dhariwal 2018, arXiv:1807.03039"

    def __init__(
        self,
        image_shape: ImageShape = (28, 28, 1),
        num_scales: PositiveInt = 2,
        num_steps: PositiveInt = 8,
        filters: PositiveInt = 64,
        logit_margin: Margin = 0.05,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.check_halves()
        self.flow = self._level(image_shape, 1)

    def _level(self, shape, level):
        """The bijection of a level, the first of which is 1, and of all below it."""
        squeezed = shape[0] // 2, shape[1] // 2, 4 * shape[2]
        steps = [part for _ in range(self.num_steps) for part in self._step(squeezed, level)]
        if level == self.num_scales:
            return Chain([Squeeze(), *steps, Flatten(squeezed)])
        deeper = self._level((*squeezed[:2], squeezed[2] // 2), level + 1)
        return Chain([Squeeze(), *steps, FactorOut(squeezed, deeper)])

    def _step(self, shape, level):
        kept, (*_, changed) = Halves().shapes(shape)
        filters = self.filters * 2 ** (level - 1)
        network = build_convolutional_coupling(kept, filters, 2 * changed, dtype=self.dtype_policy)
        return ActNorm(shape), Invertible1x1(shape), AffineCoupling(network, Halves(), log_scale)

    def default_optimizers(self):
        return {"flow": keras.optimizers.Adam(1e-3)}

    def adapt(self, arrays):
        images = tf.constant(arrays["image"][:NUM_FIRST])
        noise = tf.random.stateless_uniform(images.shape, [0, 0])
        self.flow.adapt(self.preparation.to_flow(images, noise)[0])

    def generate(self, num_samples=16, *, seed=None, temperature=1.0, batch_size=256):
        """Draw images in [0, 1].

        Args:
            num_samples: int. How many. Defaults to 16.
            seed: int or None. The same seed gives the same images; None gives fresh ones. Defaults to None.
            temperature: float, at least 0. The latents' standard deviation. Defaults to 1.0, the model's density.
            batch_size: int. Images computed at a time. Defaults to 256.

        Returns:
            np.ndarray. float32, shape `(num_samples, *image_shape)`.

        Raises:
            ConfigError: a count, the seed or the temperature is out of range.

        Source: Kingma and Dhariwal 2018, section 5, "Samples and interpolation".
        """
        temperature = check_number("temperature", temperature, 0.0)
        return self.decode(temperature * self.latent_prior.sample(num_samples, seed=seed), batch_size=batch_size)


def log_scale(raw):
    """The logarithm of the scale that the authors' code takes, a sigmoid near 1 at first: sigmoid(raw + 2)."""
    return tf.math.log(tf.sigmoid(raw + 2.0))
