"""Stacked autoencoder: layers trained greedily, then together (Bengio et al. 2007, Vincent et al. 2010)."""

import keras
import tensorflow as tf
from keras import layers

from kerazoo.base.arguments import ImageShape, PositiveInt, Weight, Widths
from kerazoo.base.registry import register
from kerazoo.base.stages import Stage
from kerazoo.layers.tied import TiedDense
from kerazoo.losses import bernoulli_log_likelihood
from kerazoo.models.autoencoders._autoencoder import DenseAutoencoder
from kerazoo.models.autoencoders._corruption import CorruptionName
from kerazoo.utils.images import as_float


@register("stacked_autoencoder")
class StackedAutoencoder(DenseAutoencoder):
    """Deep autoencoder of logistic layers, each of which first learns to reconstruct the one below it.

    Training has one stage for each layer (`"layer_1"`, `"layer_2"`, ...) and a last one, `"joint"`. A layer is an
    autoencoder with tied weights: it learns to reconstruct its inputs, the probabilities that the layers before it give
    of clean images, on their cross-entropy; a denoising one (Vincent et al. 2010) sees them corrupted. Then all layers,
    unrolled to one deep autoencoder, learn to reconstruct the images; `pretraining=False` begins there.

    What Bengio et al. fine-tune is a classifier: its first layers take over `encoder` (README shows it).

    It differs from the papers in Adam instead of gradient descent, and in the stage `"joint"`, the fine-tuning of
    Hinton and Salakhutdinov 2006.

    Args:
        image_shape: tuple[int, int, int]. Height, width and channels. Defaults to `(28, 28, 1)`.
        hidden_units: tuple[int, ...]. Widths of the layers before the code. Defaults to `(500, 500)`.
        latent_dim: int. Width of the last layer, the code. Defaults to 500.
        corruption: str. `"masking"` (inputs become zero), `"gaussian"` (noise is added) or `"salt_and_pepper"` (inputs
            become zero or one). Defaults to `"masking"`.
        corruption_level: float. The probability of an input to be changed, or the noise's standard deviation, in every
            stage; 0 trains without noise. Defaults to 0.25.
        pretraining: bool. False leaves out the stages of the layers: what pretraining is compared with. Defaults to
            True.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument or a value out of range.

    Example:
        >>> model = kerazoo.create("stacked_autoencoder", hidden_units=(60, 40), latent_dim=20, image_shape=(8, 8, 1))
        >>> model.compile(seed=0)
        >>> for stage in model.stages():  # doctest: +SKIP
        ...     model.begin_stage(stage.name)
        ...     model.fit("digits", batch_size=50, epochs=10)
        >>> model.encode(np.zeros((4, 8, 8, 1), "uint8")).shape  # or float in [0, 1]
        (4, 20)

    Source: Bengio, Lamblin, Popovici and Larochelle 2007, "Greedy Layer-Wise Training of Deep Networks"; Vincent,
    Larochelle, Lajoie, Bengio and Manzagol 2010, "Stacked Denoising Autoencoders", JMLR 11.
    """

    paper = "Bengio, Lamblin, Popovici and Larochelle 2007, NIPS; Vincent et al. 2010, JMLR 11"
    roles = {  # of the default number of layers; each model has its own
        **dict.fromkeys(("layer_1", "layer_2", "layer_3"), ("encoder", "decoder")),
        "autoencoder": ("encoder", "decoder"),
    }
    cross_entropy = True

    def __init__(
        self,
        image_shape: ImageShape = (28, 28, 1),
        hidden_units: Widths = (500, 500),
        latent_dim: PositiveInt = 500,
        corruption: CorruptionName = "masking",
        corruption_level: Weight = 0.25,
        pretraining: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.build_networks("sigmoid", code_activation="sigmoid", tied=True)
        names = [f"layer_{i + 1}" for i in range(len(hidden_units) + 1)] if pretraining else []
        self.roles = dict.fromkeys((*names, "autoencoder"), ("encoder", "decoder"))

    def stages(self):
        greedy = [Stage(role, (role,), (f"{role}_loss",)) for role in self.roles if role != "autoencoder"]
        return (*greedy, Stage("joint", ("autoencoder",), self.tracked))

    def variables_of(self, role):
        """The variables of a role: of one layer, forth and back, or of all."""
        found = super().variables_of(role)
        if role == "autoencoder":
            return found
        own = [id(variable) for layer in self._pair(self._place(role)) for variable in layer.variables]
        return [variable for variable in found if id(variable) in own]

    def default_optimizers(self):
        return {role: keras.optimizers.Adam(1e-3) for role in self.roles}

    # === Training ===

    def losses(self, batch, *, training):
        """The cross-entropy of each image or, in the stage of a layer, of what this layer sees of it."""
        if self.stage.name == "joint":
            return super().losses(batch, training=training)
        images = as_float(batch["image"])
        x, place = tf.reshape(images, [tf.shape(images)[0], -1]), self._place(self.stage.name)
        for layer in self._dense(self.encoder)[:place]:
            x = layer(x)
        x = tf.cast(x, tf.float32)
        forth, back = self._pair(place)
        logits = back.linear(forth(self.corrupt(x) if training else x))
        return -bernoulli_log_likelihood(x, tf.cast(logits, tf.float32))

    def _place(self, role):
        return list(self.roles).index(role)

    def _pair(self, place):
        """A layer, and the one on the way back that has its kernel."""
        return self._dense(self.encoder)[place], self._dense(self.decoder)[-1 - place]

    def _dense(self, network):
        return [layer for layer in network.layers if isinstance(layer, (layers.Dense, TiedDense))]
