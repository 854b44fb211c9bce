"""Deep autoencoder: a stack of RBMs, unrolled and fine-tuned (Hinton and Salakhutdinov 2006)."""

import itertools
import math

import keras
import tensorflow as tf

from kerazoo.base.arguments import ImageShape, PositiveInt, Widths
from kerazoo.base.registry import register
from kerazoo.base.stages import Stage
from kerazoo.layers.restricted_boltzmann import GaussianHiddenBoltzmann, RestrictedBoltzmann
from kerazoo.models.autoencoders._autoencoder import Autoencoder
from kerazoo.models.energy._greedy import GreedyStack
from kerazoo.networks.dense import build_dense_decoder
from kerazoo.utils.images import pixel_log_odds


@register("deep_autoencoder")
class DeepAutoencoder(GreedyStack, Autoencoder):
    """Deep autoencoder with a short linear code, which begins as a stack of restricted Boltzmann machines.

    Training has one stage for each RBM (`"rbm_1"`, `"rbm_2"`, ...) and a last one, `"autoencoder"`. An RBM learns by
    CD-1 from the probabilities that those before it give to their hidden units; binary hidden units, of the last RBM
    Gaussian ones of unit variance, drive its reconstruction. Then the stack is unrolled: encoder and decoder begin with
    the same kernels, the decoder's transposed, and are fine-tuned apart from each other on the cross-entropy of the
    pixels.

    It differs from the paper in the fine-tuning, by Adam instead of conjugate gradients, and in a constant momentum and
    no weight decay of the RBMs.

    Args:
        image_shape: tuple[int, int, int]. Height, width and channels. Defaults to `(28, 28, 1)`.
        hidden_units: tuple[int, ...]. Widths of the logistic layers before the code; the decoder has them in reverse.
            Defaults to `(1000, 500, 250)`.
        latent_dim: int. Length of a code, linear units. Defaults to 30.
        pretraining: bool. False leaves out the stages of the RBMs and starts from Glorot's uniform weights: what
            pretraining is compared with. Defaults to True.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument or a value out of range.

    Example:
        >>> model = kerazoo.create("deep_autoencoder", image_shape=(8, 8, 1), hidden_units=(60, 30), latent_dim=2)
        >>> model.compile(seed=0)
        >>> for stage in model.stages():  # doctest: +SKIP
        ...     model.begin_stage(stage.name)
        ...     model.fit("digits", batch_size=50, epochs=10)
        >>> model.encode(np.zeros((4, 8, 8, 1), "uint8")).shape  # or float in [0, 1]
        (4, 2)

    Source: Hinton and Salakhutdinov 2006, "Reducing the Dimensionality of Data with Neural Networks", Science 313.
    """

    paper = "Hinton and Salakhutdinov 2006, Science 313"
    roles = {  # of the default number of layers; each model has its own
        **dict.fromkeys(("rbm_1", "rbm_2", "rbm_3", "rbm_4"), ("encoder",)),
        "autoencoder": ("encoder", "decoder"),
    }
    cross_entropy = True

    def __init__(
        self,
        image_shape: ImageShape = (28, 28, 1),
        hidden_units: Widths = (1000, 500, 250),
        latent_dim: PositiveInt = 30,
        pretraining: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.encoder = self._build_encoder()
        sizes = (image_shape, hidden_units, latent_dim)
        self.decoder = build_dense_decoder(*sizes, activation="sigmoid", dtype=self.dtype_policy)
        names = [rbm.name for rbm in self.rbms()] if pretraining else []
        self.roles = {**dict.fromkeys(names, ("encoder",)), "autoencoder": ("encoder", "decoder")}

    def _build_encoder(self):
        widths = (math.prod(self.image_shape), *self.hidden_units, self.latent_dim)
        inputs = keras.Input(self.image_shape, dtype="float32", name="images")
        x = keras.ops.reshape(inputs, (-1, widths[0]))
        for number, (below, units) in enumerate(itertools.pairwise(widths), 1):
            layer = GaussianHiddenBoltzmann if number == len(widths) - 1 else RestrictedBoltzmann
            initializer = None if self.pretraining else keras.initializers.GlorotUniform()
            x = layer(below, units, initializer, name=f"rbm_{number}")(x)
        return keras.Model(inputs, x, name="encoder")

    def rbms(self):
        return [layer for layer in self.encoder.layers if isinstance(layer, RestrictedBoltzmann)]

    def stages(self):
        greedy = [Stage(role, (role,), ("reconstruction_error",), keeps_averages=False) for role in self.roles]
        return (*greedy[:-1], Stage("autoencoder", ("autoencoder",), self.tracked, keeps_averages=False))

    def default_optimizers(self):
        # The paper's supplement: rates of 0.1, and 0.001 where units are linear; momentum 0.9.
        rates = dict.fromkeys(self.roles, 0.1) | {self.rbms()[-1].name: 0.001}
        greedy = {role: keras.optimizers.SGD(rates[role], momentum=0.9) for role in self.roles}
        return {**greedy, "autoencoder": keras.optimizers.Adam(1e-3)}

    def adapt(self, arrays):
        """Begin at the mean image: the log-odds of the pixels as biases of the visible units, and of the output.

        Args:
            arrays: dict[str, np.ndarray]. The training examples, as `Source.arrays`.
        """
        for bias in (self.rbms()[0].visible_bias, self.decoder.get_layer("output").bias):
            bias.assign(pixel_log_odds(arrays["image"]))

    def enter_stage(self, stage):
        """Unroll: the decoder takes over the RBMs' kernels, transposed, and their visible biases."""
        if stage.name != "autoencoder" or not self.pretraining:
            return
        back = [layer for layer in self.decoder.layers if isinstance(layer, keras.layers.Dense)]
        for layer, rbm in zip(back, reversed(self.rbms()), strict=True):
            layer.kernel.assign(tf.transpose(rbm.kernel))
            layer.bias.assign(rbm.visible_bias)

    # === Training ===

    def contrastive_gradients(self, rbm, v, stream):
        means = rbm(v)
        noise = self.noise(tf.shape(v)[0], (rbm.units,), stream=stream, distribution=rbm.hidden_noise)
        chain = tf.sigmoid(rbm.visible_logits(rbm.draw_hidden(means, noise)))
        self.track(reconstruction_error=tf.reduce_sum(tf.square(v - chain), axis=1))
        return rbm.gradients((v, means), (chain, rbm(chain)))
