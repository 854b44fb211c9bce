"""Conditional GAN: the label enters both networks (Mirza and Osindero 2014)."""

import tensorflow as tf

from kerazoo.base.arguments import Fraction, NumClasses
from kerazoo.base.labels import one_hot
from kerazoo.base.registry import register
from kerazoo.losses import minimax_discriminator_loss, non_saturating_generator_loss
from kerazoo.models.gans._convolutional_gan import LabelledGAN


@register("conditional_gan")
class ConditionalGAN(LabelledGAN):
    """Conditional GAN for square images of 16 to 128 pixels, asked for a class.

    The generator sees the latents and the one-hot label, the discriminator the image and the label, as constant feature
    maps beside the image's channels; both play the game of equation 2 on pairs of an image and its label.

    It differs from the paper in its networks, DCGAN's instead of dense layers with maxout, and in the generator's loss,
    the non-saturating one of Goodfellow et al. 2014.

    Args:
        num_classes: int. At least 2; training takes it from the data's labels. Defaults to 10.
        label_smoothing: float in [0, 1]. Real images get the target 1 minus this. Defaults to 0.0.
        image_shape, latent_dim, filters, kernel_size, prior: as for `DCGAN`.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument or a value out of range.

    Example:
        >>> fresh = kerazoo.create("conditional_gan", image_shape=(16, 16, 1), num_classes=3)
        >>> fresh.generate(4, labels=2, seed=0).shape
        (4, 16, 16, 1)

    Source: Mirza and Osindero 2014, "Conditional Generative Adversarial Nets", arXiv:1411.1784.
    """

    paper = "Mirza and Osindero 2014, arXiv:1411.1784"

    def __init__(self, num_classes: NumClasses = 10, label_smoothing: Fraction = 0.0, **kwargs):
        super().__init__(**kwargs)

    @property
    def label_channels(self):
        return self.num_classes

    def discriminator_loss(self, batch, fake, training=True):
        logits = [self._judge(images, batch["label"], training) for images in (batch["real"], fake)]
        return minimax_discriminator_loss(*logits, self.label_smoothing)

    def generator_loss(self, batch, fake, training=True):
        return non_saturating_generator_loss(self._judge(fake, batch["label"], training))

    def _judge(self, images, labels, training):
        """Logits of images and the labels that they should have."""
        maps = one_hot(labels, self.num_classes)[:, None, None]
        maps = tf.broadcast_to(maps, [*tf.unstack(tf.shape(images)[:3]), self.num_classes])
        return self.discriminator(tf.concat([images, maps], axis=3), training=training)
