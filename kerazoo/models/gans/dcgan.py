"""DCGAN: deep convolutional generative adversarial network (Radford, Metz and Chintala 2016)."""

from typing import Literal

import keras
import tensorflow as tf

from kerazoo.base.arguments import Fraction, PositiveInt
from kerazoo.base.endpoints import Endpoint
from kerazoo.base.inputs import images
from kerazoo.base.latents import DecodingLatents
from kerazoo.base.model import ZooModel
from kerazoo.base.registry import register
from kerazoo.losses import minimax_discriminator_loss, non_saturating_generator_loss
from kerazoo.networks.convolutional import SquareImageShape, activations, build_discriminator, build_generator
from kerazoo.utils.images import as_float, from_signed, pool_to_grid, to_signed


@register("dcgan")
class DCGAN(DecodingLatents, ZooModel):
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

    task = "image-generation"
    paper = "Radford, Metz and Chintala 2016, arXiv:1511.06434"
    roles = {"discriminator": ("discriminator",), "generator": ("generator",)}
    image_sizes = (16, 128)

    def __init__(
        self,
        image_shape: SquareImageShape = (64, 64, 3),
        latent_dim: PositiveInt = 100,
        filters: PositiveInt = 128,
        kernel_size: PositiveInt = 5,
        prior: Literal["uniform", "normal"] = "uniform",
        label_smoothing: Fraction = 0.0,
        separate_batches: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.latent_dim = latent_dim
        self.filters = filters
        self.kernel_size = kernel_size
        self.prior = prior
        self.label_smoothing = label_smoothing
        self.separate_batches = separate_batches
        self.generator = build_generator(self.image_shape, latent_dim, filters, kernel_size, dtype=self.dtype_policy)
        self.discriminator = build_discriminator(self.image_shape, filters, kernel_size, dtype=self.dtype_policy)
        self.built = True

    def default_optimizers(self):
        return {role: keras.optimizers.Adam(2e-4, beta_1=0.5) for role in self.roles}

    # === Training ===

    def train_step(self, data):
        real = to_signed(as_float(self.batch(data)["image"]))
        z = self.noise(tf.shape(real)[0], (self.latent_dim,), stream="latent", distribution=self.prior)
        with tf.GradientTape() as tape:
            fake = self.generator(z, training=True)
        self.minimize("discriminator", self._discriminator_loss, real, tf.stop_gradient(fake))
        self.minimize("generator", lambda: self._generator_loss(fake, training=True), tape=tape)
        return self.finish_step()

    def test_step(self, data):
        real = to_signed(as_float(self.batch(data)["image"]))
        z = self.noise(tf.shape(real)[0], (self.latent_dim,), stream="test_latent", distribution=self.prior)
        fake = self.generator(z, training=False)
        self.track(
            discriminator_loss=self._discriminator_loss(real, fake, training=False),
            generator_loss=self._generator_loss(fake, training=False),
        )
        return self.logs()

    def _discriminator_loss(self, real, fake, training=True):
        if self.separate_batches:
            real_logits = self.discriminator(real, training=training)
            fake_logits = self.discriminator(fake, training=training)
        else:
            logits = self.discriminator(tf.concat([real, fake], axis=0), training=training)
            real_logits, fake_logits = tf.split(logits, 2)
        return minimax_discriminator_loss(real_logits, fake_logits, self.label_smoothing)

    def _generator_loss(self, fake, training):
        return non_saturating_generator_loss(self.discriminator(fake, training=training))

    # === Verbs ===

    def call(self, inputs, training=False):
        """Images in [0, 1], shape `(batch, *image_shape)`, of latents of shape `(batch, latent_dim)`."""
        return from_signed(self.generator(inputs, training=training))

    def discriminate(self, images, *, batch_size=256):
        """The discriminator's probability that each image is real.

        Args:
            images: array. uint8, or float in [0, 1], shape `(num, *image_shape)`.
            batch_size: int. Images computed at a time. Defaults to 256.

        Returns:
            np.ndarray. float32 in [0, 1], shape `(num,)`.

        Raises:
            DataError: a wrong shape or values out of range.
            ConfigError: `batch_size` is below 1.
        """
        return self.calls.in_batches(self._probabilities, self.check_inputs(images), batch_size)

    def _probabilities(self, images):
        return tf.sigmoid(self.discriminator(to_signed(as_float(images)), training=False))[:, 0]

    def features(self, images, *, batch_size=256):
        """Discriminator features for a linear probe: every layer's activations, max-pooled to a 4x4 grid, in a row.

        Args:
            images: array. uint8, or float in [0, 1], shape `(num, *image_shape)`.
            batch_size: int. Images computed at a time. Defaults to 256.

        Returns:
            np.ndarray. float32, shape `(num, 16 * (channels of all layers))`.

        Raises:
            DataError: a wrong shape or values out of range.
            ConfigError: `batch_size` is below 1.

        Source: Radford et al. 2016, section 5.1.
        """
        return self.calls.in_batches(self._features, self.check_inputs(images), batch_size)

    def _features(self, images):
        maps = activations(self.discriminator)(to_signed(as_float(images)), training=False)
        maps = maps if isinstance(maps, list) else [maps]
        return tf.concat([tf.reshape(pool_to_grid(m, 4), [-1, 16 * m.shape[-1]]) for m in maps], axis=1)

    def endpoints(self):
        inputs = {"images": images(self.image_shape)}
        return {
            **super().endpoints(),
            "discriminate": Endpoint(self._probabilities, inputs, "probabilities"),
            "features": Endpoint(self._features, inputs, "features"),
        }
