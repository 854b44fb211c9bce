"""Restricted Boltzmann machine: contrastive divergence (Hinton 2002), also persistent (Tieleman 2008)."""

import math

import keras
import tensorflow as tf

from kerazoo.base.arguments import ImageShape, PositiveInt
from kerazoo.base.model import ZooModel
from kerazoo.base.registry import register
from kerazoo.base.replicas import gather_rows, local_rows
from kerazoo.base.verbs import verb
from kerazoo.layers.restricted_boltzmann import RestrictedBoltzmann, bernoulli, uniform_draws
from kerazoo.models.energy._energy import UNITS, EnergyBased
from kerazoo.utils.images import as_float, pixel_log_odds


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
    default_endpoint = "reconstruct"

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
        self.num_pixels = math.prod(image_shape)
        self.rbm = RestrictedBoltzmann(self.num_pixels, hidden_units, name="rbm")
        self.base_visible_bias = self.add_weight(
            name="base_visible_bias", shape=(self.num_pixels,), initializer="zeros", dtype="float32", trainable=False
        )

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

    @verb("images", images="images")
    def reconstruct(self, images):
        """The pixels' probabilities at those of the hidden units.

        Returns:
            np.ndarray. float32 in [0, 1], shape of `images`.
        """
        return self.decode_units(self.call(images))

    @verb("probabilities", images="images")
    def encode(self, images):
        """p(h = 1 | v) of each image, taken as the pixels' probabilities.

        Returns:
            np.ndarray. float32 in [0, 1], shape `(num, hidden_units)`.
        """
        return self.call(images)

    @verb("images", z=UNITS)
    def decode(self, z):
        """The pixels' probabilities, given hidden units or their probabilities.

        Returns:
            np.ndarray. float32 in [0, 1], shape `(num, *image_shape)`.
        """
        return self.decode_units(z)

    def decode_units(self, h):
        """The images of hidden units, a function of tensors.

        Args:
            h: tf.Tensor. float32 in [0, 1], shape `(batch, units)`: units, or their probabilities.

        Returns:
            tf.Tensor. float32 in [0, 1], shape `(batch, *image_shape)`.
        """
        return tf.reshape(tf.sigmoid(self.rbm.visible_logits(h)), [-1, *self.image_shape])

    def _flat(self, images):
        return tf.reshape(as_float(images), [-1, self.num_pixels])
