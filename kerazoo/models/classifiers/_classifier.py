"""The family of image classifiers: cross-entropy, accuracy and `classify`, beside their networks."""

from typing import Any

import tensorflow as tf

from kerazoo.base.labels import Labelled
from kerazoo.base.verbs import verb


class Classifier(Labelled):
    """Mixin; list it before `ZooModel`. The class has `logits(images, training)`, a function of tensors."""

    task: Any = "image-classification"
    default_endpoint: str | None = "classify"

    def losses(self, batch, *, training):
        """The cross-entropy of each image's label, in nats."""
        labels = self._labels(batch)
        logits = self.logits(batch["image"], training)
        self.track(accuracy=tf.cast(tf.argmax(logits, axis=1, output_type=tf.int32) == labels, tf.float32))
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)

    def _labels(self, batch):
        return tf.cast(tf.reshape(batch["label"], [-1]), tf.int32)

    def call(self, inputs, training=False):
        """Class probabilities, shape `(batch, num_classes)`, of images (uint8, or float in [0, 1])."""
        return tf.nn.softmax(self.logits(inputs, training))

    @verb("probabilities", images="images")
    def classify(self, images):
        """Class probabilities.

        Returns:
            np.ndarray. float32, shape `(num, num_classes)`; each row sums to one.
        """
        return self.call(images)
