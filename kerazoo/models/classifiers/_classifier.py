"""What classifiers of images have in common beside their networks: cross-entropy, accuracy and `classify`."""

import numpy as np
import tensorflow as tf

from kerazoo.base.endpoints import Endpoint
from kerazoo.base.inputs import images
from kerazoo.utils.errors import DataError


class Classifying:
    """Stands before `ZooModel` among a class's bases, which has `logits(images, training)`, a function of tensors."""

    @classmethod
    def arguments_from(cls, source, arguments):
        """The images' shape, and as many classes as the labels have."""
        found, labels = super().arguments_from(source, arguments), source.arrays.get("label")
        if labels is None:
            raise DataError(f"{source.info.name} has no labels, which a classifier needs: give a folder for each class")
        names = source.info.class_names
        return found | {"num_classes": len(names) if names else int(np.max(labels)) + 1}

    def prepare_examples(self, source):
        """As `ZooModel.prepare_examples`, all labels checked where there are any."""
        if "label" in source.arrays:
            check_labels(source.arrays["label"], self.num_classes)
        return super().prepare_examples(source)

    def begin(self, batch, *, training):
        """As `ZooModel.begin`; the first batch of a stage that classifies must have labels."""
        super().begin(batch, training=training)
        if "accuracy" in self.stage.tracked:
            check_labels(batch.get("label"), self.num_classes)

    def losses(self, batch, *, training):
        """The cross-entropy of each image's label, in nats."""
        labels = tf.cast(tf.reshape(batch["label"], [-1]), tf.int32)
        logits = self.logits(batch["image"], training)
        self.track(accuracy=tf.cast(tf.argmax(logits, axis=1, output_type=tf.int32) == labels, tf.float32))
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)

    def call(self, inputs, training=False):
        """Class probabilities, shape `(batch, num_classes)`, of images (uint8, or float in [0, 1])."""
        return tf.nn.softmax(self.logits(inputs, training))

    def classify(self, images, *, batch_size=256):
        """Class probabilities.

        Args:
            images: array. uint8, or float in [0, 1], shape `(num, *image_shape)`.
            batch_size: int. Images computed at a time. Defaults to 256.

        Returns:
            np.ndarray. float32, shape `(num, num_classes)`; each row sums to one.

        Raises:
            DataError: a wrong shape or values out of range.
            ConfigError: `batch_size` is below 1.
        """
        return self.calls.in_batches(self.call, self.check_inputs(images), batch_size)

    def endpoints(self):
        return {"classify": Endpoint(self.call, {"images": images(self.image_shape)}, "probabilities")}


def check_labels(labels, num_classes):
    """Raise a `DataError` of one line unless `labels` are integers from 0 to `num_classes - 1`, one an example."""
    if labels is None:
        raise DataError("no labels: a classifier learns from (images, labels), or from a dict with an entry 'label'")
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu" or labels.ndim not in (1, 2) or labels[:1].size != 1:
        raise DataError(f"labels of type {labels.dtype} and shape {labels.shape}: integers, shape (num,), are expected")
    if labels.min() < 0 or labels.max() >= num_classes:
        raise DataError(
            f"labels from {labels.min()} to {labels.max()} where the model has {num_classes} classes, 0 to "
            f"{num_classes - 1}: create it with num_classes={labels.max() + 1}, or number the classes from 0"
        )
