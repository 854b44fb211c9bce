"""The family of variational autoencoders of binary images: their bound, their verbs, written once."""

import math

import numpy as np
import tensorflow as tf

from kerazoo.base.endpoints import NATS, SEEDED
from kerazoo.base.inputs import noise, seed, units
from kerazoo.base.latents import LatentModel
from kerazoo.base.model import ZooModel
from kerazoo.base.priors import random_generator, seeded_rows
from kerazoo.base.verbs import endpoint, verb
from kerazoo.losses import (
    bernoulli_log_likelihood,
    gaussian_kl,
    gaussian_log_density,
    importance_weighted_bound,
)
from kerazoo.utils.checks import check_integer
from kerazoo.utils.images import as_float, as_float_array, binarised, pixel_log_odds


class VariationalAutoencoder(LatentModel, ZooModel):
    """Base of autoencoders with a Gaussian posterior, a standard normal prior and independent Bernoulli pixels.

    A paper has the arguments `image_shape` and `latent_dim`, and builds `encoder`, from pixels `(batch, num_pixels)` to
    the posterior's mean and log-variance side by side, and `decoder`, from latents to the pixels' logits, whose last
    layer has a bias. It may write `objective`. Images in [0, 1] are binarised anew for every step and every score.

    Attributes:
        num_importance_samples: int. Samples of z for each image in training; more than one gives an IWAE.
    """

    task = "image-autoencoding"
    image_sizes = (1, 64)
    num_importance_samples = 1

    @property
    def num_pixels(self):
        """Numbers of an image."""
        return math.prod(self.image_shape)

    def adapt(self, arrays):
        self.decoder.layers[-1].bias.assign(pixel_log_odds(arrays["image"]))

    # === Training ===

    def losses(self, batch, *, training):
        bound, reconstruction, kl = self._bound(*self._draws(batch["image"], "train" if training else "test"))
        self.track(reconstruction=reconstruction, kl=kl)
        return self.objective(bound, reconstruction, kl)

    def objective(self, bound, reconstruction, kl):
        """The loss of each image, from its bound, its negative expected log-likelihood and its KL, in nats."""
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

    @verb(None, images="images")
    def encode(self, images):
        """The posterior q(z | x); images are not binarised.

        Returns:
            dict[str, np.ndarray]. `mean` and `log_variance`, float32, shape `(num, latent_dim)`.
        """
        mean, log_variance = self._posterior(self._flat(images))
        return {"mean": mean, "log_variance": log_variance}

    @verb("images", images="images")
    def reconstruct(self, images):
        """Bernoulli probabilities at the posterior's mean.

        Returns:
            np.ndarray. float32 in [0, 1], shape of `images`.
        """
        return self.call(self.encode(images)["mean"])

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
        for start in range(0, len(binary), batch_size):  # drawn a batch at a time: all samples together are large
            x = binary[start : start + batch_size]
            eps = rng.standard_normal((len(x), samples, self.latent_dim), "float32")
            bounds.append(self.calls(self._score, x, eps))
        return np.concatenate(bounds)

    @endpoint("nats", name="bound", int8=NATS, pixels=lambda m: units(m.num_pixels), noise=lambda m: m.bound_noise())
    def _score(self, pixels, noise):
        return self._bound(pixels, noise)[0]

    def bound_noise(self):
        """The noise that the exported `bound` takes: any number of samples of z for each image."""
        return noise(None, self.latent_dim, distribution="normal")

    @endpoint("nats", name="score", server_only=SEEDED, images="images", seed=lambda model: seed(rows=True))
    def _score_seeded(self, images, seed):
        x = tf.cast(seeded_rows(seed, (self.num_pixels,), stream=0) < self._flat(images), tf.float32)
        return self._score(x, seeded_rows(seed, (1, self.latent_dim), stream=1, distribution="normal"))

    def extra_endpoints(self):
        found = super().extra_endpoints()
        return {**found, "decode": found["generate"]}
