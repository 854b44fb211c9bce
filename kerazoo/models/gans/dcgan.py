"""DCGAN: deep convolutional generative adversarial network (Radford, Metz and Chintala 2016)."""

import tensorflow as tf

from kerazoo.base.arguments import Fraction
from kerazoo.base.registry import register
from kerazoo.base.verbs import verb
from kerazoo.losses import minimax_discriminator_loss, non_saturating_generator_loss
from kerazoo.models.gans._convolutional_gan import ConvolutionalGAN
from kerazoo.networks.convolutional import activations
from kerazoo.utils.images import pool_to_grid, to_signed


@register("dcgan")
class DCGAN(ConvolutionalGAN):
    """Deep convolutional GAN for square images of 16 to 128 pixels.

    The paper's rules: strided instead of pooling layers, batch normalisation except in the generator's output and the
    discriminator's input layer, no hidden dense layers, ReLU and tanh in the generator, LeakyReLU 0.2 in the
    discriminator, weights from N(0, 0.02), latents uniform on [-1, 1], Adam with rate 2e-4 and beta_1 0.5 for both
    networks, batches of 128. The number of layers follows the image size: 64 pixels and `filters=128` give the
    paper's generator (4x4x1024 up to 64x64).

    As in the authors' code, the images generated for the discriminator's update serve the generator's update too,
    after the discriminator has changed, and real and generated images are normalised in separate batches.

    Args:
        image_shape: tuple[int, int, int]. Height, width and channels of the images: square, 16 to 128 pixels, 1 or 3
            channels. Defaults to `(64, 64, 3)`.
        latent_dim: int. Length of a latent vector. Defaults to 100.
        filters: int. Channels next to the image; they double with each halving of its size. Defaults to 128.
        kernel_size: int. Side of all kernels. Defaults to 5.
        prior: `"uniform"` (on [-1, 1), the paper's) or `"normal"`. Defaults to `"uniform"`.
        label_smoothing: float in [0, 1]. Real images get the target 1 minus this. Defaults to 0.0.
        separate_batches: bool. Whether the discriminator normalises real and generated images in separate batches;
            False puts them into one. Defaults to True.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument or a value out of range.

    Example:
        >>> model = kerazoo.load("dcgan")
        >>> model.generate(16, seed=0).shape
        (16, 28, 28, 1)
        >>> fresh = kerazoo.create("dcgan", image_shape=(32, 32, 3), filters=64)
        >>> fresh.compile(seed=0)
        >>> fresh.fit("folder:photos", batch_size=128, epochs=10)  # doctest: +SKIP

    Source: Radford, Metz and Chintala 2016, "Unsupervised Representation Learning with Deep Convolutional Generative
    Adversarial Networks", arXiv:1511.06434.
    """

    paper = "Radford, Metz and Chintala 2016, arXiv:1511.06434"
    code_verb = "features"

    def __init__(
        self,
        label_smoothing: Fraction = 0.0,
        separate_batches: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)

    def discriminator_loss(self, batch, fake, training=True):
        return minimax_discriminator_loss(*self._judge(batch["real"], fake, training), self.label_smoothing)

    def generator_loss(self, batch, fake, training=True):
        return non_saturating_generator_loss(self.discriminator(fake, training=training))

    def _judge(self, real, fake, training):
        """Logits of real and of generated images."""
        if self.separate_batches:
            return [self.discriminator(images, training=training) for images in (real, fake)]
        return tf.split(self.discriminator(tf.concat([real, fake], axis=0), training=training), 2)

    @verb("probabilities", images="images")
    def discriminate(self, images):
        """The discriminator's probability that each image is real.

        Returns:
            np.ndarray. float32 in [0, 1], shape `(num,)`.
        """
        return tf.sigmoid(self.discriminator(to_signed(images), training=False))[:, 0]

    @verb("features", images="images")
    def features(self, images):
        """Discriminator features for a linear probe: every layer's activations, max-pooled to a 4x4 grid, in a row.

        Returns:
            np.ndarray. float32, shape `(num, 16 * (channels of all layers))`.

        Source: Radford et al. 2016, section 5.1.
        """
        maps = activations(self.discriminator)(to_signed(images), training=False)
        maps = maps if isinstance(maps, list) else [maps]
        return tf.concat([tf.reshape(pool_to_grid(m, 4), [-1, 16 * m.shape[-1]]) for m in maps], axis=1)
