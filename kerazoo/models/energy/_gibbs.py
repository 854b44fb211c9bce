"""Images by Gibbs sampling in a restricted Boltzmann machine, as a model's methods and exported signatures."""

from typing import Any

import numpy as np
import tensorflow as tf

from kerazoo.base.endpoints import SEEDED
from kerazoo.base.inputs import noise, num_samples, number, seed, units
from kerazoo.base.priors import random_generator
from kerazoo.base.verbs import endpoint
from kerazoo.utils.checks import MAX_SEED, check_integer


class GibbsSampling:
    """Mixin; list it before `ZooModel`. The class has `sampled_rbm`, the layer in which the chains run, and
    `decode_units`, the images of its hidden units."""

    sampled_rbm: Any

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
        h = np.zeros((check_integer("num_samples", num_samples), self.sampled_rbm.units), "float32")
        steps = np.array([check_integer("num_gibbs_steps", num_gibbs_steps)], "int32")
        words = random_generator(seed).integers(MAX_SEED, size=2).astype("int32")
        return self.calls(self._generate, h, steps, words)

    def _generate(self, h, num_steps, seed):
        def sweep(step, h):
            words = tf.random.fold_in(seed, step)
            draws = tf.random.stateless_uniform((tf.shape(h)[0], self._num_draws()), words, -1.0, 1.0)
            return step + 1, self._gibbs(h, draws)

        _, h = tf.while_loop(lambda step, h: step < num_steps[0] - 1, sweep, (0, h))
        return self.decode_units(h)

    def _gibbs(self, h, draws):
        """One sweep, from noise uniform on [-1, 1) for the visible units and then for the hidden ones."""
        rbm, visible = self.sampled_rbm, self.sampled_rbm.num_visible
        noise = {"visible_0": draws[:, :visible], "hidden_0": draws[:, visible:]}
        return rbm.gibbs(h, 1, lambda name, width: noise[name])[2]

    def _num_draws(self):
        return self.sampled_rbm.num_visible + self.sampled_rbm.units

    @endpoint(
        "images",
        server_only=SEEDED,
        seed=lambda model: seed(),
        num_samples=lambda model: num_samples(),
        num_gibbs_steps=lambda model: number(5, 1, 10_000, shown=1000),
    )
    def _sample(self, seed, num_samples, num_gibbs_steps):
        h = tf.zeros([num_samples, self.sampled_rbm.units])
        return self._generate(h, num_gibbs_steps[None], tf.stack([seed, 0]))

    @endpoint(None, z=lambda model: units(model.sampled_rbm.units), noise=lambda model: model.sweep_noise())
    def _sweep(self, z, noise):
        """One Gibbs sweep, for a device that draws its own noise: the next hidden units, and their images."""
        h = self._gibbs(z, 2.0 * noise - 1.0)
        return {"z": h, "images": self.decode_units(h)}

    def sweep_noise(self):
        """The noise that the exported `sweep` takes, an `Input`."""
        return noise(self._num_draws())
