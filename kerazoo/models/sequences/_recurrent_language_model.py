"""Recurrent language models: truncated backpropagation that carries the state, and the network step by step."""

import functools
import math
from typing import ClassVar

import tensorflow as tf

from kerazoo.base.replicas import gather_rows, local_rows
from kerazoo.layers.recurrence import no_dropout
from kerazoo.losses import sequence_log_likelihood


class RecurrentLanguageModel:
    """Mixin; list it before `LanguageModel`. The training and the network of a stack of recurrent layers.

    The class has the arguments `dropout_rate` and `sequence_length`, a `Stack` called `lstm`, and two functions:
    `embed(tokens, dropout)`, vectors of ids, and `read_out(x)`, logits of outputs. Class attributes:

    Attributes:
        sums_over_window: bool. Whether a row's loss is the sum over the window's steps, not the mean.
    """

    roles: ClassVar[dict] = {"language_model": ("embedding", "lstm", "head")}
    sums_over_window: ClassVar[bool] = False

    # === Training ===

    def begin(self, batch, *, training):
        if "first" in batch:
            name, shape = _state_name(training), (len(batch[self.batch_key]), *self.lstm.state_shape)
            self.add_state(name, shape, "float32")

    def losses(self, batch, *, training):
        """The nats of each row's window; the state goes on from the last batch to the next one."""
        tokens = batch["tokens"]
        rows, num_steps = tf.shape(tokens)[0], tf.shape(tokens)[1] - 1
        drops = functools.partial(self.apply_dropout, rate=self.dropout_rate)
        dropout = drops if training and self.dropout_rate else no_dropout
        state = self.zero_state(rows)
        carries = "first" in batch  # other batches are texts of their own
        if carries:
            carried = self.state(_state_name(training))
            fresh = tf.reshape(batch["first"], [-1, 1, 1, 1])
            state = tf.where(fresh, state, local_rows(tf.convert_to_tensor(carried), rows))
        logits, state = self.sequence_logits(tokens[:, :-1], tf.stop_gradient(state), dropout)
        if carries:
            after = gather_rows(tf.stop_gradient(state))
            carried.assign(tf.concat([after, carried[tf.shape(after)[0] :]], axis=0))
        nats = -sequence_log_likelihood(logits, tokens[:, 1:])
        mean = nats / tf.cast(num_steps, tf.float32)
        self.track_nats(tf.stop_gradient(mean))
        return nats if self.sums_over_window else mean

    def track_nats(self, nats):
        """Track what a token costs, of each row in nats."""
        self.track(bits_per_character=nats / math.log(2))

    # === The network ===

    def zero_state(self, rows):
        """The state before a text: float32, shape `(rows, num_layers, 2, units)`, of other cells 1 for 2."""
        return self.lstm.zero_state(rows)

    def sequence_logits(self, tokens, state, dropout=no_dropout, mask=None):
        """Logits `(batch, steps, tokens)` of what follows each of `tokens`, int `(batch, steps)`, and the state after
        the last of them for which `mask`, bool `(batch, steps)`, is True."""
        x, state = self.lstm(self.embed(tokens, dropout), state, mask, dropout=dropout)
        return self.read_out(x), state

    def call(self, inputs, training=False):
        """Logits of each next token, float32, shape `(batch, steps, tokens)`, of tokens `(batch, steps)`."""
        return self.sequence_logits(inputs, self.zero_state(tf.shape(inputs)[0]))[0]

    def next_logits(self, tokens, state):
        """One step: logits `(rows, tokens)` of what follows `tokens`, int `(rows,)`, and the state after them."""
        x, state = self.lstm.step(self.embed(tokens), state)
        return self.read_out(x), state


def _state_name(training):
    return "carried" if training else "test_carried"
