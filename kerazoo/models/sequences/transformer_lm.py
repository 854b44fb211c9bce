"""A character language model of the Transformer's decoder alone (Vaswani et al. 2017, Liu et al. 2018)."""

import functools
import math
from typing import Annotated

import keras
import tensorflow as tf
from pydantic import Field

from kerazoo.base.arguments import PositiveInt, Rate
from kerazoo.base.model import ZooModel
from kerazoo.base.optimizers import InverseSquareRoot
from kerazoo.base.registry import register
from kerazoo.layers.recurrence import no_dropout, scan_time
from kerazoo.losses import sequence_log_likelihood
from kerazoo.models.sequences._language_model import Characters, LanguageModel
from kerazoo.networks.transformer import TransformerDecoder, pad_steps
from kerazoo.text.vocabulary import Vocabulary
from kerazoo.utils.litert_forms import forms

WindowLength = Annotated[int, Field(ge=2, strict=True)]


@register("transformer_lm")
class TransformerLM(LanguageModel, ZooModel):
    """Character language model of causal self-attention: the decoder of `transformer`, without a source.

    It learns windows of `sequence_length` characters, each a text of its own. A longer text is read on with the last
    half of the window: as soon as `sequence_length` characters stand behind it, the older half is forgotten, and the
    others are read anew from place 0 on. So a character is predicted from `sequence_length / 2` of those before it at
    least, and no place is used that was not trained. Within a window keys and values are kept, and each character is
    computed once.

    It differs from Vaswani et al. in having no encoder (as the models of Liu et al. and Radford et al.), in characters
    for words, and in its size.

    Args:
        vocabulary: list[str]. The characters, each once. Training takes them from the data where a configuration leaves
            them out.
        width: int. Of a character's vector in every layer; even, and a multiple of `num_heads`. Defaults to 128.
        num_heads: int. Of each attention. Defaults to 4.
        hidden: int. Width of the inner layer of the network for each character. Defaults to 512.
        num_layers: int. Defaults to 4.
        pre_norm: bool. Whether layers are normalised before attention and network, and not after them (Xiong et al.
            2020, arXiv:2002.04745). Defaults to False.
        tied: bool. Whether the softmax layer's matrix is the embedding. Defaults to True.
        dropout_rate: float in [0, 1). On the sum of embedding and place, and on what each part of a layer adds.
            Defaults to 0.1.
        sequence_length: int, at least 2. Characters of a window. Defaults to 128.
        warmup_steps: int. Over which the default learning rate rises. Defaults to 4000.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, or a width that the heads cannot share.

    Example:
        >>> model = kerazoo.create("transformer_lm", vocabulary=list("abc"), width=8, num_heads=2, num_layers=1)
        >>> [text] = model.generate("ab", 20, seed=0)
        >>> text[:2], len(text)
        ('ab', 22)
        >>> model.score(["abcabc"]).shape  # nats
        (1,)

    Source: Vaswani et al. 2017, arXiv:1706.03762; Liu et al. 2018, "Generating Wikipedia by Summarizing Long
    Sequences", arXiv:1801.10198, section 4.2.3; Radford et al. 2018, "Improving Language Understanding by Generative
    Pre-Training".
    """

    paper = "Vaswani et al. 2017, arXiv:1706.03762; Liu et al. 2018, arXiv:1801.10198"
    roles = {"language_model": ("decoder",)}
    tracked = ("language_model_loss", "bits_per_character")

    def __init__(
        self,
        vocabulary: Characters,
        width: PositiveInt = 128,
        num_heads: PositiveInt = 4,
        hidden: PositiveInt = 512,
        num_layers: PositiveInt = 4,
        pre_norm: bool = False,
        tied: bool = True,
        dropout_rate: Rate = 0.1,
        sequence_length: WindowLength = 128,
        warmup_steps: PositiveInt = 4000,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.characters = Vocabulary(vocabulary, level="character")
        sizes = (len(vocabulary), width, num_heads, hidden, num_layers)
        self.decoder = TransformerDecoder(*sizes, pre_norm=pre_norm, tied=tied, name="decoder", dtype=self.dtype_policy)

    def default_optimizers(self):
        schedule = InverseSquareRoot(self.width, self.warmup_steps)
        return {"language_model": keras.optimizers.Adam(schedule, beta_1=0.9, beta_2=0.98, epsilon=1e-9)}

    # === Training ===

    def losses(self, batch, *, training):
        """Nats a character of each row's window."""
        tokens = batch["tokens"]
        drops = functools.partial(self.apply_dropout, rate=self.dropout_rate)
        dropout = drops if training and self.dropout_rate else no_dropout
        nats = -sequence_log_likelihood(self.decoder(tokens[:, :-1], dropout=dropout)[0], tokens[:, 1:])
        nats /= tf.cast(tf.shape(tokens)[1] - 1, tf.float32)
        self.track(bits_per_character=tf.stop_gradient(nats) / math.log(2))
        return nats

    # === The network ===

    def call(self, inputs, training=False):
        """Logits of each next character, float32, shape `(batch, steps, characters)`, of a window `(batch, steps)`."""
        return self.decoder(inputs)[0]

    def zero_state(self, rows):
        """The state before a text, float32, of one vector a row: the ids of the window's characters plus one, zero
        where there is none yet, and every layer's keys and values."""
        return tf.zeros([rows, self.sequence_length * (1 + 2 * self.num_layers * self.width)])

    def sequence_logits(self, tokens, state, mask=None):
        """Logits `(batch, steps, characters)` of what follows each of `tokens`, int `(batch, steps)`, and the state
        after the last of them for which `mask`, bool `(batch, steps)`, is True."""
        return scan_time(self.next_logits, tokens, state, mask)

    def next_logits(self, tokens, state):
        """One step: logits `(rows, characters)` of what follows `tokens`, int `(rows,)`, and the state after them."""
        state = forms().where_needed(tf.reduce_any(self._full(state)), self._forget, state)
        ids, kept = self._unpack(state)
        here = tf.equal(tf.range(self.sequence_length), kept["place"][:, None])
        ids = tf.where(here, tf.cast(tokens, tf.float32)[:, None] + 1.0, ids)
        logits, kept, _ = self.decoder.step(tokens, kept)
        return logits, self._pack(ids, kept)

    def _full(self, state):
        return state[:, self.sequence_length - 1 : self.sequence_length] > 0

    def _forget(self, state):
        """The state, that of full rows without the older half of their characters."""
        length = self.sequence_length
        ids = state[:, length // 2 : length]
        kept = self.decoder.read(tf.maximum(tf.cast(ids, tf.int32) - 1, 0), length)
        return tf.where(self._full(state), self._pack(pad_steps(ids, length, axis=1), kept), state)

    def _pack(self, ids, kept):
        parts = [part for pair in zip(kept["keys"], kept["values"], strict=True) for part in pair]
        return tf.concat([ids, *(tf.reshape(tf.cast(part, tf.float32), [-1, self._room]) for part in parts)], axis=1)

    def _unpack(self, state):
        ids, *parts = tf.split(state, [self.sequence_length] + [self._room] * 2 * self.num_layers, axis=1)
        shape = [-1, self.num_heads, self.sequence_length, self.width // self.num_heads]
        parts = [tf.cast(tf.reshape(part, shape), self.decoder.compute_dtype) for part in parts]
        place = tf.reduce_sum(tf.cast(ids > 0, tf.int32), axis=1)
        return ids, {"place": place, "keys": tuple(parts[::2]), "values": tuple(parts[1::2])}

    @property
    def _room(self):
        """Numbers of a layer's keys, and of its values."""
        return self.sequence_length * self.width
