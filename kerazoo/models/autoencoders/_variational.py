"""The family of variational autoencoders of binary images: their bounds, their verbs, written once."""

import math

import numpy as np
import tensorflow as tf
from scipy.stats import norm

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
from kerazoo.metrics import beta_vae_score, mutual_information_gap
from kerazoo.utils.checks import check_integer
from kerazoo.utils.errors import ConfigError
from kerazoo.utils.images import as_float, as_float_array, binarised, pixel_log_odds

NUM_IMAGES = 64  # of a picture


class VariationalModel(ZooModel):
    """Base of models of binary images with latents of a Gaussian posterior and prior, and independent Bernoulli pixels.

    Examples `x` are rows of pixels, and of what else a paper adds to them in `draw`. A paper builds `decoder`, whose
    last layer has a bias, and the networks of its posterior. It may write `posterior`, `prior`, `decoder_inputs`,
    `log_likelihood` and `objective`. Images in [0, 1] are binarised anew for every step and every score.

    Attributes:
        num_importance_samples: int. Samples of z for each image in training; more than one gives an IWAE.
        binarise: bool. Whether images are; otherwise pixels are probabilities, and the likelihood is the mean over
            binarisations.
    """

    image_sizes = (1, 64)
    num_importance_samples = 1
    binarise = True

    @property
    def num_pixels(self):
        """Numbers of an image."""
        return math.prod(self.image_shape)

    def adapt(self, arrays):
        self.decoder.layers[-1].bias.assign(pixel_log_odds(arrays["image"]))

    # === Training ===

    def losses(self, batch, *, training):
        bound, reconstruction, kl = self._bound(*self.draw(batch["image"], "train" if training else "test"))
        self.track(reconstruction=reconstruction, kl=kl)
        return self.objective(bound, reconstruction, kl)

    def objective(self, bound, reconstruction, kl):
        """The loss of each image, from its bound, its negative expected log-likelihood and its KL, in nats."""
        return -bound

    def draw(self, images, stream):
        """Examples x of images, and standard normal noise for the samples of z: `(batch, samples, latent_dim)`."""
        pixels = self._flat(as_float(images))
        rows = tf.shape(pixels)[0]
        eps = self.noise(rows, (self.num_importance_samples, self.latent_dim), stream=f"{stream}_posterior")
        if self.binarise:
            uniform = self.noise(rows, (self.num_pixels,), stream=f"{stream}_binarise", distribution="uniform")
            pixels = tf.cast(uniform < 2 * pixels - 1, tf.float32)
        return pixels, eps

    def _flat(self, images):
        return tf.reshape(images, [-1, self.num_pixels])

    # === Parts of the bound ===

    def posterior(self, x):
        """Mean and log-variance of q(z | x)."""
        return tf.split(self.encoder(x), 2, axis=-1)

    def prior_of(self, x):
        """Mean and log-variance of the prior; standard normal unless a paper says so."""
        return tf.zeros((1, self.latent_dim)), tf.zeros((1, self.latent_dim))

    def decoder_inputs(self, z, x):
        """What the decoder takes of latents `(batch, samples, latent_dim)`, and of examples where a paper says so."""
        return z

    def log_likelihood(self, x, logits):
        """log p(x | z) of logits of pixels `(batch, samples, num_pixels)`, shape `(batch, samples)`."""
        return bernoulli_log_likelihood(x[:, None], logits)

    def _bound(self, x, eps):
        """(bound, reconstruction, KL) of each example, in nats, for noise of shape `(batch, samples, latent_dim)`."""
        posterior, prior = self.posterior(x), self.prior_of(x)
        log_weights, reconstruction = self._log_weights(x, posterior, prior, eps)
        kl = gaussian_kl(*posterior, *prior)
        reconstruction = tf.reduce_mean(-reconstruction, axis=1)
        elbo = -reconstruction - kl
        if eps.shape[1] == 1:
            return elbo, reconstruction, kl
        # One sample has the analytic KL, also in a graph that takes any number.
        bound = tf.where(tf.shape(eps)[1] == 1, elbo, importance_weighted_bound(log_weights))
        return bound, reconstruction, kl

    def _log_weights(self, x, posterior, prior, eps):
        (mean, log_variance), prior = ([part[:, None] for part in pair] for pair in (posterior, prior))
        z = mean + tf.exp(0.5 * log_variance) * eps
        inputs = self.decoder_inputs(z, x)
        logits = self.decoder(tf.reshape(inputs, [-1, inputs.shape[-1]]))
        # A shape joined from parts is known to LiteRT before it runs, a stacked one only then.
        logits = tf.reshape(logits, tf.concat([tf.shape(eps)[:2], [self.num_pixels]], axis=0))
        reconstruction = self.log_likelihood(x, logits)
        log_prior = gaussian_log_density(z, *prior)
        return reconstruction + log_prior - gaussian_log_density(z, mean, log_variance), reconstruction

    # === The bound of given examples ===

    def observed(self, images, rng):
        """Rows of pixels of an array of images, binarised by a NumPy generator where the model does so."""
        pixels = as_float_array(images).reshape(len(images), -1)
        return binarised(pixels, rng) if self.binarise else pixels

    def bounds(self, x, rng, num_importance_samples, batch_size):
        """The bound of each of the rows `x`, an array, with samples drawn by a NumPy generator."""
        samples = check_integer("num_importance_samples", num_importance_samples)
        batch_size, found = check_integer("batch_size", batch_size), []
        for start in range(0, len(x), batch_size):  # drawn a batch at a time: all samples together are large
            rows = x[start : start + batch_size]
            eps = rng.standard_normal((len(rows), samples, self.latent_dim), "float32")
            found.append(self.calls(self._score, rows, eps))
        return np.concatenate(found)

    @endpoint("nats", name="bound", int8=NATS, pixels=lambda m: m.row_input(), noise=lambda m: m.bound_noise())
    def _score(self, pixels, noise):
        return self._bound(pixels, noise)[0]

    def row_input(self):
        """The rows that the exported `bound` takes."""
        return units(self.num_pixels)

    def bound_noise(self):
        """The noise that the exported `bound` takes: any number of samples of z for each image."""
        return noise(None, self.latent_dim, distribution="normal")


