"""Restricted Boltzmann machine: contrastive divergence (Hinton 2002), also persistent (Tieleman 2008)."""

import keras
import numpy as np
import tensorflow as tf

from kerazoo.boltzmann import EnergyBased
from kerazoo.checks import MAX_SEED, check_integer
from kerazoo.config import ImageShape, PositiveInt
from kerazoo.endpoints import NATS, Endpoint, images, noise, num_samples, number, seed, units
from kerazoo.images import as_float, pixel_log_odds
from kerazoo.layers.restricted_boltzmann import RestrictedBoltzmann, bernoulli, uniform_draws
from kerazoo.model import ZooModel
from kerazoo.registry import register
from kerazoo.replicas import gather_rows, local_rows
from kerazoo.sampling import check_latents, random_generator


@register("rbm")
class RBM(EnergyBased, ZooModel):
    """Restricted Boltzmann machine of binary images, trained by contrastive divergence.

    The update is the difference between v'p(h | v) of the data and of Gibbs chains, which is the gradient of no loss.
    Binary hidden units drive the chains, probabilities of the hidden units enter the statistics. With `persistent`
    (PCD) the chains go on where the last update left them; without it (CD-k) they start at the data. Images in [0, 1]
    are binarised anew for every step. `adapt(images)` sets the visible biases to the pixels' log-odds; the trainer
    calls it, and the same log-odds serve as the base of annealed importance sampling.

    What training logs is no loss: `pseudo_likelihood` (an estimate of sum_i log p(v_i | the other pixels), nats), and
    the mean `free_energy` of the data and `chain_free_energy` of the chains, which stay close while the model fits and
    part where it overfits or the chains fall behind. `score` measures the likelihood itself.

    It differs from Tieleman 2008 in dynamic binarisation, and in having no weight decay unless the optimizer gets one.

    Args:
        image_shape: tuple[int, int, int]. Height, width and channels. Defaults to `(28, 28, 1)`.
        hidden_units: int. How many. Defaults to 500.
        num_gibbs_steps: int. Gibbs sweeps for each update, the k of CD-k. Defaults to 1.
        persistent: bool. Whether the chains persist from update to update. Defaults to True.
        num_chains: int. Number of persistent chains. Defaults to 100.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument or a value out of range.

    Example:
        >>> model = kerazoo.load("rbm")
        >>> model.generate(16, seed=0).shape
        (16, 28, 28, 1)
        >>> images = model.generate(4, num_gibbs_steps=10, seed=0)
        >>> model.free_energy(images).shape
        (4,)
        >>> log_z = model.log_partition(num_temperatures=100).estimate  # quick and rough: the default is 14,500
        >>> model.score(images, log_partition=log_z).shape  # log p(x) in nats
        (4,)

    Source: Hinton 2002, "Training Products of Experts by Minimizing Contrastive Divergence", Neural Computation 14(8);
    Tieleman 2008, "Training Restricted Boltzmann Machines using Approximations to the Likelihood Gradient", ICML.
    """

    task = "density-estimation"
    paper = "Hinton 2002, Neural Computation 14(8); Tieleman 2008, ICML"
    roles = {"rbm": ("rbm",)}
    tracked = ("pseudo_likelihood", "free_energy", "chain_free_energy")
    image_sizes = (1, 64)

    def __init__(
        self,
        image_shape: ImageShape = (28, 28, 1),
        hidden_units: PositiveInt = 500,
        num_gibbs_steps: PositiveInt = 1,
        persistent: bool = True,
        num_chains: PositiveInt = 100,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.hidden_units = hidden_units
        self.num_gibbs_steps = num_gibbs_steps
        self.persistent = persistent
        self.num_chains = num_chains
        self.num_pixels = int(np.prod(self.image_shape))
        self.rbm = RestrictedBoltzmann(self.num_pixels, hidden_units, name="rbm")
        self.base_visible_bias = self.add_weight(
            name="base_visible_bias", shape=(self.num_pixels,), initializer="zeros", dtype="float32", trainable=False
        )
        self.built = True

    def default_optimizers(self):
        return {"rbm": keras.optimizers.SGD(0.05)}

    def adapt(self, arrays):
        self.rbm.visible_bias.assign(pixel_log_odds(arrays["image"]))
        self.base_visible_bias.assign(self.rbm.visible_bias)

    def compile(self, optimizers=None, **kwargs):
        super().compile(optimizers, **kwargs)
        if self.persistent:  # the hidden units; all off, they give the visible units their biases' probabilities
            self.add_state("chains", (self.num_chains, self.hidden_units), "float32")

    # === Training ===

    def train_step(self, data):
        *pairs, h = self._sample_both(data, "train")
        self.update("rbm", self.rbm.gradients(*pairs))
        if self.persistent:
            self.state("chains").assign(gather_rows(h))
        return self.finish_step()

    def test_step(self, data):
        self._sample_both(data, "test")
        return self.logs()

    def _sample_both(self, data, stream):
        """(v, p) of the binarised data, (v, p) of the chains after their Gibbs sweeps, and the chains' hidden units."""
        rbm, pixels = self.rbm, as_float(self.batch(data)["image"])
        num_rows = tf.shape(pixels)[0]
        draw = uniform_draws(self, num_rows, stream)
        v = bernoulli(tf.reshape(pixels, [num_rows, self.num_pixels]), draw("pixels", self.num_pixels))
        logits = rbm.hidden_logits(v)
        p = tf.sigmoid(logits)
        h = self._own_chains() if self.persistent else bernoulli(p, draw("start", self.hidden_units))
        chain_v, chain_logits, h = rbm.gibbs(h, self.num_gibbs_steps, uniform_draws(self, tf.shape(h)[0], stream))
        pixel = tf.cast((draw("pixel", 1)[:, 0] + 1.0) * (self.num_pixels / 2), tf.int32)
        self.track(
            pseudo_likelihood=rbm.pseudo_likelihood(v, logits, tf.minimum(pixel, self.num_pixels - 1)),
            free_energy=rbm.free_energy(v, logits),
            chain_free_energy=rbm.free_energy(chain_v, chain_logits),
        )
        return (v, p), (chain_v, tf.sigmoid(chain_logits)), h

    def _own_chains(self):
        """The hidden units of the persistent chains that this replica advances."""
        chains, replicas = self.state("chains"), self.distribute_strategy.num_replicas_in_sync
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        begin, end = ((replica + i) * self.num_chains // replicas for i in (0, 1))
        return local_rows(tf.convert_to_tensor(chains), end - begin)

    # === Verbs ===

    def call(self, inputs, training=False):
        """p(h = 1 | v), shape `(batch, hidden_units)`, of images (uint8, or float in [0, 1])."""
        return self.rbm(self._flat(inputs))

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
        return self._decode(h)

    def _gibbs(self, h, draws):
        """One sweep, from noise uniform on [-1, 1) for the pixels and then for the hidden units."""
        noise = {"visible_0": draws[:, : self.num_pixels], "hidden_0": draws[:, self.num_pixels :]}
        return self.rbm.gibbs(h, 1, lambda name, width: noise[name])[2]

    def encode(self, images, *, batch_size=256):
        """p(h = 1 | v) of each image, taken as the pixels' probabilities.

        Args:
            images: array. uint8, or float in [0, 1], shape `(num, *image_shape)`.
            batch_size: int. Images computed at a time. Defaults to 256.

        Returns:
            np.ndarray. float32 in [0, 1], shape `(num, hidden_units)`.

        Raises:
            DataError: a wrong shape or values out of range.
            ConfigError: `batch_size` is below 1.
        """
        return self.calls.in_batches(self.call, self.check_inputs(images), batch_size)

    def decode(self, h, *, batch_size=256):
        """The pixels' probabilities, given hidden units.

        Args:
            h: array. float in [0, 1], units or their probabilities, shape `(num, hidden_units)`.
            batch_size: int. Images computed at a time. Defaults to 256.

        Returns:
            np.ndarray. float32 in [0, 1], shape `(num, *image_shape)`.

        Raises:
            ConfigError: units of another shape or with values that are not finite, or `batch_size` is below 1.
        """
        return self.calls.in_batches(self._decode, check_latents(h, self.hidden_units), batch_size)

    def _decode(self, h):
        return tf.reshape(tf.sigmoid(self.rbm.visible_logits(h)), [-1, *self.image_shape])

    def reconstruct(self, images, *, batch_size=256):
        """The pixels' probabilities at those of the hidden units; arguments as for `encode`.

        Returns:
            np.ndarray. float32 in [0, 1], shape of `images`.
        """
        return self.decode(self.encode(images, batch_size=batch_size), batch_size=batch_size)

    def _flat(self, images):
        return tf.reshape(as_float(images), [-1, self.num_pixels])

    # === Leaving Python ===

    def endpoints(self):
        of_images, hidden = {"images": images(self.image_shape)}, units(self.hidden_units)
        drawn = {"seed": seed(), "num_samples": num_samples(), "num_gibbs_steps": number(5, 1, 10_000, shown=1000)}
        return {
            "reconstruct": Endpoint(self._reconstruct, of_images, "images"),
            "encode": Endpoint(self.call, of_images, "probabilities"),
            "decode": Endpoint(self._decode, {"z": hidden}, "images"),
            "sample": Endpoint(self._sample, drawn, "images"),
            "sweep": Endpoint(self._sweep, {"z": hidden, "noise": noise(self.num_pixels + self.hidden_units)}),
            "free_energy": Endpoint(self._free_energy, of_images, "nats", int8=NATS),
        }

    def _reconstruct(self, images):
        return self._decode(self.call(images))

    def _sample(self, seed, num_samples, num_gibbs_steps):
        h = tf.zeros([num_samples, self.hidden_units])
        return self._generate(h, num_gibbs_steps[None], tf.stack([seed, 0]))

    def _sweep(self, h, noise):
        """One Gibbs sweep, for a device that draws its own noise: the next hidden units, and their images."""
        h = self._gibbs(h, 2.0 * noise - 1.0)
        return {"z": h, "images": self._decode(h)}
