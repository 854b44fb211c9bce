"""Class labels: their check, and what models share that learn from them."""

import numpy as np
import tensorflow as tf

from kerazoo.data.info import UNLABELLED
from kerazoo.utils.errors import DataError


class Labelled:
    """Mixin of models that learn from labels; list it before `ZooModel`. The class has the argument `num_classes`.

    A stage of training whose `needs_labels` is set refuses data without them; see `kerazoo.base.stages.Stage`. Examples
    with the label -1, which stands for none, are refused unless the class sets `takes_unlabelled`.
    """

    needs_labels: bool = True
    takes_unlabelled: bool = False

    @classmethod
    def arguments_from(cls, source, arguments):
        """The arguments that the parents take from the data, and the number of classes of the labels."""
        found, labels = super().arguments_from(source, arguments), source.arrays.get("label")
        if labels is None:
            need = f"which {cls.architecture} needs: give a folder for each class"
            raise DataError(f"{source.info.name} has no labels, {need}")
        names = source.info.class_names
        return found | {"num_classes": len(names) if names else int(np.max(labels)) + 1}

    def prepare_examples(self, source):
        """As `ZooModel.prepare_examples`, all labels checked where there are any."""
        if "label" in source.arrays:
            check_labels(source.arrays["label"], self.num_classes, unlabelled=self.takes_unlabelled)
        return super().prepare_examples(source)

    def begin(self, batch, *, training):
        """As `ZooModel.begin`; the first batch of a stage that learns from labels must have them."""
        super().begin(batch, training=training)
        if self.stage.needs_labels:
            check_labels(batch.get("label"), self.num_classes, unlabelled=self.takes_unlabelled)

    def check_labels(self, labels):
        """`labels` as int32, shape `(num,)`; a `DataError` of one line unless they are classes of this model."""
        check_labels(labels, self.num_classes)
        return np.asarray(labels, "int32").reshape(-1)


def check_labels(labels, num_classes, *, unlabelled=False):
    """Raise a `DataError` of one line unless `labels` are integers from 0 to `num_classes - 1`, one an example.

    With `unlabelled`, -1 is allowed too.
    """
    if labels is None:
        raise DataError("no labels: this model learns from (images, labels), or from a dict with an entry 'label'")
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu" or labels.ndim not in (1, 2) or labels[:1].size != 1:
        raise DataError(f"labels of type {labels.dtype} and shape {labels.shape}: integers, shape (num,), are expected")
    if labels.min() == UNLABELLED and not unlabelled:
        count = np.count_nonzero(labels == UNLABELLED)
        raise DataError(
            f"{count:,} of {labels.size:,} examples have no label (-1), which this model needs: leave them out"
        )
    if labels.min() < (UNLABELLED if unlabelled else 0) or labels.max() >= num_classes:
        raise DataError(
            f"labels from {labels.min()} to {labels.max()} where the model has {num_classes} classes, 0 to "
            f"{num_classes - 1}: create it with num_classes={labels.max() + 1}, or number the classes from 0"
        )


def one_hot(labels, num_classes):
    """Labels of a batch, integers of shape `(batch,)` or `(batch, 1)`, as float32 rows of zeros and a one."""
    return tf.one_hot(tf.cast(tf.reshape(labels, [-1]), tf.int32), num_classes)
