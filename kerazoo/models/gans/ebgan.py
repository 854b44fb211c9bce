"""EBGAN: GAN whose discriminator is an autoencoder and gives energies (Zhao, Mathieu and LeCun 2017)."""

import keras

from kerazoo.base.arguments import Positive, Weight
from kerazoo.base.registry import register
from kerazoo.base.verbs import verb
from kerazoo.losses import margin_discriminator_loss, mean_squared_error, pulling_away
from kerazoo.models.gans._autoencoding import AutoencodingGAN
from kerazoo.models.gans._batches import of_whole_batch


@register("ebgan")
class EBGAN(AutoencodingGAN):
    """Energy-based GAN, for square images of 16 to 128 pixels or for points of any dimension.

    The discriminator is an autoencoder and the energy of an example its mean squared error. It learns a low energy for
    real examples and one of at least `margin` for generated ones (equation 1), the generator examples of low energy
    (equation 2). The pulling-away term (equation 4) is added to the generator's loss: the codes of different generated
    examples, the encoder's, shall be orthogonal, so that they do not become one and the same.

    It differs from the paper in its networks, DCGAN's discriminator as the encoder and DCGAN's generator as the decoder
    (perceptrons for points), and in DCGAN's optimizers.

    Args:
        image_shape: tuple[int, int, int] or None. Of images: square, 16 to 128 pixels, 1 or 3 channels.
        num_features: int or None. Dimension of points. Exactly one of this and `image_shape` is given.
        latent_dim: int. Length of a latent vector. Defaults to 100.
        code_dim: int. Length of a code of the autoencoder. Defaults to 32.
        filters: int. For images: channels next to the image; they double with each halving. Defaults to 128.
        kernel_size: int. For images: side of all kernels. Defaults to 5.
        generator_units, encoder_units: tuple[int, ...]. For points: widths of the hidden layers; the decoder has the
            encoder's in reverse. Default to `(128, 128)`.
        margin: float above 0. The energy from which on generated examples do not count, the paper's m; pixels are in
            [-1, 1]. Defaults to 1.0.
        pulling_away_weight: float, at least 0. Of the pulling-away term. Defaults to 0.1.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, or not exactly one of `image_shape` and `num_features`.

    Example:
        >>> fresh = kerazoo.create("ebgan", image_shape=(16, 16, 1))
        >>> images = fresh.generate(4, seed=0)
        >>> fresh.energy(images).shape, fresh.reconstruct(images).shape
        ((4,), (4, 16, 16, 1))

    Source: Zhao, Mathieu and LeCun 2017, "Energy-based Generative Adversarial Networks", arXiv:1609.03126.
    """

    paper = "Zhao, Mathieu and LeCun 2017, arXiv:1609.03126"
    roles = {"discriminator": ("encoder", "decoder"), "generator": ("generator",)}
    tracked = ("discriminator_loss", "generator_loss", "real_energy", "fake_energy")

    def __init__(self, margin: Positive = 1.0, pulling_away_weight: Weight = 0.1, **kwargs):
        super().__init__(**kwargs)

    def default_optimizers(self):
        return {role: keras.optimizers.Adam(2e-4, beta_1=0.5) for role in self.roles}

    # === Training ===

    def discriminator_loss(self, batch, fake, training=True):
        real_energies, fake_energies = (self._energies(x, training)[0] for x in (batch["real"], fake))
        self.track(real_energy=real_energies, fake_energy=fake_energies)
        return margin_discriminator_loss(real_energies, fake_energies, self.margin)

    def generator_loss(self, batch, fake, training=True):
        energies, codes = self._energies(fake, training)
        return energies + self.pulling_away_weight * of_whole_batch(pulling_away, codes)

    def _energies(self, examples, training):
        """The energy of each example, in the networks' range, and its code."""
        codes = self.encoder(examples, training=training)
        return mean_squared_error(self.decoder(codes, training=training), examples), codes

    # === Measuring ===

    def own_figures(self, data, settings, extractor):
        """The mean energies of held-out and of generated examples, which lie between it and the margin."""
        source = data.open(settings.split)
        real = source.sample(min(settings.num, len(source)), seed=settings.seed)[self.batch_key]
        fake = self.generate(len(real), seed=settings.seed)
        energies = {"energy_real": self.energy(real), "energy_fake": self.energy(fake)}
        return {**{name: float(values.mean()) for name, values in energies.items()}, "margin": self.margin}

    # === Verbs ===

    @verb("energies", examples="examples")
    def energy(self, examples):
        """The energy of each example: low where the discriminator takes it for real.

        Returns:
            np.ndarray. float32, at least 0, shape `(num,)`; for images of pixels in [-1, 1].
        """
        return self._energies(self.space.to_network(examples), training=False)[0]