class VariationalAutoencoder(LatentModel, VariationalModel):
    """Base of autoencoders of images with a standard normal prior, and of their verbs.

    A paper has the arguments `image_shape` and `latent_dim`, and builds `encoder`, from pixels `(batch, num_pixels)` to
    the posterior's mean and log-variance side by side, and `decoder`, from latents to the pixels' logits.
    """

    task = "image-autoencoding"

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
        mean, log_variance = self.posterior(self._flat(images))
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

    def manifold(self, num_steps=20):
        """The images of a grid of latents that cuts the prior into parts of equal probability, for two latents.

        Args:
            num_steps: int. Latents along each axis. Defaults to 20.

        Returns:
            np.ndarray. float32 in [0, 1], shape `(num_steps, num_steps, *image_shape)`: the first latent rises from
            left to right, the second one from the bottom to the top.

        Raises:
            ConfigError: there are not two latents, or `num_steps` is below 1.

        Source: Kingma and Welling 2014, appendix A and figure 4.
        """
        if self.latent_dim != 2:
            raise ConfigError(f"latent_dim = {self.latent_dim}: the manifold of two latents can be shown")
        values = norm.ppf((np.arange(check_integer("num_steps", num_steps)) + 0.5) / num_steps)
        z = np.stack(np.meshgrid(values, values[::-1]), axis=-1)
        return self.decode(z.reshape(-1, 2)).reshape(*z.shape[:2], *self.image_shape)

    def sample_grid(self, num, *, seed):
        """The picture of samples: of a model of two latents their manifold, where no number is asked for.

        Args:
            num: int or None. How many samples; None takes the model's own picture, or else 64.
            seed: int or None. Of drawn latents.

        Returns:
            tuple[np.ndarray, int or None]. Images in [0, 1], and the columns that they stand in.
        """
        rows = self.own_grid(seed) if num is None else None
        return (self.generate(num or NUM_IMAGES, seed=seed), None) if rows is None else in_columns(rows)

    def own_grid(self, seed):
        """What the picture of samples shows in their place, `(rows, columns, *image_shape)`, or None."""
        return self.manifold() if self.latent_dim == 2 else None

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
        images, rng = self.check_inputs(images), random_generator(seed)
        return self.bounds(self.observed(images, rng), rng, num_importance_samples, batch_size)

    @endpoint("nats", name="score", server_only=SEEDED, images="images", seed=lambda model: seed(rows=True))
    def _score_seeded(self, images, seed):
        x = self._flat(images)
        if self.binarise:
            x = tf.cast(seeded_rows(seed, (self.num_pixels,), stream=0) < x, tf.float32)
        return self._score(x, seeded_rows(seed, (1, self.latent_dim), stream=1, distribution="normal"))

    def own_figures(self, data, settings, extractor):
        """How well single latents stand for single factors, of data whose factors are known."""
        source = data.open(settings.split)
        rows = source.sample(min(settings.num, len(source)), seed=settings.seed)
        factors = [rows[name] for name in source.info.value_names if len(np.unique(rows[name])) > 1]
        if len(factors) < 2 or self.latent_dim < 2:
            return {}
        codes, factors = self.encode(rows["image"])["mean"], np.stack(factors, axis=1)
        return {
            "beta_vae_score": beta_vae_score(codes, factors, seed=settings.seed),
            "mutual_information_gap": mutual_information_gap(codes, factors),
        }

    def extra_endpoints(self):
        found = super().extra_endpoints()
        return {**found, "decode": found["generate"]}


def in_columns(rows):
    """Images of a grid `(rows, columns, *image_shape)` in a row, and the number of columns."""
    return rows.reshape(-1, *rows.shape[2:]), rows.shape[1]
