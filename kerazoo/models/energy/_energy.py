"""The family of Boltzmann machines: energy, partition function and likelihood, as a model's methods."""

import zlib

import numpy as np

from kerazoo.base.endpoints import NATS
from kerazoo.base.inputs import units
from kerazoo.base.priors import check_codes, random_generator
from kerazoo.base.verbs import Kind, endpoint
from kerazoo.metrics.partition import LogPartition, ais_log_partition, exact_log_partition
from kerazoo.models.energy._gibbs import GibbsSampling
from kerazoo.utils.checks import check_seed
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


class EnergyBased(GibbsSampling):
    """Mixin; list it before `ZooModel`. The class has `rbm`, the layer, `base_visible_bias`, `decode_units`, and
    `_flat`, which makes rows of pixels of images."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._log_partitions = {}

    @property
    def sampled_rbm(self):
        """The layer in which `generate` samples."""
        return self.rbm

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
