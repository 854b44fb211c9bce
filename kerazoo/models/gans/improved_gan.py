"""Improved GAN: DCGAN with the techniques of Salimans et al. 2016, alone or together."""

import functools
from typing import Literal

import keras
import tensorflow as tf

from kerazoo.base.arguments import Count, Fraction, PositiveInt, Weight
from kerazoo.base.registry import register
from kerazoo.base.replicas import gather_rows, local_rows
from kerazoo.layers.instance_normalization import InstanceNormalization
from kerazoo.layers.minibatch_discrimination import MinibatchDiscrimination
from kerazoo.layers.virtual_batch_normalization import VirtualBatchNormalization, behind_reference
from kerazoo.losses import minimax_discriminator_loss, non_saturating_generator_loss
from kerazoo.models.gans._batches import feature_matching_loss
from kerazoo.models.gans._image_pool import exchange
from kerazoo.models.gans._past import keep, kept, square_distance, take_copies, update_averages, with_weights
from kerazoo.models.gans._points_or_images import PointsOrImagesGAN
from kerazoo.networks.convolutional import batch_normalization
from kerazoo.utils.errors import ConfigError

NORMALIZATIONS = {"batch": batch_normalization, "instance": lambda dtype: InstanceNormalization(dtype=dtype)}


@register("improved_gan")
class ImprovedGAN(PointsOrImagesGAN):
    """GAN with techniques that steady training or keep variety, for square images of 16 to 128 pixels or for points.

    Without any of them it is DCGAN on images, and a GAN of perceptrons on points. Each is an argument:

    - **Feature matching** (section 3.1): the generator matches the average of the discriminator's last hidden layer.
    - **Minibatch discrimination** (3.2): the discriminator sees how close an example is to the others of its batch.
    - **Historical averaging** (3.3): a cost for the distance of each player's parameters from their past average.
    - **One-sided label smoothing** (3.4): real examples get a target below 1.
    - **Virtual batch normalisation** (3.5): the generator normalises each example by a fixed batch and itself.

    And three of others: **instance normalisation** in both networks (Ulyanov et al. 2016); a **replay** of generated
    examples from earlier steps to the discriminator (Shrivastava et al. 2017); and an **opponent from the past**, a
    copy of the discriminator against which the generator now and then plays a step (Chintala et al. 2016).

    Where an example's output depends on its batch (minibatch discrimination), the batch is the global one.

    Args:
        feature_matching: bool. In the place of the generator's non-saturating loss. Defaults to False.
        minibatch_kernels: int. Closenesses that the discriminator sees of each example; 0 none. Defaults to 0.
        minibatch_kernel_dim: int. Numbers that each is computed from. Defaults to 5.
        historical_averaging: float, at least 0. Weight of the cost, for both players. Defaults to 0.0.
        label_smoothing: float in [0, 1]. Real examples get the target 1 minus this. Defaults to 0.0.
        normalization: `"batch"`, `"virtual"` (in the generator; batch normalisation in the discriminator),
            `"instance"` (of images) or None: batch normalisation of images, none of points. Where it is given, a
            generator of points has it, their discriminator has none. Defaults to None.
        reference_size: int. Latents of the fixed batch. Defaults to 64.
        replay_size: int. Generated examples that are kept for the discriminator; 0 keeps none. Defaults to 0.
        opponent_period: int. Steps after which the discriminator is copied; 0 plays no copies. Defaults to 0.
        opponent_rate: float in [0, 1]. Steps in which the generator plays against the copy. Defaults to 0.2.
        image_shape, num_features, latent_dim, filters, kernel_size, generator_units, discriminator_units, prior: as for
            `LSGAN`.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, not exactly one of `image_shape` and `num_features`, or
            a normalisation that the examples do not have.

    Example:
        >>> fresh = kerazoo.create("improved_gan", image_shape=(16, 16, 1), minibatch_kernels=8, label_smoothing=0.1)
        >>> fresh.generate(4, seed=0).shape
        (4, 16, 16, 1)

    Source: Salimans, Goodfellow, Zaremba, Cheung, Radford and Chen 2016, "Improved Techniques for Training GANs",
    arXiv:1606.03498, section 3; Chintala, Denton, Arjovsky and Mathieu 2016, "How to Train a GAN?", for the opponent.
    """

    paper = "Salimans, Goodfellow, Zaremba, Cheung, Radford and Chen 2016, arXiv:1606.03498"

    def __init__(
        self,
        feature_matching: bool = False,
        minibatch_kernels: Count = 0,
        minibatch_kernel_dim: PositiveInt = 5,
        historical_averaging: Weight = 0.0,
        label_smoothing: Fraction = 0.0,
        normalization: Literal["batch", "virtual", "instance"] | None = None,
        reference_size: PositiveInt = 64,
        replay_size: Count = 0,
        opponent_period: Count = 0,
        opponent_rate: Fraction = 0.2,
        **kwargs,
    ):
        super().__init__(**kwargs)

    def _normalization(self, **options):
        """The keyword of a builder that normalises as the arguments say, if they say it."""
        if self.normalization is None:
            return {}
        if self.normalization == "instance" and self.num_features is not None:
            raise ConfigError(f"{type(self).__name__}: instance normalisation is of images, over their pixels")
        return {"normalization": {**NORMALIZATIONS, **options}[self.normalization]}

    def build_generator(self, build):
        virtual = functools.partial(VirtualBatchNormalization, self.reference_size)
        options = self._normalization(virtual=lambda dtype: virtual(dtype=dtype))
        network = build.generator(self.latent_prior.dim, **options)
        return behind_reference(network, self.reference_size) if self.normalization == "virtual" else network

    def build_discriminator(self, build):
        """Examples to the activations of the last hidden layer, and to a logit; arguments and result as for `LSGAN`."""
        options = {} if self.image_shape is None else self._normalization(virtual=batch_normalization)
        network = build.discriminator(self.discriminator_units, **options)
        features, logits, last = network.layers[-1].input, network.output, network.layers[-1]
        if self.minibatch_kernels:  # the same last layer, of longer rows
            closeness = MinibatchDiscrimination(self.minibatch_kernels, self.minibatch_kernel_dim, dtype="float32")
            logits = type(last).from_config({**last.get_config(), "name": "logits"})(closeness(features))
        return keras.Model(network.inputs, [features, logits], name="discriminator")

    def compile(self, optimizers=None, **kwargs):
        """As `ZooModel.compile`; also makes the states of what is remembered."""
        super().compile(optimizers, **kwargs)
        for role in self.roles if self.historical_averaging else ():
            keep(self, f"average_{role}", self.variables_of(role))
        if self.opponent_period:
            keep(self, "opponent", self.discriminator.weights)
        if self.replay_size:
            self.add_state("pool", (self.replay_size, *self.space.shape), "float32")
            self.add_state("pool_count")

    # === Training ===

    def train_step(self, data):
        for role in self.roles if self.historical_averaging else ():
            update_averages(*self._parameters(role), self.step.value)
        if self.opponent_period:
            weights = self.discriminator.weights
            take_copies(kept(self, "opponent", weights), weights, self.step.value % self.opponent_period == 0)
        return super().train_step(data)

    def shown(self, fake):
        if not self.replay_size:
            return fake
        pool, count = self.state("pool"), self.state("pool_count")
        mixed, examples, filled = exchange(pool.value, count.value, gather_rows(fake), self.noise_seed("pool"))
        pool.assign(examples)
        count.assign(filled)
        return local_rows(mixed, tf.shape(fake)[0])

    def discriminator_loss(self, batch, fake, training=True):
        logits = [self.discriminator(x, training=training)[1] for x in (batch["real"], fake)]
        return minimax_discriminator_loss(*logits, self.label_smoothing) + self._historical_cost("discriminator")

    def generator_loss(self, batch, fake, training=True):
        judge = self._opponent(training)
        features, logits = judge(fake)
        if self.feature_matching:
            loss = feature_matching_loss(judge(batch["real"])[0], features)
        else:
            loss = non_saturating_generator_loss(logits)
        return loss + self._historical_cost("generator")

    def _opponent(self, training):
        """The discriminator of this step as a function, in some steps of training an earlier one."""
        if not (training and self.opponent_period):
            return functools.partial(self.discriminator, training=training)
        weights = self.discriminator.weights
        earlier = tf.random.stateless_uniform([], self.noise_seed("opponent")) < self.opponent_rate
        pairs = zip(weights, kept(self, "opponent", weights), strict=True)
        chosen = [tf.where(earlier, tf.convert_to_tensor(old), tf.convert_to_tensor(new)) for new, old in pairs]
        return functools.partial(with_weights, self.discriminator, chosen, training=training)

    def _historical_cost(self, role):
        if not self.historical_averaging:
            return 0.0
        return self.historical_averaging * square_distance(*self._parameters(role))

    def _parameters(self, role):
        """The averages of a role's parameters so far, and the parameters."""
        variables = self.variables_of(role)
        return kept(self, f"average_{role}", variables), variables
