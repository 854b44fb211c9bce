"""A small convolutional classifier of images, whose features serve the image metrics (LeCun et al. 1998)."""

import keras
from keras import layers

from kerazoo.base.arguments import ImageShape, NumClasses, PositiveInt, Rate, Widths
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

    Args:
        image_shape: tuple[int, int, int]. Height, width and channels. Defaults to `(28, 28, 1)`.
        num_classes: int. At least 2. Defaults to 10.
        filters: tuple[int, ...]. Channels of each block. Defaults to `(32, 64)`.
        feature_dim: int. Width of the hidden dense layer. Defaults to 128.
        dropout_rate: float in [0, 1). Fraction of the features left out in training. Defaults to 0.5.
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

    Source: LeCun, Bottou, Bengio and Haffner 1998, "Gradient-Based Learning Applied to Document Recognition".
    """

    paper = "LeCun, Bottou, Bengio and Haffner 1998, Proceedings of the IEEE 86(11)"
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
