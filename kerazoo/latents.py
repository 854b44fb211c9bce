"""What models share that turn latent vectors into examples, beside their networks: `generate`, `decode`, walks."""

import tensorflow as tf

from kerazoo import endpoints
from kerazoo.replicas import DRAWS
from kerazoo.sampling import check_latents, interpolate_latents, sample_latents


class DecodingLatents:
    """Stands before `ZooModel` among a class's bases, which has `latent_dim` and `call`, from latents to examples.

    Attributes:
        prior: str. The latents' distribution, `"normal"` or `"uniform"` on [-1, 1).
        examples_name: str. What the examples are called in exported signatures.
    """

    prior = "normal"
    examples_name = "images"

    def generate(self, num_samples=16, *, seed=None, truncation=None, batch_size=256):
        """Draw examples: images in [0, 1] (an autoencoder's are Bernoulli probabilities), or points.

        Args:
            num_samples: int. How many. Defaults to 16.
            seed: int or None. The same seed gives the same examples; None gives fresh ones. The exported `sample` draws
                others for a seed: TensorFlow's, within the graph. Defaults to None.
            truncation: float or None. Keeps latents within [-truncation, truncation] (below 1 for a uniform prior);
                variety falls. Defaults to None.
            batch_size: int. Examples computed at a time; it bounds memory. Defaults to 256.

        Returns:
            np.ndarray. float32, shape `(num_samples, *example_shape())`.

        Raises:
            ConfigError: a count, the seed or the truncation is out of range.
        """
        z = sample_latents(num_samples, self.latent_dim, distribution=self.prior, seed=seed, truncation=truncation)
        return self.decode(z, batch_size=batch_size)

    def decode(self, z, *, batch_size=256):
        """The examples of given latents.

        Args:
            z: array. float, finite, shape `(num, latent_dim)`.
            batch_size: int. Examples computed at a time; it bounds memory. Defaults to 256.

        Returns:
            np.ndarray. float32, shape `(num, *example_shape())`: images in [0, 1], or points.

        Raises:
            ConfigError: latents of another shape or with values that are not finite, or `batch_size` is below 1.
        """
        return self.calls.in_batches(self.call, check_latents(z, self.latent_dim), batch_size)

    def interpolate(self, num_steps=8, *, num_rows=8, latents=None, seed=None, batch_size=256):
        """Walk on straight lines between latents.

        Args:
            num_steps: int. Examples on each line, both ends included; at least 2. Defaults to 8.
            num_rows: int. Lines to draw; each begins where the last one ended. Defaults to 8.
            latents: array or None. The lines' ends, shape `(num_lines + 1, latent_dim)`; None draws them. Defaults to
                None.
            seed: int or None. Seed of drawn latents. Defaults to None.
            batch_size: int. Examples computed at a time. Defaults to 256.

        Returns:
            np.ndarray. float32, shape `(num_rows, num_steps, *example_shape())`; with `latents`, as many rows as there
            are lines between them.

        Raises:
            ConfigError: fewer than two steps, latents of another shape, or a count or the seed is out of range.
        """
        if latents is None:
            latents = sample_latents(num_rows + 1, self.latent_dim, distribution=self.prior, seed=seed)
        z = interpolate_latents(check_latents(latents, self.latent_dim), num_steps)
        examples = self.decode(z.reshape(-1, self.latent_dim), batch_size=batch_size)
        return examples.reshape(*z.shape[:2], *self.example_shape())

    def endpoints(self):
        shown = 16 if self.examples_name == "images" else 1000  # a cloud has many points
        drawn = {"seed": endpoints.seed(), "num_samples": endpoints.num_samples(shown)}
        return {
            "generate": endpoints.Endpoint(
                self.call, {"z": endpoints.latents(self.latent_dim, self.prior)}, self.examples_name
            ),
            "sample": endpoints.Endpoint(self._sample, drawn, self.examples_name),
        }

    def _sample(self, seed, num_samples):
        return self.call(DRAWS[self.prior]((num_samples, self.latent_dim), tf.stack([seed, 0])))
