"""Heads: what a network in time predicts, what a prediction costs, and how the data show that it is wanted."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from kerazoo.data.sequences import KEY
from kerazoo.utils.errors import DataError


@dataclass(frozen=True)
class Head:
    """What is predicted of a sequence.

    Attributes:
        num_outputs: int. Numbers that the last layer gives, of a step or of a sequence.
        every_step: bool. Whether every step has an answer, or the sequence one.
        entry: str. The entry of a batch that holds the answers.
        output: str. What the answers are called in exported signatures.
        task: str. Of a model with this head.
        metrics: tuple[str, ...]. What training logs beside the loss.
        verbs: tuple[str, ...]. Those of `SequenceVerbs` that a model with this head has.
        predicts_next: bool. Whether the answer to a step is that step itself, of which only those before may be read.
    """

    num_outputs: int
    every_step: bool = False

    entry: ClassVar[Any] = None
    output: ClassVar[Any] = None
    task: ClassVar[Any] = None
    metrics: ClassVar[tuple] = ()
    verbs: ClassVar[tuple] = ()
    predicts_next: ClassVar[bool] = False

    @classmethod
    def fits(cls, source):
        """Whether a source has what this head predicts."""
        return cls.entry in source.arrays

    @classmethod
    def arguments_from(cls, source):
        """`num_outputs` and `every_step`, as a source has them; a `DataError` where it lacks the answers."""
        answers = source.arrays.get(cls.entry)
        if answers is None:
            entries = ", ".join(source.arrays)
            raise DataError(f"{source.info.name} has no entry {cls.entry!r} to predict (it has: {entries})")
        return {"num_outputs": cls.width(source, answers), "every_step": cls.of_steps(source, answers)}

    @classmethod
    def width(cls, source, answers):
        """Numbers of one answer."""
        return int(np.asarray(answers[0]).shape[-1])

    @classmethod
    def of_steps(cls, source, answers):
        """Whether the answers are those of steps."""
        return np.asarray(answers[0]).ndim > 1

    def check(self, batch):
        """Raise a `DataError` of one line unless a batch (a dict of arrays) holds answers of this head."""
        if self.entry not in batch:
            raise DataError(f"no entry {self.entry!r}, which this model learns from: it predicts {self.output}")
        found, wanted = np.shape(batch[self.entry]), self._shape(np.shape(batch[KEY]))
        if found != wanted:
            raise DataError(f"{self.entry} of shape {found} where {wanted} is expected")
        self.check_values(batch[self.entry])

    def check_values(self, rows):
        """Raise a `DataError` of one line unless answers, an array or a sequence of arrays, are such as it gives."""

    def _shape(self, shape):
        return (*shape[: 1 + self.every_step], self.num_outputs)

    def losses(self, outputs, batch, mask):
        """The loss of each sequence of a batch, and its metrics, name -> numbers: all of shape `(batch,)`.

        Args:
            outputs: tf.Tensor. Of the last layer: `(batch, num_outputs)`, or `(batch, steps, num_outputs)`.
            batch: dict of tensors.
            mask: tf.Tensor or None. Which steps count, bool `(batch, steps)`; None where all do.
        """
        loss, metrics = self.compare(outputs, batch[self.entry])
        if not self.every_step:
            return loss, metrics
        return _mean(loss, mask), {name: _mean(values, mask) for name, values in metrics.items()}

    def compare(self, outputs, answers):
        """The loss of each answer, and metrics by name; all of the shape of `outputs` without its last axis."""
        raise NotImplementedError

    def answers(self, outputs):
        """Outputs of the last layer as users see them."""
        return outputs


class Classes(Head):
    """A class, by a softmax layer."""

    entry, output, task = "label", "probabilities", "sequence-classification"
    metrics, verbs = ("accuracy",), ("classify",)

    @classmethod
    def width(cls, source, answers):
        names = source.info.class_names
        return len(names) if names else 1 + max(int(np.max(row)) for row in answers)

    @classmethod
    def of_steps(cls, source, answers):
        return np.asarray(answers[0]).ndim > 0

    def check_values(self, rows):
        rows = [np.asarray(row) for row in rows]
        least, most = min(row.min() for row in rows), max(row.max() for row in rows)
        if any(row.dtype.kind not in "iu" for row in rows) or least < 0 or most >= self.num_outputs:
            raise DataError(
                f"labels of type {rows[0].dtype} from {least} to {most} where integers from 0 to "
                f"{self.num_outputs - 1} are expected"
            )

    def _shape(self, shape):
        return shape[: 1 + self.every_step]

    def compare(self, outputs, answers):
        answers = tf.cast(answers, tf.int32)
        right = tf.cast(tf.argmax(outputs, axis=-1, output_type=tf.int32) == answers, tf.float32)
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=answers, logits=outputs), {"accuracy": right}

    def answers(self, outputs):
        return tf.nn.softmax(outputs)


class Numbers(Head):
    """Numbers, by least squares."""

    entry, output, task = "target", "numbers", "sequence-regression"
    verbs: ClassVar[tuple] = ("regress",)

    def compare(self, outputs, answers):
        return tf.reduce_mean((outputs - tf.cast(answers, tf.float32)) ** 2, axis=-1), {}


class NextNumbers(Numbers):
    """The numbers of the next step, by least squares."""

    entry, verbs, predicts_next = KEY, ("regress", "predict_next"), True

    @classmethod
    def of_steps(cls, source, answers):
        return True


class NextBits(Head):
    """The ones and zeros of the next step, independent of each other given the steps before: the notes of music."""

    entry, output, task = KEY, "probabilities", "sequence-generation"
    verbs, predicts_next = ("generate", "score", "predict_next"), True

    @classmethod
    def fits(cls, source):
        return all(np.isin(row, (0, 1)).all() for row in source.arrays[KEY])

    @classmethod
    def of_steps(cls, source, answers):
        return True

    def check_values(self, rows):
        if not all(np.isin(row, (0, 1)).all() for row in rows):
            raise DataError(f"{KEY} with values other than 0 and 1, which this model predicts: see `predicts`")

    def compare(self, outputs, answers):
        nats = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.cast(answers, tf.float32), logits=outputs)
        return tf.reduce_sum(nats, axis=-1), {}

    def answers(self, outputs):
        return tf.sigmoid(outputs)

    def draw(self, outputs, noise, temperature):
        """A step drawn from outputs `(rows, num_outputs)`, by noise on [0, 1) of their shape; `temperature`, of shape
        `(rows, 1)`, divides the logits, and 0 takes the likelier of both."""
        cold = tf.cast(outputs > 0, tf.float32)
        drawn = tf.cast(noise < tf.sigmoid(outputs / tf.maximum(temperature, 1e-6)), tf.float32)
        return tf.where(temperature > 0, drawn, cold)


# By the name that the argument `predicts` has; of data, the first one that fits.
HEADS = {"classes": Classes, "numbers": Numbers, "next_bits": NextBits, "next_numbers": NextNumbers}


def head_of(source, name=None):
    """The name and the class of the head that fits a source, or of the one that `name` asks for."""
    return next((key, head) for key, head in HEADS.items() if (head.fits(source) if name is None else key == name))


def _mean(values, mask):
    """The mean of `(batch, steps)` over the steps that count."""
    if mask is None:
        return tf.reduce_mean(values, axis=1)
    mask = tf.cast(mask, tf.float32)
    return tf.reduce_sum(values * mask, axis=1) / tf.reduce_sum(mask, axis=1)
