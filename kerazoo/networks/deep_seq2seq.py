"""Deep encoder and decoder of Sutskever et al. 2014: one stack of LSTM layers reads, another one writes."""

import keras
import tensorflow as tf

from kerazoo.layers.recurrence import matmul, no_dropout
from kerazoo.layers.stack import Stack
from kerazoo.networks.seq2seq import TokenEmbedding


class DeepEncoder(keras.layers.Layer):
    """Embedding and LSTM layers, of which the state after the last token is kept, and nothing else.

    Args:
        num_tokens: int. Size of the vocabulary.
        embedding_dim: int.
        units: int. Of each layer.
        num_layers: int.
        **kwargs: `name`, `dtype` of `keras.layers.Layer`.
    """

    def __init__(self, num_tokens, embedding_dim, units, num_layers, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.embedding = TokenEmbedding(
            num_tokens, embedding_dim, dtype=self.dtype_policy, name=f"{self.name}_embedding"
        )
        self.lstm = Stack("lstm", units, num_layers, dtype=self.dtype_policy, name=f"{self.name}_lstm")
        self.lstm.build((None, None, embedding_dim))
        self.built = True

    def call(self, ids, mask, dropout=no_dropout):
        """Encode.

        Args:
            ids: int tensor, shape `(batch, steps)`.
            mask: boolean tensor of the same shape, False at padding, which changes nothing.
            dropout: callable `(tensor, stream) -> tensor`. Defaults to none.

        Returns:
            tf.Tensor. The state of all layers after the last token: float32, shape `(batch, num_layers, 2, units)`.
        """
        # The streams of both stacks are called by their layers' names, which are the same.
        drop = lambda x, stream: dropout(x, f"source_{stream}")  # noqa: E731
        x = drop(self.embedding(ids), "embedding")
        return self.lstm(x, self.lstm.zero_state(tf.shape(ids)[0]), mask, dropout=drop)[1]


class DeepDecoder(keras.layers.Layer):
    """Embedding, LSTM layers that begin with the encoder's state, and a softmax layer over the tokens.

    Args:
        num_tokens, embedding_dim, units, num_layers: int. As for `DeepEncoder`.
        **kwargs: `name`, `dtype` of `keras.layers.Layer`.
    """

    def __init__(self, num_tokens, embedding_dim, units, num_layers, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.embedding = TokenEmbedding(
            num_tokens, embedding_dim, dtype=self.dtype_policy, name=f"{self.name}_embedding"
        )
        self.lstm = Stack("lstm", units, num_layers, dtype=self.dtype_policy, name=f"{self.name}_lstm")
        self.lstm.build((None, None, embedding_dim))
        self.output_kernel = self.add_weight(name="output_kernel", shape=(units, num_tokens))
        self.output_bias = self.add_weight(name="output_bias", shape=(num_tokens,), initializer="zeros")
        self.built = True

    def call(self, ids, state, memory=None, dropout=no_dropout):
        """Teacher forcing: logits of each next token, given the right tokens before it.

        Args:
            ids: int tensor, shape `(batch, steps)`. The target, from the start token on, without the end token.
            state: what the encoder returned.
            memory: not read; attention would need it.
            dropout: callable `(tensor, stream) -> tensor`. Defaults to none.

        Returns:
            tuple. Logits, float32, shape `(batch, steps, num_tokens)`, and None: nothing is attended to.
        """
        drop = lambda x, stream: dropout(x, f"target_{stream}")  # noqa: E731
        x = drop(self.embedding(ids), "embedding")
        return self._logits(self.lstm(x, state, dropout=drop)[0]), None

    def step(self, ids, state, memory=None):
        """One step of decoding: the logits after tokens `ids`, shape `(batch,)`; the next state; an empty row each in
        the place of weights."""
        x, state = self.lstm.step(self.embedding(ids), state)
        return self._logits(x), state, tf.zeros([tf.shape(x)[0], 1])

    def _logits(self, x):
        return matmul(x, self.output_kernel, self.compute_dtype) + self.output_bias
