"""BiGAN: GAN that also learns the way from images back to latents (Donahue et al. 2017; Dumoulin et al. 2017)."""

import tensorflow as tf

from kerazoo.base.arguments import PositiveInt, Rate, Widths
from kerazoo.base.registry import register
from kerazoo.base.verbs import endpoint, verb
from kerazoo.losses import minimax_discriminator_loss, non_saturating_generator_loss
from kerazoo.metrics import asked_class_accuracy, knn_probe
from kerazoo.models.gans._convolutional_gan import ConvolutionalGAN
from kerazoo.networks.convolutional import build_discriminator
from kerazoo.networks.dense import build_maxout_network
from kerazoo.utils.images import as_float_array


@register("bigan")
class BiGAN(ConvolutionalGAN):
    """Bidirectional GAN, for square images of 16 to 128 pixels.

    The discriminator sees a pair of an image and a latent vector: a real image x with its code E(x), or latents z with
    their image G(z). Encoder and generator fool it together, each pair being drawn to the other's side, the form with
    strong gradients (Donahue et al., section 3.4). Where it cannot tell the pairs apart, E is the inverse of G (theorem
    2), though neither ever sees the other's output.

    With `stochastic_encoder` it is the adversarially learned inference of Dumoulin et al.: the encoder gives mean and
    log-variance of a Gaussian, and codes are drawn of it in training.

    The encoder has the layers of DCGAN's discriminator. So has the discriminator for its image, whose features meet the
    latents in maxout layers with dropout, those of Dumoulin et al.'s code for CIFAR-10. Otherwise the networks and the
    optimizers are DCGAN's, in which it differs from both papers.

    Args:
        stochastic_encoder: bool. Whether codes are drawn of a Gaussian for each image. Defaults to False.
        joint_units: tuple[int, ...]. Of the discriminator: the number of an image's features, then the numbers of
            maxout units in the hidden layers that see them beside the latents. Defaults to `(512, 512, 512)`.
        maxout_pieces: int. Linear functions of a maxout unit. Defaults to 2.
        dropout: float in [0, 1). The chance of a maxout unit to be left out in training. Defaults to 0.5.
        input_dropout: float in [0, 1). The same for a feature, and for a number of a latent vector. Defaults to 0.2.
        image_shape, latent_dim, filters, kernel_size, prior: as for `DCGAN`.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument or a value out of range.

    Example:
        >>> fresh = kerazoo.create("bigan", image_shape=(16, 16, 1), latent_dim=8)
        >>> images = fresh.generate(4, seed=0)
        >>> fresh.encode(images).shape, fresh.reconstruct(images).shape
        ((4, 8), (4, 16, 16, 1))

    Source: Donahue, Kraehenbuehl and Darrell 2017, "Adversarial Feature Learning", arXiv:1605.09782; Dumoulin,
    Belghazi, Poole et al. 2017, "Adversarially Learned Inference", arXiv:1606.00704.
    """

    paper = "Donahue, Kraehenbuehl and Darrell 2017, arXiv:1605.09782; Dumoulin et al. 2017, arXiv:1606.00704"
    roles = {"discriminator": ("discriminator", "joint"), "generator": ("generator", "encoder")}

    def __init__(
        self,
        stochastic_encoder: bool = False,
        joint_units: Widths = (512, 512, 512),
        maxout_pieces: PositiveInt = 2,
        dropout: Rate = 0.5,
        input_dropout: Rate = 0.2,
        **kwargs,
    ):
        super().__init__(**kwargs)
        size, num_outputs = (self.filters, self.kernel_size), self.latent_dim * (2 if stochastic_encoder else 1)
        of_encoder = {"num_outputs": num_outputs, "dtype": self.dtype_policy, "name": "encoder"}
        self.encoder = build_discriminator(self.image_shape, *size, **of_encoder)
        widths = (joint_units[0] + self.latent_dim, joint_units[1:], 1, maxout_pieces)
        of_joint = {"dropout": dropout, "input_dropout": input_dropout, "dtype": self.dtype_policy, "name": "joint"}
        self.joint = build_maxout_network(*widths, **of_joint)

    @property
    def discriminator_dim(self):
        return self.joint_units[0]

    # === Training ===

    def draw(self, batch, stream):
        rows = tf.shape(batch["real"])[0]
        return {**super().draw(batch, stream), "noise": self.noise(rows, (self.latent_dim,), stream=stream("code"))}

    def fake(self, batch, training):
        """What encoder and generator make: the codes of real images, and the images of latents."""
        codes = self._codes(batch["real"], batch["noise"], training)
        return {"codes": codes, "images": self.generator(batch["z"], training=training)}

    def discriminator_loss(self, batch, fake, training=True):
        return minimax_discriminator_loss(*self._judge_both(batch, fake, training))

    def generator_loss(self, batch, fake, training=True):
        encoded, generated = self._judge_both(batch, fake, training)
        return non_saturating_generator_loss(generated) + non_saturating_generator_loss(-encoded)

    def _judge_both(self, batch, fake, training):
        encoded = self._judge(batch["real"], fake["codes"], training)
        return encoded, self._judge(fake["images"], batch["z"], training)

    def _judge(self, images, z, training):
        """The logit of a pair being an image with its code."""
        features = tf.nn.leaky_relu(self.discriminator(images, training=training), 0.2)
        return self.joint(tf.concat([features, z], axis=1), training=training)

    def _codes(self, images, noise, training):
        """Codes; of a stochastic encoder drawn by standard normal noise."""
        outputs = self.encoder(images, training=training)
        mean, log_variance = outputs[:, : self.latent_dim], outputs[:, self.latent_dim :]
        return mean + tf.exp(log_variance / 2) * noise if self.stochastic_encoder else mean

    # === Verbs ===

    @verb("codes", images="images")
    def encode(self, images):
        """The codes of images; of a stochastic encoder their means.

        Returns:
            np.ndarray. float32, shape `(num, latent_dim)`.
        """
        return self.encoder(self.space.to_network(images), training=False)[:, : self.latent_dim]

    @verb("images", images="images")
    def reconstruct(self, images):
        """The generator's images of the images' codes.

        Returns:
            np.ndarray. float32 in [0, 1], shape of `images`.
        """
        return self.call(self.encode(images))

    def discriminate(self, images, z=None, *, batch_size=256):
        """The discriminator's probability that each pair is a real image with its code.

        Args:
            images: array. uint8, or float in [0, 1], shape `(num, *image_shape)`.
            z: array or None. Latents, shape `(num, latent_dim)`. Defaults to None: the images' codes.
            batch_size: int. Pairs computed at a time. Defaults to 256.

        Returns:
            np.ndarray. float32 in [0, 1], shape `(num,)`.

        Raises:
            DataError: images of a wrong shape or with values out of range.
            ConfigError: latents of another shape or number, or `batch_size` is below 1.
        """
        images = self.check_inputs(images)
        z = self.encode(images, batch_size=batch_size) if z is None else self.latent_prior.check(z)
        return self.calls.in_batches(self._discriminate, images, z, batch_size=batch_size)

    @endpoint("probabilities", images="images", z="latents")
    def _discriminate(self, images, z):
        return tf.sigmoid(self._judge(self.space.to_network(images), z, training=False))[:, 0]

    # === Measuring ===

    def own_figures(self, data, settings, extractor):
        """How well the codes tell classes apart, and whether reconstructions keep them, where the data have labels.

        Returns:
            dict[str, float]. `nearest_neighbour_accuracy`, of the class of the nearest of all codes of the train split,
            as in Donahue et al., section 4.1; `reconstructed_class_accuracy`, the fraction of reconstructions in which
            the extractor finds the label of the original, and `_real`, the same of the originals themselves.
        """
        train, test = data.open("train"), data.open(settings.split)
        rows = test.sample(min(settings.num, len(test)), seed=settings.seed)
        if "label" not in rows or "label" not in train.arrays:
            return {}
        known, found = self.encode(train.arrays["image"][:]), self.encode(rows["image"])
        figures = {"nearest_neighbour_accuracy": knn_probe(known, train.arrays["label"][:], found, rows["label"])}
        images = {"": self.reconstruct(rows["image"]), "_real": as_float_array(rows["image"])}
        for name, shown in images.items():
            classes = extractor().classify(shown).argmax(axis=1)
            figures[f"reconstructed_class_accuracy{name}"] = asked_class_accuracy(rows["label"], classes)
        return figures
