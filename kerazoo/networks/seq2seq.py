"""Encoder and decoders of sequence to sequence models; each decoder reads like the paper that it follows."""

import keras
import tensorflow as tf

from kerazoo.layers.attention import Attention
from kerazoo.layers.gru import GRUCell
from kerazoo.layers.recurrence import matmul, no_dropout, scan_time

# Sutskever et al. 2014, section 3.4, is -0.08 to 0.08; Luong et al. 2015, section 4.1, -0.1 to 0.1.
EMBEDDING_RANGE = 0.1


class TokenEmbedding(keras.layers.Layer):
    """A table of vectors, one per token. Its gradient is a dense tensor, so that it may be clipped and reduced."""

    def __init__(self, num_tokens, dim, initializer=None, **kwargs):
        super().__init__(autocast=False, **kwargs)
        init = initializer or keras.initializers.RandomUniform(-EMBEDDING_RANGE, EMBEDDING_RANGE)
        self.table = self.add_weight(name="table", shape=(num_tokens, dim), initializer=init)
        self.built = True

    @property
    def kernel(self):
        """The table, by the name that a `TiedDense` layer looks for."""
        return self.table

    def call(self, ids):
        # The gradient of reshape is dense; that of gather alone would be slices.
        table = tf.reshape(tf.convert_to_tensor(self.table), self.table.shape)
        return tf.cast(tf.gather(table, ids), tf.float32)


