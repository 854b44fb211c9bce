"""ACGAN: GAN whose discriminator also classifies (Odena, Olah and Shlens 2017)."""

import tensorflow as tf

from kerazoo.base.arguments import NumClasses
from kerazoo.base.registry import register
from kerazoo.base.verbs import verb
from kerazoo.losses import minimax_discriminator_loss, non_saturating_generator_loss
from kerazoo.models.gans._convolutional_gan import LabelledGAN
from kerazoo.utils.images import to_signed


@register("acgan")
class ACGAN(LabelledGAN):
    """GAN with an auxiliary classifier, for square images of 16 to 128 pixels, asked for a class.

    The generator sees the latents and the one-hot label. The discriminator sees the image alone and gives two things,
    the source (real or generated) and the class: it maximises L_S + L_C, the generator L_C - L_S, where L_C is the log
    likelihood of the right class of both real and generated images (equations 2 and 3).

    It differs from the paper in its networks, DCGAN's; and in the generator's L_S, the non-saturating form.

    Args:
        num_classes: int. At least 2; training takes it from the data's labels. Defaults to 10.
        image_shape, latent_dim, filters, kernel_size, prior: as for `DCGAN`.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument or a value out of range.

    Example:
        >>> fresh = kerazoo.create("acgan", image_shape=(16, 16, 1), num_classes=3)
        >>> images = fresh.generate(4, labels=[0, 1, 2, 0], seed=0)
        >>> fresh.classify(images).shape
        (4, 3)

    Source: Odena, Olah and Shlens 2017, "Conditional Image Synthesis with Auxiliary Classifier GANs", arXiv:1610.09585.
    """

    paper = "Odena, Olah and Shlens 2017, arXiv:1610.09585"

    def __init__(self, num_classes: NumClasses = 10, **kwargs):
        super().__init__(**kwargs)

    @property
    def discriminator_dim(self):
        return 1 + self.num_classes

    def discriminator_loss(self, batch, fake, training=True):
        real_source, real_class = self._judge(batch["real"], training)
        fake_source, fake_class = self._judge(fake, training)
        source = minimax_discriminator_loss(real_source, fake_source)
        return source + _class_loss(batch["label"], real_class) + _class_loss(batch["label"], fake_class)

    def generator_loss(self, batch, fake, training=True):
        source, classes = self._judge(fake, training)
        return non_saturating_generator_loss(source) + _class_loss(batch["label"], classes)

    def _judge(self, images, training):
        """Logits of the source and of the classes."""
        return tf.split(self.discriminator(images, training=training), [1, self.num_classes], axis=1)

    @verb("probabilities", images="images")
    def discriminate(self, images):
        """The discriminator's probability that each image is real.

        Returns:
            np.ndarray. float32 in [0, 1], shape `(num,)`.
        """
        return tf.sigmoid(self._judge(to_signed(images), training=False)[0])[:, 0]

    @verb("probabilities", images="images")
    def classify(self, images):
        """The discriminator's class probabilities.

        Returns:
            np.ndarray. float32, shape `(num, num_classes)`; each row sums to one.
        """
        return tf.nn.softmax(self._judge(to_signed(images), training=False)[1])


def _class_loss(labels, logits):
    labels = tf.cast(tf.reshape(labels, [-1]), tf.int32)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
