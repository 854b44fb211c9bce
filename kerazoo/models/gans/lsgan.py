"""LSGAN: GAN with least-squares losses (Mao et al. 2017)."""

from kerazoo.base.registry import register
from kerazoo.base.verbs import verb
from kerazoo.losses import least_squares_discriminator_loss, least_squares_generator_loss
from kerazoo.models.gans._points_or_images import PointsOrImagesGAN


@register("lsgan")
class LSGAN(PointsOrImagesGAN):
    """Least-squares GAN for square images of 16 to 128 pixels or for points of any dimension.

    The discriminator's score is drawn to `real_target` (the paper's b) for real and to `fake_target` (a) for generated
    images, and the generator's images are drawn to the score `generator_target` (c), each by a squared distance, so
    that images far from the data still give a gradient. With (a, b, c) = (-1, 1, 0) the generator minimises a Pearson
    divergence (equation 8); (0, 1, 1), the default, draws generated images to the score of real ones (equation 9).

    It differs from the paper in its networks, which are DCGAN's as in the paper's second experiment, with DCGAN's
    optimizers, and in the generator's loss, which is not halved. Points go through perceptrons.

    Args:
        fake_target: float. The paper's a. Defaults to 0.0.
        real_target: float. The paper's b. Defaults to 1.0.
        generator_target: float. The paper's c. Defaults to 1.0.
        image_shape: tuple[int, int, int] or None. Of images: square, 16 to 128 pixels, 1 or 3 channels.
        num_features: int or None. Dimension of points. Exactly one of this and `image_shape` is given.
        latent_dim: int. Length of a latent vector. Defaults to 100.
        filters: int. For images: channels next to the image; they double with each halving. Defaults to 128.
        kernel_size: int. For images: side of all kernels. Defaults to 5.
        generator_units, discriminator_units: tuple[int, ...]. For points: widths of the hidden layers. Default to
            `(128, 128)`.
        prior: `"uniform"` (on [-1, 1)) or `"normal"`. Defaults to `"uniform"`.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, or not exactly one of `image_shape` and `num_features`.

    Example:
        >>> fresh = kerazoo.create("lsgan", image_shape=(16, 16, 1), fake_target=-1.0, generator_target=0.0)
        >>> fresh.generate(4, seed=0).shape
        (4, 16, 16, 1)
        >>> points = kerazoo.create("lsgan", num_features=2, latent_dim=8)
        >>> points.compile(seed=0)
        >>> points.fit("ring", batch_size=256, epochs=10)  # doctest: +SKIP

    Source: Mao, Li, Xie, Lau, Wang and Smolley 2017, "Least Squares Generative Adversarial Networks", arXiv:1611.04076.
    """

    paper = "Mao, Li, Xie, Lau, Wang and Smolley 2017, arXiv:1611.04076"

    def __init__(self, fake_target: float = 0.0, real_target: float = 1.0, generator_target: float = 1.0, **kwargs):
        super().__init__(**kwargs)

    def discriminator_loss(self, batch, fake, training=True):
        scores = [self.discriminator(x, training=training) for x in (batch["real"], fake)]
        return least_squares_discriminator_loss(*scores, self.real_target, self.fake_target)

    def generator_loss(self, batch, fake, training=True):
        return least_squares_generator_loss(self.discriminator(fake, training=training), self.generator_target)

    @verb("scores", examples="examples")
    def discriminate(self, examples):
        """The discriminator's score of each example, near `real_target` where it looks real.

        Returns:
            np.ndarray. float32, shape `(num,)`.
        """
        return self.discriminator(self.space.to_network(examples), training=False)[:, 0]
