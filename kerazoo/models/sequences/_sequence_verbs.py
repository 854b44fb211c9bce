"""Verbs of models of vectors in time: each model has those of its head."""

import numpy as np
import tensorflow as tf

from kerazoo.base import inputs
from kerazoo.base.endpoints import LOOP, SEEDED
from kerazoo.base.priors import random_generator, seeded_rows
from kerazoo.base.verbs import available, endpoint
from kerazoo.data.sequences import KEY, Sequences
from kerazoo.utils.checks import MAX_SEED, check_integer, check_number
from kerazoo.utils.errors import DataError
from kerazoo.utils.litert_forms import size_of

LONGEST = 256  # steps of a LiteRT file that must fix them
MOST_STEPS = 10_000  # of one call of the exported `generate`, which a server runs for whoever asks


def _has(verb):
    return lambda model: verb in model.answer.verbs


# Arguments of exported signatures.
OF_SEQUENCES = {
    "sequence": lambda model: inputs.vectors_in_time(model.num_features, longest=LONGEST),
    "length": lambda model: inputs.number(4, 0, about="steps that count; 0: all", rows=True, shown=0),
}
OF_DRAWING = {
    "num_steps": lambda model: inputs.number(8, 1, MOST_STEPS, rows=True, shown=64),
    "temperature": lambda model: inputs.number(1.0, 0, about="0 takes the likeliest", dtype="float32", rows=True),
    "seed": lambda model: inputs.seed(rows=True),
}


