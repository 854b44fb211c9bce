"""Conditional variational autoencoder for structured outputs: the rest of an image, given a part (Sohn et al. 2015)."""

import keras
import numpy as np
import tensorflow as tf

from kerazoo.base import inputs
from kerazoo.base.arguments import ImageShape, PositiveInt, Widths
from kerazoo.base.priors import Normal, random_generator
from kerazoo.base.registry import register
from kerazoo.base.verbs import endpoint
from kerazoo.losses import bernoulli_log_likelihood
from kerazoo.models.autoencoders._variational import VariationalModel
from kerazoo.networks.dense import build_mlp
from kerazoo.utils.errors import DataError
from kerazoo.utils.images import as_float_array, to_signed

NUM_QUADRANTS = 4


@register("conditional_vae")
class ConditionalVAE(VariationalModel):
    """Conditional VAE of binary images that completes them: p(y | x) of the missing pixels y, given the others, x.

    The prior p(z | x) is a network of what is given and learned with the rest; the recognition network q(z | x, y) sees
    the whole image; the generation network p(y | x, z) sees z and what is given, directly. The loss is the negative
    bound of the conditional likelihood, with the analytic KL between the two Gaussians, and counts the missing pixels
    alone (the paper's equation 4). In training one, two or three random quadrants are given; `complete` and `score`
    take any mask. `score` with several samples is the importance sampling estimate of the paper's section 5.1.

    It differs from the paper in one model for one, two and three quadrants, where the paper trains one for each, in
    small perceptrons, and in what goes without the baseline network whose guess the paper's networks also see, and
    without the hybrid objective.

    Args:
        image_shape: tuple[int, int, int]. Height, width and channels. Defaults to `(28, 28, 1)`.
        latent_dim: int. Length of a latent vector. Defaults to 50.
        hidden_units: tuple[int, ...]. Widths of the hidden layers of the three networks, with ReLU. Defaults to
            `(200, 200)`.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument or a value out of range.

    Example:
        >>> model = kerazoo.create("conditional_vae", image_shape=(8, 8, 1))
        >>> images, mask = np.zeros((3, 8, 8, 1)), model.quadrants(1)
        >>> model.complete(images, mask, seed=0).shape
        (3, 8, 8, 1)
        >>> model.score(images, mask, num_importance_samples=100).shape  # nats, of the missing pixels
        (3,)

    Source: Sohn, Lee and Yan 2015, "Learning Structured Output Representation using Deep Conditional Generative
    Models", NeurIPS, sections 4.1 and 5.1.
    """

    paper = "Sohn, Lee and Yan 2015, NeurIPS"
    task = "image-completion"
    roles = {"conditional_vae": ("prior_network", "recognition", "decoder")}
    tracked = ("conditional_vae_loss", "reconstruction", "kl")
    image_sizes = (2, 64)
    default_endpoint = "complete"

    def __init__(
        self,
        image_shape: ImageShape = (28, 28, 1),
        latent_dim: PositiveInt = 50,
        hidden_units: Widths = (200, 200),
        **kwargs,
    ):
        super().__init__(**kwargs)
        pixels, dtype = self.num_pixels, self.dtype_policy
        self.prior_network = build_mlp(pixels, hidden_units, 2 * latent_dim, dtype=dtype, name="prior")
        self.recognition = build_mlp(2 * pixels, hidden_units, 2 * latent_dim, dtype=dtype, name="recognition")
        self.decoder = build_mlp(latent_dim + pixels, hidden_units, pixels, dtype=dtype, name="decoder")

    def default_optimizers(self):
        return {"conditional_vae": keras.optimizers.Adam(1e-3)}

    # === The bound, of rows of pixels with their mask behind them ===

    def draw(self, images, stream):
        pixels, eps = super().draw(images, stream)
        rows = tf.shape(pixels)[0]
        draws = self.noise(rows, (NUM_QUADRANTS,), stream=f"{stream}_quadrants", distribution="unit")
        most = self.noise(rows, (1,), stream=f"{stream}_given", distribution="integers", maximum=NUM_QUADRANTS - 1)
        given = tf.argsort(tf.argsort(draws, axis=1), axis=1) <= most  # the lowest one, two or three
        return tf.concat([pixels, tf.cast(given, tf.float32) @ self._quadrant_masks()], axis=1), eps

    def posterior(self, x):
        pixels, _, given = self._parts(x)
        return tf.split(self.recognition(tf.concat([to_signed(pixels), given], axis=1)), 2, axis=-1)

    def prior_of(self, x):
        return tf.split(self.prior_network(self._parts(x)[2]), 2, axis=-1)

    def decoder_inputs(self, z, x):
        given = self._parts(x)[2][:, None]
        shape = tf.concat([tf.shape(z)[:2], [self.num_pixels]], axis=0)
        return tf.concat([z, tf.broadcast_to(given, shape)], axis=-1)

    def log_likelihood(self, x, logits):
        pixels, mask, _ = self._parts(x)
        return bernoulli_log_likelihood(pixels[:, None], logits, 1 - mask[:, None])

    def _parts(self, x):
        """Pixels, the mask, which is 1 where they are given, and what is given: -1 or 1, 0 where it is missing."""
        pixels, mask = tf.split(x, 2, axis=1)
        return pixels, mask, mask * to_signed(pixels)

    # === Verbs ===

    def quadrants(self, number):
        """The mask of the first of four quadrants: lower left, upper left, lower right, upper right.

        Args:
            number: int. How many are given, 0 to 4.

        Returns:
            np.ndarray. bool, shape `(height, width)`, True where pixels are given.
        """
        masks = self._quadrant_masks().reshape(NUM_QUADRANTS, *self.image_shape)[..., 0]
        return masks[:number].any(axis=0)

    def complete(self, images, mask, *, seed=0, batch_size=256):
        """The images with their missing pixels: their probabilities at latents drawn from the prior p(z | x).

        Args:
            images: array. uint8, or float in [0, 1], shape `(num, *image_shape)`; what is missing is not looked at.
            mask: array. bool, or 0 and 1, shape `(height, width)` or `(num, height, width)`: where pixels are given.
            seed: int or None. Of the latents; None draws anew. Defaults to 0.
            batch_size: int. Images computed at a time. Defaults to 256.

        Returns:
            np.ndarray. float32 in [0, 1], shape of `images`.

        Raises:
            DataError: a wrong shape or values out of range.
            ConfigError: the seed is out of range, or `batch_size` is below 1.
        """
        images = as_float_array(self.check_inputs(images))
        z = Normal(self.latent_dim).sample_with(random_generator(seed), len(images))
        mask = self._check_mask(mask, len(images))
        return self.calls.in_batches(self._complete, images, mask, z, batch_size=batch_size)

    @endpoint(
        "images",
        name="complete",
        images="images",
        mask=lambda model: inputs.images((*model.image_shape[:2], 1), None),
        z=lambda model: Normal(model.latent_dim).input(),
    )
    def _complete(self, images, mask, z):
        mask = tf.cast(mask >= 0.5, tf.float32) * tf.ones_like(images)
        x = tf.concat([self._flat(images), self._flat(mask)], axis=1)
        mean, log_variance = self.prior_of(x)
        latents = (mean + tf.exp(0.5 * log_variance) * z)[:, None]
        found = tf.sigmoid(self.decoder(self.decoder_inputs(latents, x)[:, 0]))
        return mask * images + (1 - mask) * tf.reshape(found, [-1, *self.image_shape])

    def score(self, images, mask, *, num_importance_samples=1, seed=0, batch_size=50):
        """A lower bound of log p of each binarised image's missing pixels, given the others; see `VAE.score`.

        Args:
            images, mask: as for `complete`; images are binarised by `seed`.
            num_importance_samples: int. 1 gives the ELBO (analytic KL). Defaults to 1.
            seed: int or None. Of the binarisation and of z; None draws anew. Defaults to 0.
            batch_size: int. Images computed at a time, each with all its samples. Defaults to 50.

        Returns:
            np.ndarray. float32, shape `(num,)`, in nats, higher is better.

        Raises:
            DataError: a wrong shape or values out of range.
            ConfigError: a count or the seed is out of range.
        """
        images, rng = self.check_inputs(images), random_generator(seed)
        mask = np.broadcast_to(self._check_mask(mask, len(images)), images.shape).reshape(len(images), -1)
        rows = np.concatenate([self.observed(images, rng), mask], axis=1)
        return self.bounds(rows, rng, num_importance_samples, batch_size)

    def row_input(self):
        return inputs.units(2 * self.num_pixels)

    def _check_mask(self, mask, num):
        """A mask as float32 `(num, height, width, 1)`."""
        mask, (height, width, _) = np.asarray(mask), self.image_shape
        if mask.shape not in ((height, width), (num, height, width)) or not np.isin(mask, (0, 1)).all():
            raise DataError(
                f"mask of shape {mask.shape}: 0 and 1, or booleans, of shape ({height}, {width}) or ({num}, {height}, "
                f"{width}) are expected"
            )
        return np.broadcast_to(mask.astype("float32"), (num, height, width))[..., None]

    def _quadrant_masks(self):
        """Rows of pixels, float32 `(4, num_pixels)`, 1 within a quadrant."""
        height, width, channels = self.image_shape
        left, upper = np.arange(width) < width // 2, np.arange(height)[:, None] < height // 2
        masks = np.stack([~upper & left, upper & left, ~upper & ~left, upper & ~left])
        return np.repeat(masks[..., None], channels, axis=-1).reshape(NUM_QUADRANTS, -1).astype("float32")