class BidirectionalEncoder(keras.layers.Layer):
    """Embedding and one GRU per direction (Bahdanau et al. 2015, section 3.2).

    Args:
        num_tokens: int. Size of the vocabulary.
        embedding_dim: int.
        units: int. State of each direction; an annotation has twice as many numbers.
        **kwargs: `name`, `dtype` of `keras.layers.Layer`.
    """

    def __init__(self, num_tokens, embedding_dim, units, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.units = units
        self.embedding = TokenEmbedding(num_tokens, embedding_dim, dtype=self.dtype_policy, name="embedding")
        self.cells = [GRUCell(units, dtype=self.dtype_policy, name=name) for name in ("forward", "backward")]
        for cell in self.cells:
            cell.build((None, embedding_dim))
        self.built = True

    def call(self, ids, mask, dropout=no_dropout):
        """Encode.

        Args:
            ids: int tensor, shape `(batch, steps)`.
            mask: boolean tensor of the same shape, False at padding, which changes nothing.
            dropout: callable `(tensor, stream) -> tensor`. Defaults to none.

        Returns:
            tuple. Annotations, shape `(batch, steps, 2 * units)`, and both directions' last states (of the last word
            and of the first), shape `(batch, 2 * units)`; float32.
        """
        x = dropout(self.embedding(ids), "source")
        forward, (last,) = self.cells[0](x, mask=mask)
        backward, (first,) = self.cells[1](x, mask=mask, reverse=True)
        annotations = tf.concat([forward, backward], axis=-1)
        return dropout(annotations, "annotations"), tf.concat([last, first], axis=-1)


class Decoder(keras.layers.Layer):
    """Base of the decoders: embedding, GRU, first state, and the softmax layer over tokens.

    A subclass sets `feed_dim(...)`, the width of what enters the recurrence besides the previous token, and writes
    `advance` (one step) and `read_out` (from a step's outcome to the softmax layer's inputs).

    Args:
        num_tokens: int. Size of the vocabulary.
        embedding_dim: int. Also the width of the layer below the softmax, so that `tied` is possible.
        units: int. Length of the state.
        key_dim: int. Length of an annotation.
        score: str or None. Of `kerazoo.layers.attention.Attention`.
        attention_units: int or None. Its tanh layer's width.
        input_feeding: bool. See `LuongDecoder`.
        tied: bool. Whether the softmax layer's matrix is the embedding.
        **kwargs: `name`, `dtype` of `keras.layers.Layer`.
    """

    def __init__(
        self, num_tokens, embedding_dim, units, key_dim, *, score, attention_units, input_feeding, tied, **kwargs
    ):
        super().__init__(autocast=False, **kwargs)
        policy = {"dtype": self.dtype_policy}
        self.units, self.embedding_dim, self.key_dim, self.input_feeding = units, embedding_dim, key_dim, input_feeding
        self.embedding = TokenEmbedding(num_tokens, embedding_dim, name="embedding", **policy)
        self.cell = GRUCell(units, name="cell", **policy)
        self.cell.build((None, embedding_dim))
        self.feed_dim = self.width_of_feed()
        self.feed = self.add_weight(name="feed", shape=(self.feed_dim, 3 * units)) if self.feed_dim else None
        self.attention = None
        if score is not None:
            self.attention = Attention(score, attention_units, name="attention", **policy)
            self.attention.build((None, units), (None, None, key_dim))
        self.first = self.add_weight(name="first", shape=(key_dim, units))
        self.first_bias = self.add_weight(name="first_bias", shape=(units,), initializer="zeros")
        self.output_bias = self.add_weight(name="output_bias", shape=(num_tokens,), initializer="zeros")
        self.output_kernel = None if tied else self.add_weight(name="output_kernel", shape=(embedding_dim, num_tokens))
        self.build_read_out()
        self.built = True

    def begin(self, last_states):
        """The state before the first token, from the encoder's last states: tanh(W [forward; backward] + b).

        Bahdanau et al. use the backward one alone (appendix A.2.2); without attention the decoder needs both.
        """
        hidden = tf.tanh(self._matmul(last_states, self.first) + self.first_bias)
        return {"hidden": hidden, "fed": tf.zeros([tf.shape(hidden)[0], self.feed_dim])}

    def remember(self, annotations, mask):
        """The source as every step needs it: a dict of tensors `(batch, steps, ...)`."""
        projected = annotations if self.attention is None else self.attention.project(annotations)
        return {"keys": annotations, "projected": projected, "mask": mask}

    def call(self, ids, state, memory, dropout=no_dropout):
        """Teacher forcing: logits of each next token, given the right tokens before it.

        Args:
            ids: int tensor, shape `(batch, steps)`. The target, from the start token on, without the end token.
            state, memory: what `begin` and `remember` returned.
            dropout: callable `(tensor, stream) -> tensor`. Defaults to none.

        Returns:
            tuple. Logits, float32, shape `(batch, steps, num_tokens)`, and attention weights `(batch, steps, source
            steps)`.
        """
        embedded = dropout(self.embedding(ids), "target")

        def step(projected, state):
            state, outcome, weights = self.advance(projected, state, memory)
            return (outcome, weights), state

        (outcome, weights), _ = scan_time(step, self.cell.project(embedded), state)
        return self._logits(dropout(self.read_out(outcome, embedded), "readout")), weights

    def step(self, ids, state, memory):
        """One step of decoding: the logits after tokens `ids`, shape `(batch,)`; the next state; attention weights."""
        embedded = self.embedding(ids)
        state, outcome, weights = self.advance(self.cell.project(embedded), state, memory)
        return self._logits(self.read_out(outcome, embedded)), state, weights

    def _next(self, projected, fed, state):
        """The recurrence, with what is fed to it besides the token, if anything."""
        if self.feed is not None:
            projected += self._matmul(fed, self.feed)
        return self.cell.step(projected, (state,))[0]

    def _attend(self, query, memory):
        return self.attention(query, memory["keys"], memory["mask"], memory["projected"])

    def _logits(self, features):
        kernel = tf.transpose(self.embedding.table) if self.output_kernel is None else self.output_kernel
        return self._matmul(features, kernel) + self.output_bias

    def _matmul(self, x, kernel):
        return matmul(x, kernel, self.compute_dtype)


class BahdanauDecoder(Decoder):
    """Attention is asked with the state before the step, and the context enters the recurrence.

    A maxout layer of state, token and context follows, as in appendix A.2.2. There it reads the state before the step,
    in equation 4 the state after it, which is used here.
    """

    def width_of_feed(self):
        return self.key_dim

    def build_read_out(self):
        width = self.units + self.key_dim + self.embedding_dim
        self.maxout = self.add_weight(name="maxout", shape=(width, 2 * self.embedding_dim))

    def advance(self, projected, state, memory):
        context, weights = self._attend(state["hidden"], memory)
        hidden = self._next(projected, context, state["hidden"])
        return {**state, "hidden": hidden}, tf.concat([hidden, tf.cast(context, tf.float32)], axis=-1), weights

    def read_out(self, outcome, embedded):
        pairs = self._matmul(tf.concat([outcome, embedded], axis=-1), self.maxout)
        return tf.maximum(*tf.split(pairs, 2, axis=-1))


class LuongDecoder(Decoder):
    """Attention is asked with the state after the step; the context enters the layer after it.

    The attentional vector is tanh(W_c [context; state]), equation 5. With input feeding (section 3.3) it enters the
    next step's recurrence.
    """

    def width_of_feed(self):
        return self.embedding_dim if self.input_feeding else 0

    def build_read_out(self):
        self.combine = self.add_weight(name="combine", shape=(self.key_dim + self.units, self.embedding_dim))

    def advance(self, projected, state, memory):
        hidden = self._next(projected, state["fed"], state["hidden"])
        context, weights = self._attend(hidden, memory)
        vector = tf.tanh(self._matmul(tf.concat([tf.cast(context, tf.float32), hidden], axis=-1), self.combine))
        return {"hidden": hidden, "fed": vector if self.input_feeding else state["fed"]}, vector, weights

    def read_out(self, outcome, embedded):
        return outcome


class PlainDecoder(Decoder):
    """A decoder without attention: it sees the source only through its first state (Sutskever et al. 2014)."""

    def width_of_feed(self):
        return 0

    def build_read_out(self):
        self.combine = self.add_weight(name="combine", shape=(self.units, self.embedding_dim))

    def advance(self, projected, state, memory):
        hidden, _ = self.cell.step(projected, (state["hidden"],))
        return {**state, "hidden": hidden}, hidden, tf.zeros([tf.shape(hidden)[0], tf.shape(memory["mask"])[1]])

    def read_out(self, outcome, embedded):
        return tf.tanh(self._matmul(outcome, self.combine))


DECODERS = {
    "bahdanau": BahdanauDecoder,
    "dot": LuongDecoder,
    "general": LuongDecoder,
    "concat": LuongDecoder,
    None: PlainDecoder,
}
