"""The family of Boltzmann machines: energy, partition function, likelihood, Gibbs sampling, as a model's methods."""

import zlib

import numpy as np
import tensorflow as tf

from kerazoo.base.endpoints import NATS, SEEDED
from kerazoo.base.inputs import noise, num_samples, number, seed, units
from kerazoo.base.priors import check_codes, random_generator
from kerazoo.base.verbs import Kind, endpoint
from kerazoo.metrics.partition import LogPartition, ais_log_partition, exact_log_partition
from kerazoo.utils.checks import MAX_SEED, check_integer, check_seed
from kerazoo.utils.errors import ConfigError
from kerazoo.utils.images import as_float_array, binarised

# Up to this many units on one side it is summed exactly where nothing else is asked for.
EXACT_UNITS = 20

# Hidden units, or their probabilities, as the input of a verb.
UNITS = Kind(
    lambda model: units(model.hidden_units),
    lambda model, value: check_codes(value, (model.hidden_units,), "hidden units"),
    "array. float in [0, 1], units or their probabilities, shape `(num, hidden_units)`",
)


class EnergyBased:
    """Mixin; list it before `ZooModel`. The class has `rbm`, the layer, with `num_pixels` visible and `hidden_units`
    hidden units, `base_visible_bias`, and `_flat`, which makes rows of pixels of images."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._log_partitions = {}

    def log_partition(self, *, method="auto", num_chains=100, num_temperatures=14_500, seed=0):
        """log Z of the present weights; what annealing finds is kept for the next call with the same arguments.

        Args:
            method: `"exact"`, `"ais"`, or `"auto"`: exact with up to 20 units on one side. Defaults to `"auto"`.
            num_chains, num_temperatures, seed: int. Of annealed importance sampling, as for
                `kerazoo.metrics.ais_log_partition`. Default to 100, 14500 and 0.

        Returns:
            LogPartition. `estimate`, and the bounds `lower` and `upper` of its 3-sigma interval (equal where exact).

        Raises:
            ConfigError: an unknown method, a count out of range, or an exact sum over more than 25 units.
        """
        if method not in ("auto", "exact", "ais"):
            raise ConfigError(f"method = {method!r}: 'auto', 'exact' or 'ais' is expected")
        weights, base = [weight.numpy() for weight in self.rbm.weights], self.base_visible_bias.numpy()
        if method == "exact" or (method == "auto" and min(self.rbm.kernel.shape) <= EXACT_UNITS):
            return LogPartition(*[exact_log_partition(*weights)] * 3)
        options = {"num_chains": num_chains, "num_temperatures": num_temperatures, "seed": check_seed(seed)}
        key = zlib.crc32(b"".join(weight.tobytes() for weight in (*weights, base))), *options.values()
        if key not in self._log_partitions:
            self._log_partitions[key] = ais_log_partition(*weights, base_visible_bias=base, **options)
        return self._log_partitions[key]

    def free_energy(self, images, *, seed=0, batch_size=256):
        """F(v) = -log p(v) - log Z of each binarised image.

        Args:
            images: array. uint8, or float in [0, 1], shape `(num, *image_shape)`; binarised by `seed`.
            seed: int or None. Of the binarisation; None draws anew. Defaults to 0.
            batch_size: int. Images computed at a time. Defaults to 256.

        Returns:
            np.ndarray. float32, shape `(num,)`, in nats, lower is likelier.

        Raises:
            DataError: a wrong shape or values out of range.
            ConfigError: the seed is out of range, or `batch_size` is below 1.
        """
        pixels = as_float_array(self.check_inputs(images))
        binary = binarised(pixels, random_generator(seed))
        return self.calls.in_batches(self._free_energy, binary, batch_size=batch_size)

    @endpoint("nats", int8=NATS, images="images")
    def _free_energy(self, images):
        return self.rbm.free_energy(self._flat(images))

    def score(self, images, *, log_partition=None, seed=0, batch_size=256):
        """log p(x) of each binarised image.

        Args:
            images: array. uint8, or float in [0, 1], shape `(num, *image_shape)`; binarised by `seed`.
            log_partition: float or None. log Z, where it is known. Defaults to None: the estimate of
                `self.log_partition()`, which anneals once for each set of weights.
            seed: int or None. Of the binarisation; None draws anew. Defaults to 0.
            batch_size: int. Images computed at a time. Defaults to 256.

        Returns:
            np.ndarray. float32, shape `(num,)`, in nats, higher is better.

        Raises:
            DataError: a wrong shape or values out of range.
            ConfigError: the seed is out of range, or `batch_size` is below 1.
        """
        energies = self.free_energy(images, seed=seed, batch_size=batch_size)
        return -energies - np.float32(self.log_partition().estimate if log_partition is None else log_partition)

    # === Gibbs sampling ===

    def generate(self, num_samples=16, *, num_gibbs_steps=1000, seed=None):
        """Draw images by Gibbs sampling, each from a chain of its own that starts with all hidden units off.

        Args:
            num_samples: int. How many. Defaults to 16.
            num_gibbs_steps: int. Sweeps of each chain; short chains have not left their start. Defaults to 1000.
            seed: int or None. The same seed gives the same images; None gives fresh ones. Defaults to None.

        Returns:
            np.ndarray. float32 in [0, 1], shape `(num_samples, *image_shape)`: the last sweep's pixel probabilities.

        Raises:
            ConfigError: a count or the seed is out of range.
        """
        h = np.zeros((check_integer("num_samples", num_samples), self.hidden_units), "float32")
        steps = np.array([check_integer("num_gibbs_steps", num_gibbs_steps)], "int32")
        words = random_generator(seed).integers(MAX_SEED, size=2).astype("int32")
        return self.calls(self._generate, h, steps, words)

    def _generate(self, h, num_steps, seed):
        def sweep(step, h):
            words = tf.random.fold_in(seed, step)
            draws = tf.random.stateless_uniform((tf.shape(h)[0], self.num_pixels + self.hidden_units), words, -1.0, 1.0)
            return step + 1, self._gibbs(h, draws)

        _, h = tf.while_loop(lambda step, h: step < num_steps[0] - 1, sweep, (0, h))
        return self.decode_units(h)

    def _gibbs(self, h, draws):
        """One sweep, from noise uniform on [-1, 1) for the pixels and then for the hidden units."""
        noise = {"visible_0": draws[:, : self.num_pixels], "hidden_0": draws[:, self.num_pixels :]}
        return self.rbm.gibbs(h, 1, lambda name, width: noise[name])[2]

    @endpoint(
        "images",
        server_only=SEEDED,
        seed=lambda model: seed(),
        num_samples=lambda model: num_samples(),
        num_gibbs_steps=lambda model: number(5, 1, 10_000, shown=1000),
    )
    def _sample(self, seed, num_samples, num_gibbs_steps):
        h = tf.zeros([num_samples, self.hidden_units])
        return self._generate(h, num_gibbs_steps[None], tf.stack([seed, 0]))

    @endpoint(None, z=lambda model: units(model.hidden_units), noise=lambda model: model.sweep_noise())
    def _sweep(self, z, noise):
        """One Gibbs sweep, for a device that draws its own noise: the next hidden units, and their images."""
        h = self._gibbs(z, 2.0 * noise - 1.0)
        return {"z": h, "images": self.decode_units(h)}

    def sweep_noise(self):
        """The noise that the exported `sweep` takes, an `Input`."""
        return noise(self.num_pixels + self.hidden_units)
