"""The family of recurrent networks for vectors in time: layers of one cell, and a head that the data determine."""

import functools
from typing import Any, Literal

import keras
import tensorflow as tf
from keras import layers

from kerazoo.base.arguments import Positive, PositiveInt, Rate, Weight
from kerazoo.base.example_spaces import VectorsInTime
from kerazoo.base.model import ZooModel
from kerazoo.data.sequences import KEY
from kerazoo.layers.recurrence import no_dropout
from kerazoo.layers.stack import Stack
from kerazoo.models.sequences._heads import HEADS, head_of
from kerazoo.models.sequences._sequence_verbs import SequenceVerbs
from kerazoo.utils.errors import ConfigError, DataError

Prediction = Literal["classes", "numbers", "next_bits", "next_numbers"]


class RecurrentNetwork(SequenceVerbs, ZooModel):
    """Base of the recurrent networks. A paper sets `cell`, the name of its cell in `kerazoo.layers.stack.CELLS`, has
    the arguments that are the cell's own, and gives them as `cell_options()`.

    What is predicted follows from the data: classes where they have labels, numbers where they have targets, and
    otherwise the next step, as bits where there are only ones and zeros. Labels and targets are those of sequences,
    read off the states after the last step (of a direction that reads backwards, after the first one), or those of
    steps. A network that predicts the next step reads, for each, the one before, and zeros for the first; so `score` is
    log p of a whole sequence.
    """

    roles = {"network": ("stack", "head")}
    cell: Any = None

    def __init__(
        self,
        num_features: PositiveInt,
        predicts: Prediction = "next_bits",
        num_outputs: PositiveInt | None = None,
        every_step: bool = True,
        units: PositiveInt = 128,
        num_layers: PositiveInt = 1,
        skip_connections: bool = False,
        bidirectional: bool = False,
        dropout_rate: Rate = 0.0,
        input_noise: Weight = 0.0,
        clip_norm: Positive = 1.0,
        truncation: PositiveInt | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.answer = HEADS[predicts](num_outputs or num_features, every_step)
        if self.answer.predicts_next and (bidirectional or not every_step):
            raise ConfigError(
                f"{type(self).__name__}: with predicts={predicts!r} every step is predicted from those before it: "
                "bidirectional must be false and every_step true"
            )
        if self.answer.predicts_next and self.answer.num_outputs != num_features:
            raise ConfigError(f"{type(self).__name__}: num_outputs: the next step has num_features={num_features}")
        self.default_endpoint = self.answer.verbs[0]
        self.clip_norms = {"network": clip_norm}
        shape = {"skip_connections": skip_connections, "bidirectional": bidirectional}
        self.stack = Stack(
            self.cell, units, num_layers, **shape, options=self.cell_options(), name="stack", dtype=self.dtype_policy
        )
        self.stack.build((None, None, num_features))
        self.head = layers.Dense(self.answer.num_outputs, dtype="float32", name="head")
        self.head.build((None, self.stack.output_dim))

    def cell_options(self):
        """Arguments of the cell beside its units."""
        return {}

    def default_optimizers(self):
        return {"network": keras.optimizers.Adam(1e-3)}

    @property
    def tracked(self):
        return ("network_loss", *self.answer.metrics)

    @property
    def task(self):
        return self.answer.task

    # === Data ===

    @property
    def space(self):
        return VectorsInTime((None, self.num_features))

    @classmethod
    def arguments_from(cls, source, arguments):
        """The width of a step, what is predicted, and how much of it."""
        if KEY not in source.arrays:
            entries = ", ".join(source.arrays)
            raise DataError(f"{cls.architecture} trains on vectors in time; {source.info.name} has: {entries}")
        # What a preset predicts, which has the width of its own data, says nothing of others.
        asked = None if "num_features" in arguments else arguments.get("predicts")
        name, head = head_of(source, asked)
        width = int(source.info.shapes[KEY][-1])
        return {"num_features": width, "predicts": name, **head.arguments_from(source)}

    def prepare_examples(self, source):
        if self.answer.entry in source.arrays:
            self.answer.check_values(source.arrays[self.answer.entry])
        return super().prepare_examples(source)

    def check(self, batch):
        super().check(batch)
        self.answer.check(batch)

    # === Training ===

    def losses(self, batch, *, training):
        """The loss of each sequence, an average over its steps where each has an answer."""
        drops = functools.partial(self.apply_dropout, rate=self.dropout_rate)
        dropout = drops if training and self.dropout_rate else no_dropout
        mask = self.space.mask(batch)
        sequence = tf.cast(batch[KEY], tf.float32)
        if training and self.input_noise:
            noise = self.noise(tf.shape(sequence)[0], tf.shape(sequence)[1:], stream="inputs")
            sequence += self.input_noise * noise
        outputs = self.outputs(sequence, mask, dropout)
        losses, metrics = self.answer.losses(outputs, batch, mask)
        self.track(**{name: tf.stop_gradient(values) for name, values in metrics.items()})
        return losses

    # === The network ===

    def outputs(self, sequence, mask=None, dropout=no_dropout):
        """Numbers of the last layer: `(batch, steps, num_outputs)`, or `(batch, num_outputs)` of whole sequences."""
        sequence = tf.cast(sequence, tf.float32)
        if self.answer.predicts_next:
            sequence = tf.pad(sequence, [[0, 0], [1, 0], [0, 0]])[:, :-1]
        state = self.zero_state(tf.shape(sequence)[0])
        x, state = self.stack(sequence, state, mask, dropout=dropout, truncation=self.truncation)
        return self.head(x if self.every_step else dropout(self.stack.summary(state), "summary"))

    def zero_state(self, rows):
        """The state before a sequence: float32, shape `(rows, layers, vectors, units)`."""
        return self.stack.zero_state(rows)

    def call(self, inputs, training=False):
        """Numbers of the last layer, float32, of sequences `(batch, steps, num_features)` all of whose steps count."""
        return self.outputs(inputs)
