"""Semi-supervised GAN: a classifier learns from few labels and from generated images (Salimans et al. 2016)."""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from kerazoo.base.arguments import ImageShape, NumClasses, PositiveInt, Weight, Widths
from kerazoo.base.example_spaces import Images
from kerazoo.base.labels import Labelled
from kerazoo.base.registry import register
from kerazoo.base.verbs import verb
from kerazoo.data import PartlyLabelled
from kerazoo.data.info import UNLABELLED
from kerazoo.layers.noise import GaussianNoise
from kerazoo.layers.weight_normalization import WeightNormalizedDense
from kerazoo.losses import minimax_discriminator_loss
from kerazoo.models.gans._batches import feature_matching_loss
from kerazoo.models.gans._gan import GAN
from kerazoo.networks.convolutional import batch_normalization, flatten

# Images that the data-dependent initialisation takes, as in the authors' code.
_NUM_INITIAL = 500


@register("semi_supervised_gan")
class SemiSupervisedGAN(Labelled, GAN):
    """Classifier of images of which few have labels, which also tells them from those of a generator.

    The K + 1 classes, the last of which is "generated", are K logits, since one of a softmax's may be fixed at 0: with
    Z the sum of their exponentials, D(x) = Z / (Z + 1), the sigmoid of log Z (section 5). The discriminator learns the
    labels by cross-entropy, and D by the minimax loss; the generator matches the average of its last hidden layer
    (section 3.1). Networks as in the authors' code for MNIST: dense layers with weight normalisation, initialised from
    the data, and normal noise in front of each in the discriminator; batch normalisation, softplus and a sigmoid in the
    generator; Adam with rate 3e-3 and beta_1 0.5.

    Data with labels of -1 give two streams: all images, and in equal number the labelled ones, again and again. Of a
    `tf.data.Dataset` the labels of each batch count, those that it has.

    It differs from that code in latents on [-1, 1), of which batch normalisation makes the same as of [0, 1), and in
    the generator's update, which takes the images of the discriminator's.

    Args:
        image_shape: tuple[int, int, int]. Height, width and channels. Defaults to `(28, 28, 1)`.
        num_classes: int. At least 2; training takes it from the data's labels. Defaults to 10.
        latent_dim: int. Length of a latent vector. Defaults to 100.
        discriminator_units: tuple[int, ...]. Widths of its hidden layers. Defaults to `(1000, 500, 250, 250, 250)`.
        generator_units: tuple[int, ...]. Widths of its hidden layers. Defaults to `(500, 500)`.
        input_noise: float, at least 0. Standard deviation of the noise on the images. Defaults to 0.3.
        hidden_noise: float, at least 0. Standard deviation of the noise in front of other layers. Defaults to 0.5.
        unlabelled_weight: float, at least 0. Of the half of the minimax loss; 0 leaves a classifier that learns from
            the labelled images alone. Defaults to 1.0.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument or a value out of range.

    Example:
        >>> fresh = kerazoo.create("semi_supervised_gan", image_shape=(8, 8, 1))
        >>> fresh.compile(seed=0)
        >>> digits = kerazoo.data.keep_labels(kerazoo.data.open_source("digits"), 10)
        >>> _ = fresh.fit(digits, batch_size=100, epochs=1, verbose=0)
        >>> fresh.classify(fresh.generate(4, seed=0)).shape
        (4, 10)

    Source: Salimans, Goodfellow, Zaremba, Cheung, Radford and Chen 2016, "Improved Techniques for Training GANs",
    arXiv:1606.03498, sections 3.1 and 5.
    """

    paper = "Salimans, Goodfellow, Zaremba, Cheung, Radford and Chen 2016, arXiv:1606.03498"
    image_sizes = (8, 128)
    prior = "uniform"
    takes_unlabelled = True

    def __init__(
        self,
        image_shape: ImageShape = (28, 28, 1),
        num_classes: NumClasses = 10,
        latent_dim: PositiveInt = 100,
        discriminator_units: Widths = (1000, 500, 250, 250, 250),
        generator_units: Widths = (500, 500),
        input_noise: Weight = 0.3,
        hidden_noise: Weight = 0.5,
        unlabelled_weight: Weight = 1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.generator = self._build_generator()
        self.discriminator = self._build_discriminator()

    @property
    def space(self):
        return Images(self.image_shape)

    def _build_generator(self):
        dtype = self.dtype_policy
        x = inputs = keras.Input((self.latent_dim,), dtype="float32", name="z")
        for width in self.generator_units:
            x = _softplus(batch_normalization(dtype)(layers.Dense(width, use_bias=False, dtype=dtype)(x)))
        pixels = WeightNormalizedDense(math.prod(self.image_shape), "sigmoid", dtype="float32")(x)
        return keras.Model(inputs, keras.ops.reshape(pixels, (-1, *self.image_shape)), name="generator")

    def _build_discriminator(self):
        """Images in [0, 1] to the activations of the last hidden layer, and the logits."""
        inputs = keras.Input(self.image_shape, dtype="float32", name="images")
        features, stddev = flatten(inputs), self.input_noise
        for width in self.discriminator_units:
            x = GaussianNoise(stddev, dtype=self.dtype_policy)(features)
            features = WeightNormalizedDense(width, "relu", learn_scale=False, dtype=self.dtype_policy)(x)
            stddev = self.hidden_noise
        x = GaussianNoise(stddev, dtype="float32")(features)
        logits = WeightNormalizedDense(self.num_classes, dtype="float32")(x)
        return keras.Model(inputs, [features, logits], name="discriminator")

    def default_optimizers(self):
        return {role: keras.optimizers.Adam(3e-3, beta_1=0.5) for role in self.roles}

    def adapt(self, arrays):
        """Initialise the discriminator's layers, one after the other, with some of the images."""
        images = arrays["image"][:: max(1, len(arrays["image"]) // _NUM_INITIAL)][:_NUM_INITIAL]
        x = tf.reshape(self.space.to_network(images), [len(images), -1])
        for layer in self.discriminator.layers[1:]:
            if isinstance(layer, WeightNormalizedDense):
                layer.initialize(x)
            x = layer(x)

    def prepare(self, source):
        labels = source.arrays.get("label")
        return PartlyLabelled(source) if labels is not None and UNLABELLED in labels else source

    # === Losses ===

    def discriminator_loss(self, batch, fake, training=True):
        labelled = self.space.to_network(batch["labelled"]) if "labelled" in batch else batch["real"]
        labels = tf.cast(tf.reshape(batch["label"], [-1]), tf.int32)
        known, logits = labels != UNLABELLED, self.logits(labelled, training)
        cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.where(known, labels, 0), logits)
        log_z = [tf.reduce_logsumexp(self.logits(images, training), axis=1) for images in (batch["real"], fake)]
        minimax = minimax_discriminator_loss(*log_z)
        return tf.where(known, cross_entropy, 0.0) + self.unlabelled_weight * 0.5 * minimax

    def generator_loss(self, batch, fake, training=True):
        real_features, fake_features = (self.discriminator(x, training=training)[0] for x in (batch["real"], fake))
        return feature_matching_loss(real_features, fake_features)

    # === Verbs and figures ===

    def logits(self, images, training=False):
        """Scores of the classes before the softmax, shape `(batch, num_classes)`, of images in [0, 1]."""
        return self.discriminator(images, training=training)[1]

    @verb("probabilities", images="images")
    def classify(self, images):
        """Class probabilities, given that an image is real.

        Returns:
            np.ndarray. float32, shape `(num, num_classes)`; each row sums to one.
        """
        return tf.nn.softmax(self.logits(images))

    @verb("probabilities", images="images")
    def discriminate(self, images):
        """The discriminator's probability that each image is real, Z / (Z + 1).

        Returns:
            np.ndarray. float32 in [0, 1], shape `(num,)`.
        """
        return tf.sigmoid(tf.reduce_logsumexp(self.logits(images), axis=1))

    def own_figures(self, data, settings, extractor):
        """`test_error`, the share of images of the split that `classify` gives another class than their label's."""
        arrays = data.open(settings.split).arrays
        if "label" not in arrays:
            return {}
        images, labels = arrays["image"][: settings.num], arrays["label"][: settings.num]
        known = labels != UNLABELLED
        found = self.classify(images[known]).argmax(axis=1)
        return {"test_error": float(np.mean(found != labels[known]))}


def _softplus(x):
    """log(1 + exp(x)), by an exponential that is at most 1: eight bits hold it."""
    return keras.ops.relu(x) + keras.ops.log1p(keras.ops.exp(-keras.ops.abs(x)))
