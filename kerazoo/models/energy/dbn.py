"""Deep belief network: RBMs trained greedily, then fine-tuned as a classifier (Hinton, Osindero and Teh 2006)."""

import math

import keras
import tensorflow as tf

from kerazoo.base.arguments import ImageShape, NumClasses, PositiveInt, Rate, Widths
from kerazoo.base.model import ZooModel
from kerazoo.base.registry import register
from kerazoo.base.stages import Stage
from kerazoo.base.verbs import verb
from kerazoo.layers.restricted_boltzmann import RestrictedBoltzmann, bernoulli, uniform_draws
from kerazoo.models.classifiers._classifier import Classifier
from kerazoo.models.energy._gibbs import GibbsSampling
from kerazoo.models.energy._greedy import GreedyStack
from kerazoo.utils.images import as_float


@register("dbn")
class DBN(GreedyStack, GibbsSampling, Classifier, ZooModel):
    """Deep belief network for classification, which can also draw images.

    Training has one stage for each RBM (`"rbm_1"`, `"rbm_2"`, ...) and a last one, `"classifier"`. An RBM learns by
    CD-k from the probabilities that the stages before it give to their hidden units; binary hidden units drive the
    reconstruction, whose units are probabilities. The classifier is the same stack of logistic layers with a softmax
    on top: all of it is fine-tuned on cross-entropy.

    `generate` draws as section 5 of Hinton et al. 2006 says: Gibbs sampling in the top RBM, then one pass down. The
    weights are shared with the classifier, and its fine-tuning changes them without a look at the images that they
    draw: pretrained RBMs draw images like the data, a fine-tuned network (the preset, too) draws a few shapes again and
    again. Load a model that ended with the last `"rbm_..."` stage to draw from.

    It differs from Hinton et al. 2006 in the fine-tuning: backpropagation (as Hinton and Salakhutdinov 2006 do) with
    Adam instead of the up-down algorithm or conjugate gradients, and the labels take no part in the top RBM.

    Args:
        image_shape: tuple[int, int, int]. Height, width and channels. Defaults to `(28, 28, 1)`.
        hidden_units: tuple[int, ...]. Widths of the layers, upwards. Defaults to `(500, 500, 1000)`.
        num_classes: int. At least 2. Defaults to 10.
        num_gibbs_steps: int. The k of CD-k. Defaults to 1.
        dropout_rate: float in [0, 1). Fraction of each hidden layer's units left out in fine-tuning (Srivastava et al.
            2014). Defaults to 0.0.
        pretraining: bool. False leaves out the stages of the RBMs and starts the same network from Glorot's uniform
            weights: what pretraining is compared with. Defaults to True.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument or a value out of range.

    Example:
        >>> model = kerazoo.load("dbn")
        >>> images = np.zeros((4, 28, 28, 1), "uint8")  # or float in [0, 1]
        >>> model.classify(images).argmax(axis=1).shape
        (4,)
        >>> model.generate(16, num_gibbs_steps=200, seed=0).shape
        (16, 28, 28, 1)
        >>> fresh = kerazoo.create("dbn", hidden_units=(200, 200))
        >>> fresh.compile(seed=0)
        >>> for stage in fresh.stages():  # doctest: +SKIP
        ...     fresh.begin_stage(stage.name)
        ...     fresh.fit("digits", batch_size=100, epochs=10)

    Source: Hinton, Osindero and Teh 2006, "A Fast Learning Algorithm for Deep Belief Nets", Neural Computation 18(7);
    Hinton and Salakhutdinov 2006, "Reducing the Dimensionality of Data with Neural Networks", Science 313.
    """

    paper = "Hinton, Osindero and Teh 2006, Neural Computation 18(7); Hinton and Salakhutdinov 2006, Science 313"
    roles = {  # of the default number of layers; each model has its own
        **{name: (name,) for name in ("rbm_1", "rbm_2", "rbm_3")},
        "classifier": ("rbm_1", "rbm_2", "rbm_3", "head"),
    }
    image_sizes = (1, 64)

    def __init__(
        self,
        image_shape: ImageShape = (28, 28, 1),
        hidden_units: Widths = (500, 500, 1000),
        num_classes: NumClasses = 10,
        num_gibbs_steps: PositiveInt = 1,
        dropout_rate: Rate = 0.0,
        pretraining: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_pixels = math.prod(image_shape)
        self._rbm_names = tuple(f"rbm_{i + 1}" for i in range(len(hidden_units)))
        widths = (self.num_pixels, *hidden_units)
        for name, below, units in zip(self._rbm_names, widths, hidden_units, strict=False):
            initializer = None if pretraining else keras.initializers.GlorotUniform()
            setattr(self, name, RestrictedBoltzmann(below, units, initializer, name=name))
        self.head = keras.Sequential(
            [keras.Input((widths[-1],), dtype="float32"), keras.layers.Dense(num_classes, dtype="float32")], name="head"
        )
        greedy = {name: (name,) for name in self._rbm_names} if pretraining else {}
        self.roles = {**greedy, "classifier": (*self._rbm_names, "head")}

    def stages(self):
        names = self._rbm_names if self.pretraining else ()
        greedy = [Stage(name, (name,), ("reconstruction_error",), keeps_averages=False) for name in names]
        tracked = ("classifier_loss", "accuracy")
        return (*greedy, Stage("classifier", ("classifier",), tracked, needs_labels=True, keeps_averages=False))

    def default_optimizers(self):
        # Hinton 2012, section 9, gives momentum 0.9.
        greedy = {role: keras.optimizers.SGD(0.05, momentum=0.9) for role in self.roles if role != "classifier"}
        return {**greedy, "classifier": keras.optimizers.Adam(1e-3)}

    # === Training ===

    def contrastive_gradients(self, rbm, v, stream):
        p, draw = rbm(v), uniform_draws(self, tf.shape(v)[0], stream)
        h = bernoulli(p, draw("start", rbm.units))
        chain_v, chain_logits, _ = rbm.gibbs(h, self.num_gibbs_steps, draw, sample_visible=False)
        self.track(reconstruction_error=tf.reduce_sum(tf.square(v - chain_v), axis=1))
        return rbm.gradients((v, p), (chain_v, tf.sigmoid(chain_logits)))

    def logits(self, images, training=False):
        """Scores of the classes before the softmax, shape `(batch, num_classes)`."""
        return self.head(self._hidden(images, training))

    def _hidden(self, images, training=False):
        h = self._flat(images)
        for rbm in self.rbms():
            h = rbm(h)
            if training and self.dropout_rate:
                h = self.apply_dropout(h, f"dropout_{rbm.name}", rate=self.dropout_rate)
        return h

    def rbms(self):
        return [getattr(self, name) for name in self._rbm_names]

    def _flat(self, images):
        return tf.reshape(as_float(images), [-1, self.num_pixels])

    # === Verbs ===

    @property
    def sampled_rbm(self):
        """The top RBM."""
        return self.rbms()[-1]

    def decode_units(self, h):
        """The images of the top RBM's hidden units, a function of tensors: one pass down.

        Each layer takes the probabilities of the one above it, as each RBM was trained on those of the one below it.

        Args:
            h: tf.Tensor. float32 in [0, 1], shape `(batch, units)`: units, or their probabilities.

        Returns:
            tf.Tensor. float32 in [0, 1], shape `(batch, *image_shape)`.
        """
        for rbm in reversed(self.rbms()):
            h = tf.sigmoid(rbm.visible_logits(h))
        return tf.reshape(h, [-1, *self.image_shape])

    @verb("probabilities", images="images")
    def encode(self, images):
        """Probabilities of the top layer's units.

        Returns:
            np.ndarray. float32 in [0, 1], shape `(num, hidden_units[-1])`.
        """
        return self._hidden(images)
