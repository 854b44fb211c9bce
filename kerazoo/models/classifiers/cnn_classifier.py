"""A small convolutional classifier of images, whose features serve the image metrics (LeCun et al. 1998)."""

import keras
import tensorflow as tf
from keras import layers

from kerazoo.base.arguments import Fraction, ImageShape, NumClasses, PositiveInt, Rate, Widths
from kerazoo.base.model import ZooModel
from kerazoo.base.registry import register
from kerazoo.base.verbs import verb
from kerazoo.models.classifiers._classifier import Classifier
from kerazoo.networks.convolutional import CHANNELS_LAST, flatten
from kerazoo.utils.images import as_float


@register("cnn_classifier")
class CNNClassifier(Classifier, ZooModel):
    """Convolutional classifier for small images, in the line of LeNet.

    Blocks of a 3x3 convolution, ReLU and 2x2 max-pooling; then one hidden dense layer, whose activations are the
    `features`, dropout on them, and a softmax. Trained with Adam on cross-entropy.

    It differs from LeNet-5 in what was found since: ReLU, max-pooling, and dropout (Srivastava et al. 2014). There is
    no normalisation, so that distances between features keep the scale of what the classifier found.

    With `adversarial_epsilon` above 0 it is trained as Goodfellow et al. 2015 do (section 6, with their weight of 0.5):
    a step's loss is the mean of that of the images and that of the images which the fast gradient sign method changed
    by that much, for the network as it then is. The direction is found without dropout; both losses share one draw.

    Args:
        image_shape: tuple[int, int, int]. Height, width and channels. Defaults to `(28, 28, 1)`.
        num_classes: int. At least 2. Defaults to 10.
        filters: tuple[int, ...]. Channels of each block. Defaults to `(32, 64)`.
        feature_dim: int. Width of the hidden dense layer. Defaults to 128.
        dropout_rate: float in [0, 1). Fraction of the features left out in training. Defaults to 0.5.
        adversarial_epsilon: float in [0, 1]. By how much a pixel of an adversarial training image is changed, where
            images are in [0, 1]. Defaults to 0.0, no such images.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument or a value out of range.

    Example:
        >>> model = kerazoo.load("cnn_classifier")
        >>> images = np.zeros((4, 28, 28, 1), "uint8")  # or float in [0, 1]
        >>> model.classify(images).argmax(axis=1).shape
        (4,)
        >>> model.features(images).shape
        (4, 128)

    Source: LeCun, Bottou, Bengio and Haffner 1998, "Gradient-Based Learning Applied to Document Recognition";
    Goodfellow, Shlens and Szegedy 2015, "Explaining and Harnessing Adversarial Examples", arXiv:1412.6572.
    """

    paper = "LeCun, Bottou, Bengio and Haffner 1998, Proceedings of the IEEE 86(11)"
    code_verb = "features"
    roles = {"classifier": ("encoder", "head")}
    tracked = ("classifier_loss", "accuracy")
    image_sizes = (8, 256)

    def __init__(
        self,
        image_shape: ImageShape = (28, 28, 1),
        num_classes: NumClasses = 10,
        filters: Widths = (32, 64),
        feature_dim: PositiveInt = 128,
        dropout_rate: Rate = 0.5,
        adversarial_epsilon: Fraction = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.encoder = self._build_encoder()
        self.head = keras.Sequential(
            [keras.Input((feature_dim,), dtype="float32"), layers.Dense(num_classes, dtype="float32")], name="head"
        )

    def _build_encoder(self):
        dtype = self.dtype_policy
        options = {"data_format": CHANNELS_LAST, "dtype": dtype}
        x = inputs = keras.Input(self.image_shape, dtype="float32", name="images")
        for width in self.filters:
            x = layers.Conv2D(width, 3, padding="same", activation="relu", **options)(x)
            x = layers.MaxPooling2D(**options)(x)
        x = layers.Dense(self.feature_dim, dtype=dtype)(flatten(x))
        return keras.Model(inputs, layers.ReLU(dtype="float32")(x), name="encoder")

    def default_optimizers(self):
        return {"classifier": keras.optimizers.Adam(1e-3)}

    def losses(self, batch, *, training):
        """The cross-entropy of each image's label, in nats; in training the mean with that of its adversarial image."""
        clean = super().losses(batch, training=training)
        if not (training and self.adversarial_epsilon):
            return clean
        labels = self._labels(batch)
        logits = self.logits(self._adversarial_images(as_float(batch["image"]), labels), training)
        return 0.5 * clean + 0.5 * tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)

    def _adversarial_images(self, images, labels):
        """Images in [0, 1] moved by `adversarial_epsilon` along the sign of the gradient of their cross-entropy."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, self.logits(images))
        moved = images + self.adversarial_epsilon * tf.sign(tape.gradient(losses, images))
        return tf.stop_gradient(tf.clip_by_value(moved, 0.0, 1.0))

    def logits(self, images, training=False):
        """Scores of the classes before the softmax, shape `(batch, num_classes)`."""
        features = self.encoder(as_float(images), training=training)
        return self.head(self.apply_dropout(features, "dropout", rate=self.dropout_rate) if training else features)

    @verb("features", images="images")
    def features(self, images):
        """Activations of the hidden dense layer.

        Returns:
            np.ndarray. float32, at least 0, shape `(num, feature_dim)`.
        """
        return self.encoder(images, training=False)