class SequenceVerbs:
    """Mixin; list it before `ZooModel`. The class has `num_features`, `answer` (a `Head`), `outputs`, `zero_state`,
    `stack` and `head`."""

    @available(_has("classify"))
    def classify(self, sequences, *, batch_size=64):
        """Class probabilities.

        Args:
            sequences: array of shape `(num, steps, num_features)`, or a list of arrays `(steps, num_features)`.
            batch_size: int. Sequences computed at a time. Defaults to 64.

        Returns:
            np.ndarray. float32, shape `(num, num_classes)`; of a model whose steps have classes, `(num, steps,
            num_classes)`, and of a list a list of arrays.

        Raises:
            DataError: another shape, or values that are not finite.
            ConfigError: `batch_size` is below 1.
        """
        return self._on_sequences(self._classify, sequences, batch_size, of_steps=self.every_step)

    @available(_has("regress"))
    def regress(self, sequences, *, batch_size=64):
        """The numbers that belong to sequences, or to their steps; of a model of the next step, what it expects.

        Args:
            sequences: array of shape `(num, steps, num_features)`, or a list of arrays `(steps, num_features)`.
            batch_size: int. Sequences computed at a time. Defaults to 64.

        Returns:
            np.ndarray. float32, shape `(num, num_outputs)`; where steps have numbers, `(num, steps, num_outputs)`, each
            from the steps before it alone where they are the steps themselves, and of a list a list of arrays.

        Raises:
            DataError: another shape, or values that are not finite.
            ConfigError: `batch_size` is below 1.
        """
        return self._on_sequences(self._regress, sequences, batch_size, of_steps=self.every_step)

    @available(_has("score"))
    def score(self, sequences, *, batch_size=64):
        """log p of each sequence, of all its steps.

        Args:
            sequences: array of shape `(num, steps, num_features)`, or a list of arrays `(steps, num_features)`; ones
                and zeros.
            batch_size: int. Sequences computed at a time. Defaults to 64.

        Returns:
            np.ndarray. float32, shape `(num,)`, in nats, higher is better.

        Raises:
            DataError: another shape, or values that are not finite.
            ConfigError: `batch_size` is below 1.
        """
        return self._on_sequences(self._score, sequences, batch_size)

    @available(_has("predict_next"))
    def predict_next(self, sequences, *, batch_size=64):
        """What follows each sequence: the probability that each feature is 1, or the expected numbers.

        Args:
            sequences: array of shape `(num, steps, num_features)`, or a list of arrays `(steps, num_features)`.
            batch_size: int. Sequences computed at a time. Defaults to 64.

        Returns:
            np.ndarray. float32, shape `(num, num_features)`.

        Raises:
            DataError: another shape, or values that are not finite.
            ConfigError: `batch_size` is below 1.
        """
        return self._on_sequences(self._predict_next, sequences, batch_size)

    @available(_has("generate"))
    def generate(self, num_samples=1, *, num_steps=64, opening=None, temperature=1.0, seed=None):
        """Draw sequences, step by step.

        Args:
            num_samples: int. How many. Defaults to 1.
            num_steps: int. Steps that are drawn. Defaults to 64.
            opening: array of shape `(steps, num_features)`, or None. What each sequence begins with. Defaults to None.
            temperature: float, at least 0. The logits are divided by it: below 1 likely values become likelier; 0
                always takes the likeliest. Defaults to 1.0.
            seed: int or None. The same seed gives the same sequences; None gives fresh ones. Defaults to None.

        Returns:
            np.ndarray. float32, shape `(num_samples, steps of the opening + num_steps, num_features)`.

        Raises:
            DataError: an opening of another shape, or with values that are not finite.
            ConfigError: a number out of range.
        """
        rows = check_integer("num_samples", num_samples)
        drawing = (
            np.full(rows, check_integer("num_steps", num_steps), "int32"),
            np.full(rows, check_number("temperature", temperature), "float32"),
            random_generator(seed).integers(MAX_SEED, size=rows, dtype="int32"),
        )
        if opening is None:
            return self.calls(self._generate, *drawing, any_shape=True)
        [opening] = self._checked_sequences([opening])
        given = np.repeat(opening[None], rows, axis=0)
        lengths = np.full(rows, len(opening), "int32")
        new = self.calls(self._continue, given, lengths, *drawing, any_shape=True)
        return np.concatenate([given, new], axis=1)

    # === Leaving Python ===

    @endpoint("probabilities", int8=LOOP, when=_has("classify"), **OF_SEQUENCES)
    def _classify(self, sequence, length):
        return self._answers(sequence, length)

    @endpoint("numbers", int8=LOOP, when=_has("regress"), **OF_SEQUENCES)
    def _regress(self, sequence, length):
        return self._answers(sequence, length)

    @endpoint("nats", int8=LOOP, when=_has("score"), **OF_SEQUENCES)
    def _score(self, sequence, length):
        mask = _mask(sequence, length)
        nats, _ = self.answer.compare(self.outputs(sequence, mask), sequence)
        return -tf.reduce_sum(nats * tf.cast(mask, tf.float32), axis=1)

    @endpoint("expected", int8=LOOP, when=_has("predict_next"), **OF_SEQUENCES)
    def _predict_next(self, sequence, length):
        state = self._state_after(sequence, length)
        return self.answer.answers(self.head(self.stack.summary(state)))

    @endpoint("sequence", server_only=SEEDED, when=_has("generate"), **OF_DRAWING)
    def _generate(self, num_steps, temperature, seed):
        rows = tf.shape(seed)[0]
        _, state = self.stack.step(tf.zeros([rows, self.num_features]), self.zero_state(rows))
        return self._draw(state, num_steps, temperature, seed)

    @endpoint("sequence", server_only=SEEDED, when=_has("generate"), **OF_SEQUENCES, **OF_DRAWING)
    def _continue(self, sequence, length, num_steps, temperature, seed):
        return self._draw(self._state_after(sequence, length), num_steps, temperature, seed)

    def _answers(self, sequence, length):
        return self.answer.answers(self.outputs(sequence, _mask(sequence, length)))

    def _state_after(self, sequence, length):
        """The state that has read zeros and the whole sequence: the head gives of it what follows."""
        mask = tf.pad(_mask(sequence, length), [[0, 0], [1, 0]], constant_values=True)
        read = tf.pad(sequence, [[0, 0], [1, 0], [0, 0]])
        return self.stack(read, self.zero_state(tf.shape(sequence)[0]), mask)[1]

    def _draw(self, state, num_steps, temperature, seed):
        """Steps drawn from a state on, `(rows, most steps, num_features)`; zeros behind those that a row asks for."""
        total = tf.reduce_max(num_steps)
        noise = tf.transpose(seeded_rows(seed, tf.stack([total, self.num_features])), [1, 0, 2])
        drawn = tf.TensorArray(tf.float32, total, element_shape=[None, self.num_features])

        def body(time, state, drawn):
            x = self.answer.draw(self.head(self.stack.summary(state)), noise[time], temperature[:, None])
            return time + 1, self.stack.step(x, state)[1], drawn.write(time, x)

        *_, drawn = tf.while_loop(lambda time, *_: time < total, body, (0, state, drawn))
        wanted = tf.range(total)[:, None] < num_steps
        return tf.transpose(drawn.stack() * tf.cast(wanted, tf.float32)[..., None], [1, 0, 2])

    # === From arrays of unequal length ===

    def _checked_sequences(self, sequences):
        rows = Sequences({KEY: list(sequences)}, name="the data").arrays[KEY]
        if rows[0].shape[1] != self.num_features:
            raise DataError(f"sequences of {rows[0].shape[1]} numbers a step where the model has {self.num_features}")
        return list(rows)

    def _on_sequences(self, function, sequences, batch_size, of_steps=False):
        """What a function of (sequences, lengths) gives of each: an array, or a list of those of unequal length."""
        size = check_integer("batch_size", batch_size)
        rows, found = self._checked_sequences(sequences), []
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            lengths = np.array([len(row) for row in part], "int32")
            padded = np.zeros((len(part), lengths.max(), self.num_features), "float32")
            for place, row in enumerate(part):
                padded[place, : len(row)] = row
            given = self.calls(function, padded, lengths, any_shape=True)
            found += [row[:length] if of_steps else row for row, length in zip(given, lengths, strict=True)]
        return found if of_steps and isinstance(sequences, list) else np.stack(found)


def _mask(sequence, length):
    """Which steps count, bool `(batch, steps)`; all where a length is 0."""
    return (tf.range(size_of(sequence, 1)) < length[:, None]) | (length[:, None] < 1)
