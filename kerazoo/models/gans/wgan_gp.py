"""WGAN-GP: Wasserstein GAN with gradient penalty (Gulrajani et al. 2017)."""

from typing import Annotated

import keras
import numpy as np
import tensorflow as tf
from pydantic import Field

from kerazoo.base.arguments import PositiveInt
from kerazoo.base.endpoints import Endpoint
from kerazoo.base.inputs import images, points
from kerazoo.base.latents import DecodingLatents
from kerazoo.base.model import ZooModel
from kerazoo.base.priors import random_generator
from kerazoo.base.registry import register
from kerazoo.base.replicas import global_rows, local_rows
from kerazoo.losses import (
    gradient_norms,
    gradient_penalty,
    interpolates,
    wasserstein_critic_loss,
    wasserstein_generator_loss,
)
from kerazoo.networks.convolutional import SquareImageShape, build_discriminator, build_generator
from kerazoo.networks.dense import build_mlp
from kerazoo.utils.checks import check_integer
from kerazoo.utils.errors import ConfigError
from kerazoo.utils.images import as_float, from_signed, to_signed


@register("wgan_gp")
class WGANGP(DecodingLatents, ZooModel):
    """Wasserstein GAN with gradient penalty, for square images of 16 to 128 pixels or for points of any dimension.

    The paper's algorithm 1: `n_critic` updates of the critic, each on a fresh real batch and fresh latents, then one
    of the generator; a two-sided penalty at points drawn uniformly on the lines between real and generated examples;
    Adam with rate 1e-4, beta_1 0 and beta_2 0.9; standard normal latents; no batch normalisation in the critic, whose
    gradient is taken for each example alone. Its last layer has no bias, which would cancel in every loss.

    `fit(batch_size=b)` takes `n_critic` batches of b examples a step. A dataset's own batch is divided into `n_critic`
    parts; one with fewer examples than that gives some of them to several updates.

    Images go through DCGAN's networks (the critic with biases, and weights after He et al. 2015), points through
    multilayer perceptrons with ReLU, as in the paper's toy experiments.

    Args:
        image_shape: tuple[int, int, int] or None. Of images: square, 16 to 128 pixels, 1 or 3 channels.
        num_features: int or None. Dimension of points. Exactly one of this and `image_shape` is given.
        latent_dim: int. Length of a latent vector. Defaults to 128.
        filters: int. For images: channels next to the image; they double with each halving. Defaults to 64.
        kernel_size: int. For images: side of all kernels. Defaults to 5.
        generator_units, critic_units: tuple[int, ...]. For points: widths of the hidden layers. Default to
            `(512, 512, 512)`.
        n_critic: int. Updates of the critic for one of the generator. Defaults to 5.
        gradient_penalty_weight: float of at least 0. The paper's lambda. Defaults to 10.0.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, or not exactly one of `image_shape` and `num_features`.

    Example:
        >>> model = kerazoo.load("wgan_gp")
        >>> model.generate(16, seed=0).shape
        (16, 28, 28, 1)
        >>> points = kerazoo.create("wgan_gp", num_features=2, latent_dim=2)
        >>> points.compile(seed=0)
        >>> points.fit("ring", batch_size=256, epochs=10)  # doctest: +SKIP

    Source: Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville 2017, "Improved Training of Wasserstein GANs",
    arXiv:1704.00028.
    """

    task = "image-generation"  # of images; points have their own
    paper = "Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville 2017, arXiv:1704.00028"
    roles = {"critic": ("critic",), "generator": ("generator",)}
    tracked = ("critic_loss", "generator_loss", "wasserstein", "gradient_norm")
    image_sizes = (16, 128)

    def __init__(
        self,
        image_shape: SquareImageShape | None = None,
        num_features: PositiveInt | None = None,
        latent_dim: PositiveInt = 128,
        filters: PositiveInt = 64,
        kernel_size: PositiveInt = 5,
        generator_units: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (512, 512, 512),
        critic_units: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (512, 512, 512),
        n_critic: PositiveInt = 5,
        gradient_penalty_weight: Annotated[float, Field(ge=0)] = 10.0,
        **kwargs,
    ):
        if (image_shape is None) == (num_features is None):
            given = f"{image_shape} and {num_features}"
            raise ConfigError(f"WGANGP: one of image_shape and num_features (for points) is expected, not {given}")
        super().__init__(**kwargs)
        self.image_shape = None if image_shape is None else tuple(image_shape)
        self.num_features = num_features
        self.latent_dim = latent_dim
        self.filters = filters
        self.kernel_size = kernel_size
        self.generator_units = tuple(generator_units)
        self.critic_units = tuple(critic_units)
        self.n_critic = n_critic
        self.gradient_penalty_weight = gradient_penalty_weight
        self.batches_per_step = n_critic
        if image_shape is None:
            self.batch_key, self.task, self.examples_name = "points", "point-generation", "points"
            self._build_dense()
        else:
            self._build_convolutional()
        self.built = True

    def _build_dense(self):
        of = {"dtype": self.dtype_policy}
        self.generator = build_mlp(self.latent_dim, self.generator_units, self.num_features, name="generator", **of)
        self.critic = build_mlp(self.num_features, self.critic_units, 1, output_bias=False, name="critic", **of)

    def _build_convolutional(self):
        size, of = (self.filters, self.kernel_size), {"dtype": self.dtype_policy}
        self.generator = build_generator(self.image_shape, self.latent_dim, *size, **of)
        of |= {"normalization": None, "initializer": "he_normal", "output_bias": False}
        self.critic = build_discriminator(self.image_shape, *size, name="critic", **of)

    @classmethod
    def arguments_from(cls, source, arguments):
        points = source.info.shapes.get("points")
        if points is not None and len(points) == 1:
            found, other = {"num_features": points[0]}, "image_shape"
        else:
            found, other = super().arguments_from(source, arguments), "num_features"
        return found | ({other: None} if arguments.get(other) is not None else {})

    def example_shape(self):
        return self.image_shape or (self.num_features,)

    def default_optimizers(self):
        return {role: keras.optimizers.Adam(1e-4, beta_1=0.0, beta_2=0.9) for role in self.roles}

    def updates_per_step(self, role):
        return self.n_critic if role == "critic" else 1

    # === Training ===

    def train_step(self, data):
        parts = self._parts(self._inputs(self.batch(data)[self.batch_key]))
        for k, real in enumerate(parts):
            self._update_critic(k, real)
        z = self._latents(parts[0], "latent_generator")
        self.minimize("generator", self._generator_loss, z)
        return self.finish_step()

    def _parts(self, real):
        """The real batch of each of the critic's updates: row i of the global batch belongs to part i % n_critic."""
        num_rows, total = tf.shape(real)[0], tf.cast(global_rows(real), tf.int32)
        first = tf.reduce_min(local_rows(tf.range(total), num_rows))  # this replica's
        stride = tf.minimum(self.n_critic, total)  # so that no part is empty
        return [tf.gather(real, tf.range((k - first) % stride, num_rows, stride)) for k in range(self.n_critic)]

    def _update_critic(self, k, real):
        fake = self.generator(self._latents(real, f"latent_{k}"), training=True)
        positions = self._positions(real, f"position_{k}")
        self.minimize("critic", self._critic_loss, real, fake, positions)

    def _generator_loss(self, z):
        return wasserstein_generator_loss(self.critic(self.generator(z, training=True)))

    def _latents(self, real, stream):
        return self.noise(tf.shape(real)[0], (self.latent_dim,), stream=stream)

    def _positions(self, real, stream):
        """Uniform on [0, 1), one an example."""
        return (self.noise(tf.shape(real)[0], (1,), stream=stream, distribution="uniform") + 1) / 2

    def _critic_loss(self, real, fake, positions):
        real_values, fake_values = tf.split(self.critic(tf.concat([real, fake], axis=0)), 2)
        distance = wasserstein_critic_loss(real_values, fake_values)
        norms = gradient_norms(self.critic, interpolates(real, fake, positions))
        self.track(wasserstein=-distance, gradient_norm=norms)
        return distance + self.gradient_penalty_weight * gradient_penalty(norms)

    def test_step(self, data):
        real = self._inputs(self.batch(data)[self.batch_key])
        fake = self.generator(self._latents(real, "test_latent"), training=False)
        critic_loss = self._critic_loss(real, fake, self._positions(real, "test_position"))
        self.track(critic_loss=critic_loss, generator_loss=wasserstein_generator_loss(self.critic(fake)))
        return self.logs()

    def _inputs(self, examples):
        """Examples as the networks see them: images in [-1, 1], points as they are."""
        return tf.cast(examples, tf.float32) if self.image_shape is None else to_signed(as_float(examples))

    # === Verbs ===

    def call(self, inputs, training=False):
        """Images in [0, 1], or points, shape `(batch, *example_shape())`, of latents `(batch, latent_dim)`."""
        outputs = self.generator(inputs, training=training)
        return outputs if self.image_shape is None else from_signed(outputs)

    def critic_values(self, examples, *, batch_size=256):
        """The critic's value of each example: higher is more real; only differences have a meaning.

        Args:
            examples: array. Points, float, or images, uint8 or float in [0, 1]; shape `(num, *example_shape())`.
            batch_size: int. Examples computed at a time. Defaults to 256.

        Returns:
            np.ndarray. float32, shape `(num,)`, unbounded.

        Raises:
            DataError: a wrong shape or values out of range.
            ConfigError: `batch_size` is below 1.
        """
        return self.calls.in_batches(self._critic_values, self.check_inputs(examples), batch_size)

    def _critic_values(self, examples):
        return self.critic(self._inputs(examples))[:, 0]

    def gradient_norms(self, examples, *, seed=0, batch_size=256):
        """The norm of the critic's gradient between real and generated examples: near 1 when trained.

        Args:
            examples: array. Real ones: points, float, or images, uint8 or float in [0, 1]; `(num, *example_shape())`.
            seed: int or None. Of the generated examples and of the positions between; None draws anew. Defaults to 0.
            batch_size: int. Examples computed at a time. Defaults to 256.

        Returns:
            np.ndarray. float32, at least 0, shape `(num,)`: at a point between each real example and a generated one.

        Raises:
            DataError: a wrong shape or values out of range.
            ConfigError: the seed is out of range, or `batch_size` is below 1.

        Source: Gulrajani et al. 2017, section 4, whose penalty holds it near 1.
        """
        examples = self.check_inputs(examples)
        rng, size = random_generator(seed), check_integer("batch_size", batch_size)
        z = rng.standard_normal((len(examples), self.latent_dim), "float32")
        positions = rng.random((len(examples), 1), "float32")
        parts = [slice(start, start + size) for start in range(0, len(examples), size)]
        norms = [self.calls(self._gradient_norms, examples[p], z[p], positions[p]) for p in parts]
        return np.concatenate(norms)

    def _gradient_norms(self, examples, z, positions):
        fake = self.generator(z, training=False)
        return gradient_norms(self.critic, interpolates(self._inputs(examples), fake, positions))

    def endpoints(self):
        examples = points(self.num_features) if self.image_shape is None else images(self.image_shape)
        values = Endpoint(self._critic_values, {self.examples_name: examples}, "values")
        return {**super().endpoints(), "critic_values": values}
