"""Generators from latent vectors, also of a class asked for: `generate`, `decode`, walks in latent space."""

import numpy as np
import tensorflow as tf

from kerazoo.base import inputs
from kerazoo.base.endpoints import SEEDED, Endpoint
from kerazoo.base.labels import check_labels
from kerazoo.base.priors import PRIORS
from kerazoo.utils.checks import check_integer
from kerazoo.utils.errors import ConfigError


class LatentModel:
    """Mixin; list it before `ZooModel`. The class has `latent_dim` and `call`, from latents to examples.

    A conditional model lists `ConditionalLatentModel` instead; its `call` takes latents and labels.

    Attributes:
        prior: str. The latents' distribution, `"normal"` or `"uniform"` on [-1, 1).
        latent_prior: Prior. The same as an object; a model with codes beside its noise has another property here.
        conditional: bool. Whether `generate` can be asked for classes.
    """

    prior = "normal"
    conditional = False
    default_endpoint: str | None = "generate"

    @property
    def latent_prior(self):
        """The prior of the latents, an object of `kerazoo.base.priors`."""
        return PRIORS[self.prior](self.latent_dim)

    def generate(self, num_samples=16, *, seed=None, labels=None, truncation=None, batch_size=256):
        """Draw examples: images in [0, 1] (an autoencoder's are Bernoulli probabilities), or points.

        Args:
            num_samples: int. How many. Defaults to 16.
            seed: int or None. The same seed gives the same examples; None gives fresh ones. The exported `sample` draws
                others for a seed: TensorFlow's, within the graph. Defaults to None.
            labels: int, array of int, or None. Of a conditional model: the class asked for, one for all or one a
                sample; None takes each class in turn. Defaults to None.
            truncation: float or None. Keeps latents within [-truncation, truncation] (below 1 for a uniform prior);
                variety falls. Defaults to None.
            batch_size: int. Examples computed at a time; it bounds memory. Defaults to 256.

        Returns:
            np.ndarray. float32, shape `(num_samples, *example_shape)`.

        Raises:
            ConfigError: a count, the seed or the truncation is out of range, or labels for a model without classes.
            DataError: labels that are no classes of the model.
        """
        z = self.latent_prior.sample(num_samples, seed=seed, truncation=truncation)
        return self.decode(z, labels, batch_size=batch_size)

    def decode(self, z, labels=None, *, batch_size=256):
        """The examples of given latents.

        Args:
            z: array. float, finite, shape `(num, latent_dim)`.
            labels: int, array of int, or None. As for `generate`. Defaults to None.
            batch_size: int. Examples computed at a time; it bounds memory. Defaults to 256.

        Returns:
            np.ndarray. float32, shape `(num, *example_shape)`: images in [0, 1], or points.

        Raises:
            ConfigError: latents of another shape or with values that are not finite, `batch_size` is below 1, or
                labels for a model without classes.
            DataError: labels that are no classes of the model.
        """
        z = self.latent_prior.check(z)
        return self.calls.in_batches(self.call, z, *self.conditions(labels, len(z)), batch_size=batch_size)

    def interpolate(self, num_steps=8, *, num_rows=8, latents=None, labels=None, seed=None, batch_size=256):
        """Walk on straight lines between latents.

        Args:
            num_steps: int. Examples on each line, both ends included; at least 2. Defaults to 8.
            num_rows: int. Lines to draw; each begins where the last one ended. Defaults to 8.
            latents: array or None. The lines' ends, shape `(num_lines + 1, latent_dim)`; None draws them. Defaults to
                None.
            labels: int, array of int, or None. Of a conditional model: the class of all lines, or one a line; None
                takes each class in turn. Defaults to None.
            seed: int or None. Seed of drawn latents. Defaults to None.
            batch_size: int. Examples computed at a time. Defaults to 256.

        Returns:
            np.ndarray. float32, shape `(num_rows, num_steps, *example_shape)`; with `latents`, as many rows as there
            are lines between them.

        Raises:
            ConfigError: fewer than two steps, latents of another shape, a count or the seed is out of range, or labels
                for a model without classes.
            DataError: labels that are no classes of the model.
        """
        prior = self.latent_prior
        if latents is None:
            latents = prior.sample(check_integer("num_rows", num_rows) + 1, seed=seed)
        z = prior.interpolate(latents, num_steps)
        classes = [np.repeat(one, z.shape[1]) for one in self.conditions(labels, len(z))]
        examples = self.decode(z.reshape(-1, prior.dim), *classes, batch_size=batch_size)
        return examples.reshape(*z.shape[:2], *self.space.shape)

    # === Classes asked for ===

    def conditions(self, labels, num):
        """The arguments of `call` beside `num` latents, as a tuple of arrays: none, or labels."""
        if labels is not None:
            raise ConfigError(f"labels = {labels!r}: {type(self).__name__} has no classes to ask for; leave labels out")
        return ()

    def condition_inputs(self):
        """The endpoint's inputs beside the latents, a dict."""
        return {}

    def drawn_conditions(self, num):
        """The arguments of `call` beside `num` latents in the exported `sample`: a tuple of tensors."""
        return ()

    # === Leaving Python ===

    def extra_endpoints(self):
        given = {"z": self.latent_prior.input(), **self.condition_inputs()}
        drawn = {"seed": inputs.seed(), "num_samples": inputs.num_samples(self.space.shown)}
        return {
            **super().extra_endpoints(),
            "generate": Endpoint(self.call, given, self.space.name),
            "sample": Endpoint(self._sample, drawn, self.space.name, server_only=SEEDED),
        }

    def _sample(self, seed, num_samples):
        z = self.latent_prior.draw(num_samples, tf.stack([seed, 0]))
        return self.call(z, *self.drawn_conditions(num_samples))


class ConditionalLatentModel(LatentModel):
    """Mixin; list it before `ZooModel`. The class has `latent_dim`, `num_classes`, and `call(latents, labels)`."""

    conditional = True

    def conditions(self, labels, num):
        return (asked_labels(labels, num, self.num_classes),)

    def condition_inputs(self):
        return {"labels": inputs.labels(self.num_classes)}

    def drawn_conditions(self, num):
        return (tf.range(num) % self.num_classes,)


def asked_labels(labels, num, num_classes):
    """The classes asked for, one a sample.

    Args:
        labels: int, array of int, or None. One for all, one a sample, or None: each class in turn.
        num: int. Samples.
        num_classes: int.

    Returns:
        np.ndarray. int32, shape `(num,)`.

    Raises:
        ConfigError: another number of labels than samples.
        DataError: labels that are no classes.

    Example:
        >>> asked_labels(None, 5, 3).tolist(), asked_labels(2, 3, 3).tolist()
        ([0, 1, 2, 0, 1], [2, 2, 2])
    """
    if labels is None:
        return np.arange(num, dtype="int32") % num_classes
    labels = np.asarray(labels)
    labels = np.full(num, labels) if labels.ndim == 0 else labels
    if labels.shape != (num,):
        raise ConfigError(f"labels of shape {labels.shape} for {num} samples: one for all or one a sample is expected")
    if num:
        check_labels(labels, num_classes)
    return labels.astype("int32")
