"""Variational autoencoder (Kingma and Welling 2014), also with the importance weighted bound (Burda et al. 2016)."""

from typing import Annotated

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from pydantic import Field

from kerazoo.base.arguments import ImageShape, PositiveInt
from kerazoo.base.endpoints import NATS, Endpoint
from kerazoo.base.inputs import images, noise, seed, units
from kerazoo.base.latents import DecodingLatents
from kerazoo.base.model import ZooModel
from kerazoo.base.priors import random_generator, seeded_rows
from kerazoo.base.registry import register
from kerazoo.losses import (
    bernoulli_log_likelihood,
    gaussian_kl,
    gaussian_log_density,
    importance_weighted_bound,
)
from kerazoo.utils.checks import check_integer
from kerazoo.utils.images import as_float, as_float_array, binarised, pixel_log_odds


@register("vae")
class VAE(DecodingLatents, ZooModel):
    """Variational autoencoder of binary images, with the networks of Burda et al. 2016.

    A Gaussian q(z | x) with diagonal covariance, a standard normal prior, independent Bernoulli pixels, tanh layers.
    Images in [0, 1] are binarised anew for every step and every score ("dynamic binarisation"). With one sample the
    loss is the negative ELBO with the analytic KL; with more it is the negative importance weighted bound, and the
    model an IWAE. `adapt(images)` sets the output's bias to the pixels' log-odds, as the authors' code does; the
    trainer calls it.

    It differs from Burda et al. in the schedule: Adam at 1e-3 with any decay that the configuration asks for, instead
    of eight stages of growing length.

    Args:
        image_shape: tuple[int, int, int]. Height, width and channels. Defaults to `(28, 28, 1)`.
        latent_dim: int. Length of a latent vector. Defaults to 50.
        hidden_units: tuple[int, ...]. Widths of the encoder's layers; the decoder has them in reverse. Defaults to
            `(200, 200)`.
        num_importance_samples: int. Samples of z for each image in training; more than one gives an IWAE. Defaults
            to 1.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument or a value out of range.

    Example:
        >>> model = kerazoo.load("vae")
        >>> images = model.generate(4, seed=0)
        >>> model.score(images, num_importance_samples=50).shape  # nats, a lower bound of log p(x)
        (4,)
        >>> model.decode(model.encode(images)["mean"]).shape
        (4, 28, 28, 1)

    Source: Kingma and Welling 2014, arXiv:1312.6114; Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519.
    """

    task = "image-autoencoding"
    paper = "Kingma and Welling 2014, arXiv:1312.6114; Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519"
    roles = {"vae": ("encoder", "decoder")}
    tracked = ("vae_loss", "reconstruction", "kl")
    image_sizes = (1, 64)

    def __init__(
        self,
        image_shape: ImageShape = (28, 28, 1),
        latent_dim: PositiveInt = 50,
        hidden_units: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (200, 200),
        num_importance_samples: PositiveInt = 1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.latent_dim = latent_dim
        self.hidden_units = tuple(hidden_units)
        self.num_importance_samples = num_importance_samples
        self.num_pixels = int(np.prod(self.image_shape))
        self.encoder = self._network("encoder", self.num_pixels, self.hidden_units, 2 * latent_dim)
        self.decoder = self._network("decoder", latent_dim, self.hidden_units[::-1], self.num_pixels)
        self.built = True

    def _network(self, name, num_inputs, widths, num_outputs):
        x = inputs = keras.Input((num_inputs,))
        for width in widths:
            x = layers.Dense(width, activation="tanh", dtype=self.dtype_policy)(x)
        return keras.Model(inputs, layers.Dense(num_outputs, dtype="float32")(x), name=name)

    def default_optimizers(self):
        # Burda et al. 2016, section 5, give epsilon 1e-4.
        return {"vae": keras.optimizers.Adam(1e-3, epsilon=1e-4)}

    def adapt(self, arrays):
        self.decoder.layers[-1].bias.assign(pixel_log_odds(arrays["image"]))

    # === Training ===

    def losses(self, batch, *, training):
        bound, reconstruction, kl = self._bound(*self._draws(batch["image"], "train" if training else "test"))
        self.track(reconstruction=reconstruction, kl=kl)
        return -bound

    def _draws(self, images, stream):
        """Binarised pixels, shape `(batch, pixels)`, and standard normal noise for the samples of z."""
        pixels = self._flat(as_float(images))
        rows = tf.shape(pixels)[0]
        uniform = self.noise(rows, (self.num_pixels,), stream=f"{stream}_binarise", distribution="uniform")
        eps = self.noise(rows, (self.num_importance_samples, self.latent_dim), stream=f"{stream}_posterior")
        return tf.cast(uniform < 2 * pixels - 1, tf.float32), eps

    def _flat(self, images):
        return tf.reshape(images, [-1, self.num_pixels])

    def _bound(self, x, eps):
        """(bound, reconstruction, KL) of each example, in nats, for noise of shape `(batch, samples, latent_dim)`."""
        mean, log_variance = self._posterior(x)
        log_weights, reconstruction = self._log_weights(x, mean, log_variance, eps)
        kl = gaussian_kl(mean, log_variance)
        reconstruction = tf.reduce_mean(-reconstruction, axis=1)
        elbo = -reconstruction - kl
        if eps.shape[1] == 1:
            return elbo, reconstruction, kl
        # One sample has the analytic KL, also in a graph that takes any number.
        bound = tf.where(tf.shape(eps)[1] == 1, elbo, importance_weighted_bound(log_weights))
        return bound, reconstruction, kl

    def _posterior(self, x):
        return tf.split(self.encoder(x), 2, axis=-1)

    def _log_weights(self, x, mean, log_variance, eps):
        mean, log_variance = mean[:, None], log_variance[:, None]
        z = mean + tf.exp(0.5 * log_variance) * eps
        logits = self.decoder(tf.reshape(z, [-1, self.latent_dim]))
        # A shape joined from parts is known to LiteRT before it runs, a stacked one only then.
        logits = tf.reshape(logits, tf.concat([tf.shape(eps)[:2], [self.num_pixels]], axis=0))
        reconstruction = bernoulli_log_likelihood(x[:, None], logits)
        prior = gaussian_log_density(z, 0.0, tf.zeros_like(z))
        return reconstruction + prior - gaussian_log_density(z, mean, log_variance), reconstruction

    # === Verbs ===

    def call(self, inputs, training=False):
        """Bernoulli probabilities, shape `(batch, *image_shape)`, of latents of shape `(batch, latent_dim)`."""
        return tf.reshape(tf.sigmoid(self.decoder(inputs, training=training)), [-1, *self.image_shape])

    def encode(self, images, *, batch_size=256):
        """The posterior q(z | x).

        Args:
            images: array. uint8, or float in [0, 1], shape `(num, *image_shape)`. They are not binarised.
            batch_size: int. Images computed at a time. Defaults to 256.

        Returns:
            dict[str, np.ndarray]. `mean` and `log_variance`, float32, shape `(num, latent_dim)`.

        Raises:
            DataError: a wrong shape or values out of range.
            ConfigError: `batch_size` is below 1.
        """
        return self.calls.in_batches(self._encode, self.check_inputs(images), batch_size)

    def _encode(self, images):
        mean, log_variance = self._posterior(self._flat(as_float(images)))
        return {"mean": mean, "log_variance": log_variance}

    def reconstruct(self, images, *, batch_size=256):
        """Bernoulli probabilities at the posterior's mean; arguments as for `encode`.

        Returns:
            np.ndarray. float32 in [0, 1], shape of `images`.
        """
        return self.decode(self.encode(images, batch_size=batch_size)["mean"], batch_size=batch_size)

    def traverse(self, image, dimension, values=(-3, -2, -1, 0, 1, 2, 3)):
        """Images of one image's posterior mean with one latent dimension set to each of `values`.

        Args:
            image: array. uint8, or float in [0, 1], shape `image_shape`.
            dimension: int. 0 to `latent_dim` - 1.
            values: sequence of float. The prior's standard deviation is 1. Defaults to -3, -2, -1, 0, 1, 2, 3.

        Returns:
            np.ndarray. float32 in [0, 1], shape `(len(values), *image_shape)`.

        Raises:
            DataError: a wrong shape or values out of range.
            ConfigError: a dimension that there is not.
        """
        dimension = check_integer("dimension", dimension, 0, self.latent_dim - 1)
        z = np.repeat(self.encode(np.asarray(image)[None])["mean"], len(values), axis=0)
        z[:, dimension] = values
        return self.decode(z)

    def score(self, images, *, num_importance_samples=1, seed=0, batch_size=50):
        """A lower bound of log p(x) of each binarised image, which rises with the number of samples.

        Args:
            images: array. uint8, or float in [0, 1], shape `(num, *image_shape)`; binarised by `seed`.
            num_importance_samples: int. 1 gives the ELBO (analytic KL). Defaults to 1.
            seed: int or None. Of the binarisation and of z; None draws anew. Defaults to 0.
            batch_size: int. Images computed at a time, each with all its samples. Defaults to 50.

        Returns:
            np.ndarray. float32, shape `(num,)`, in nats, higher is better.

        Raises:
            DataError: a wrong shape or values out of range.
            ConfigError: a count or the seed is out of range.
        """
        images = self.check_inputs(images)
        samples = check_integer("num_importance_samples", num_importance_samples)
        batch_size = check_integer("batch_size", batch_size)
        rng = random_generator(seed)
        pixels = as_float_array(images).reshape(len(images), -1)
        binary = binarised(pixels, rng)
        bounds = []
        for start in range(0, len(binary), batch_size):
            x = binary[start : start + batch_size]
            eps = rng.standard_normal((len(x), samples, self.latent_dim), "float32")
            bounds.append(self.calls(self._score, x, eps))
        return np.concatenate(bounds)

    def _score(self, x, eps):
        return self._bound(x, eps)[0]

    def _score_seeded(self, images, seed):
        pixels = self._flat(as_float(images))
        x = tf.cast(seeded_rows(seed, (self.num_pixels,), stream=0) < pixels, tf.float32)
        return self._score(x, seeded_rows(seed, (1, self.latent_dim), stream=1, distribution="normal"))

    def _reconstruct(self, images):
        return self.call(self._encode(images)["mean"])

    def endpoints(self):
        of_images = {"images": images(self.image_shape)}
        binary = {"pixels": units(self.num_pixels), "noise": noise(None, self.latent_dim, distribution="normal")}
        found = super().endpoints()
        return {
            **found,
            "decode": found["generate"],
            "encode": Endpoint(self._encode, of_images),
            "reconstruct": Endpoint(self._reconstruct, of_images, "images"),
            "score": Endpoint(self._score_seeded, {**of_images, "seed": seed(rows=True)}, "nats"),
            "bound": Endpoint(self._score, binary, "nats", int8=NATS),
        }
