"""Sparse autoencoder (Ng 2011): units of which each is active for few patches look for edges."""

from typing import Annotated

import keras
import numpy as np
import tensorflow as tf
from pydantic import Field

from kerazoo.base.arguments import ImageShape, PositiveInt, Rate, Weight
from kerazoo.base.registry import register
from kerazoo.base.replicas import gather_rows
from kerazoo.losses import bernoulli_kl
from kerazoo.metrics import gabor_fraction
from kerazoo.models.autoencoders._autoencoder import DenseAutoencoder


@register("sparse_autoencoder")
class SparseAutoencoder(DenseAutoencoder):
    """Autoencoder of one layer of logistic units, each of which is to be active for few images.

    The loss is that of Ng's notes: half the squared error of an image, plus `weight_decay` times half the sum of all
    squared weights (not of biases), plus `sparsity_weight` times the sum over the units of KL(`sparsity`, mean
    activation), the divergence of Bernoulli variables. The mean is over the batch or, with `average_decay`, a running
    one: the penalty's slope is that at the running average, which allows small batches.

    It differs from the notes in Adam on batches instead of L-BFGS on all patches at once.

    Args:
        image_shape: tuple[int, int, int]. Height, width and channels. Defaults to `(8, 8, 1)`.
        latent_dim: int. Hidden units. Defaults to 25.
        sparsity: float in (0, 1). The mean activation that units are to have, rho. Defaults to 0.01.
        sparsity_weight: float. Weight of the divergences, beta. Defaults to 3.0.
        weight_decay: float. Lambda. Defaults to 1e-4.
        average_decay: float in [0, 1). By how much the running average of the activations decays in a step. Defaults
            to 0.0, the mean over each batch alone.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument or a value out of range.

    Example:
        >>> model = kerazoo.create("sparse_autoencoder")
        >>> model.encode(np.full((4, 8, 8, 1), 0.5)).shape
        (4, 25)
        >>> model.filters().shape
        (25, 8, 8, 1)

    Source: Ng 2011, "Sparse autoencoder", CS294A lecture notes, Stanford University, sections 3 and 4, and its exercise
    on patches of whitened photos (Olshausen and Field 1996, Nature 381).
    """

    paper = "Ng 2011, Sparse autoencoder, CS294A lecture notes, Stanford University"

    def __init__(
        self,
        image_shape: ImageShape = (8, 8, 1),
        latent_dim: PositiveInt = 25,
        sparsity: Annotated[float, Field(gt=0, lt=1)] = 0.01,
        sparsity_weight: Weight = 3.0,
        weight_decay: Weight = 1e-4,
        average_decay: Rate = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.build_networks("sigmoid", code_activation="sigmoid", output_activation="sigmoid")

    def default_optimizers(self):
        return {"autoencoder": keras.optimizers.Adam(1e-3)}

    def compile(self, optimizers=None, **kwargs):
        super().compile(optimizers, **kwargs)
        if self.average_decay:
            self.add_state("mean_activation", (self.latent_dim,), "float32", keras.initializers.Constant(self.sparsity))

    def reconstruction_loss(self, images, outputs):
        return 0.5 * super().reconstruction_loss(images, outputs)

    def regulariser(self, codes, training):
        kernels = [v for v in self.variables_of("autoencoder") if len(v.shape) == 2]
        squares = tf.add_n([tf.reduce_sum(tf.square(kernel)) for kernel in kernels])
        penalty = tf.reduce_sum(bernoulli_kl(self.sparsity, self._mean_activation(codes, training)))
        return 0.5 * self.weight_decay * squares + self.sparsity_weight * penalty

    def _mean_activation(self, codes, training):
        """Of each unit, over the whole batch, or the running one; its gradient is that of the batch's."""
        mean = tf.reduce_mean(gather_rows(codes), axis=0)
        if not (training and self.average_decay):
            return mean
        state = self.state("mean_activation")
        running = self.average_decay * state + (1 - self.average_decay) * tf.stop_gradient(mean)
        state.assign(running)
        return running + mean - tf.stop_gradient(mean)

    # === Measuring ===

    def own_figures(self, data, settings, extractor):
        """What the units do and look for.

        Returns:
            dict[str, float]. `mean_activation`, over units and examples; `mean_activation_gap`, the largest distance of
            a unit's from `sparsity`; of grey images `gabor_fraction`, the filters that a Gabor function explains with
            r2 of 0.5 or more.
        """
        source = data.open(settings.split)
        codes = self.encode(source.sample(min(settings.num, len(source)), seed=settings.seed)["image"]).mean(axis=0)
        found = {"mean_activation": codes.mean(), "mean_activation_gap": np.abs(codes - self.sparsity).max()}
        if self.image_shape[2] == 1:
            found["gabor_fraction"] = gabor_fraction(self.filters())
        return {name: float(value) for name, value in found.items()}

    def own_pictures(self, examples, seed):
        """The filters, grey where a weight is zero."""
        filters = self.filters()
        return [0.5 + 0.5 * filters / np.abs(filters).max(axis=(1, 2, 3), keepdims=True)]
