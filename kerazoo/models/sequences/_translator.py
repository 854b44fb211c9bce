"""The family of translators of text: vocabularies, data and verbs, beside their networks."""

import functools
import warnings
from typing import Annotated, Any, Literal

import numpy as np
import tensorflow as tf
from pydantic import Field

from kerazoo.base.arguments import Fraction, PositiveInt
from kerazoo.base.example_spaces import TokenPairs
from kerazoo.base.model import ZooModel
from kerazoo.data.buckets import BucketedPairs
from kerazoo.layers.recurrence import no_dropout
from kerazoo.losses import sequence_log_likelihood
from kerazoo.models.sequences._translator_verbs import TranslatorVerbs
from kerazoo.text.vocabulary import SPECIALS, Vocabulary, vocabulary_of_argument
from kerazoo.utils.errors import DataError

Tokens = Annotated[list[str], Field(min_length=len(SPECIALS) + 1)]
SIDES = ("source", "target")


def _letters(texts, max_size, min_count):
    return Vocabulary.of_letters(texts)


VOCABULARIES = {"word": Vocabulary.of_words, "character": _letters}


def check_pairs(source):
    """A `DataError` unless a data source has pairs of texts, or of their ids."""
    if not set(SIDES) <= set(source.arrays):
        entries = ", ".join(source.arrays)
        raise DataError(
            f"translation trains on pairs of texts; {source.info.name} has: {entries}; give pairs:SOURCE,TARGET"
        )


class Translator(TranslatorVerbs, ZooModel):
    """Base of the models that translate: vocabularies, data, the loss and the verbs are here.

    A paper sets `encoder`, `decoder` and `dropout_rate`, and writes `encode_source`. Its decoder computes a whole
    target, `decoder(ids, state, memory, dropout=...) -> (logits, weights)`, and one token, `step(ids, state, memory) ->
    (logits, state, weights)`. Weights are what a token looks at, `(rows, source)`; of a class with `several_heads`
    `(rows, heads, source)`; one without attention has `attends = False`. A state that needs room for every step of a
    search gets it in `begin_search`.

    Args:
        source_vocabulary, target_vocabulary, level, max_vocabulary, min_count, label_smoothing, max_length: as for
            `AttentionSeq2Seq`.
    """

    task: Any = "text-translation"
    default_endpoint: str | None = "translate"
    roles: dict[str, tuple[str, ...]] = {"translator": ("encoder", "decoder")}
    tracked: tuple[str, ...] = ("translator_loss", "nats_per_token", "token_accuracy")

    def __init__(
        self,
        source_vocabulary: Tokens,
        target_vocabulary: Tokens,
        level: Literal["word", "character"] = "word",
        max_vocabulary: PositiveInt = 8000,
        min_count: PositiveInt = 2,
        label_smoothing: Fraction = 0.0,
        max_length: PositiveInt = 60,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.source_tokens = vocabulary_of_argument("source_vocabulary", source_vocabulary, level)
        self.target_tokens = vocabulary_of_argument("target_vocabulary", target_vocabulary, level)

    @property
    def space(self):
        return TokenPairs(num_tokens={"source": len(self.source_tokens), "target": len(self.target_tokens)})

    @classmethod
    def arguments_from(cls, source, arguments):
        """Both vocabularies, from the texts of a source of pairs."""
        check_pairs(source)
        letters = not any(" " in text.strip() for side in SIDES for text in source.arrays[side])  # no words
        found = {"level": "character"} if letters and arguments.get("level", "word") == "word" else {}
        make = VOCABULARIES[found.get("level", arguments.get("level", "word"))]
        limits = {"max_size": arguments.get("max_vocabulary", 8000), "min_count": arguments.get("min_count", 2)}
        return found | {f"{side}_vocabulary": make(source.arrays[side], **limits).tokens for side in SIDES}

    def prepare(self, source):
        """Texts as ids: a source ends with "</s>", a target stands between "<s>" and "</s>". Ids stay as they are."""
        check_pairs(source)
        if source.arrays["source"].dtype.kind not in "OUS" or isinstance(source, BucketedPairs):
            return source
        pairs = [
            (self.source_ids(a), self.target_ids(b))
            for a, b in zip(source.arrays["source"], source.arrays["target"], strict=True)
        ]
        kept = [(a, b) for a, b in pairs if len(a) <= self.max_length and len(b) <= self.max_length + 1]
        info, left_out = source.info, len(pairs) - len(kept)
        if not kept:
            raise DataError(f"{info.name}[{info.split}]: no pair of at most max_length={self.max_length} tokens")
        if left_out:
            text = f"{info.name}[{info.split}]: {left_out} of {len(pairs)} pairs are longer than max_length"
            warnings.warn(f"{text}={self.max_length} tokens and left out", stacklevel=2)
        return BucketedPairs(*zip(*kept, strict=True), pad=self.source_tokens.pad, **info.origin)

    def source_ids(self, text):
        """A source as the encoder takes it: int32, `(length,)`."""
        return np.append(self.source_tokens.encode(text), np.int32(self.source_tokens.end))

    def target_ids(self, text):
        """A target as training takes it: int32, `(length,)`."""
        return np.concatenate(
            [[self.target_tokens.start], self.target_tokens.encode(text), [self.target_tokens.end]]
        ).astype("int32")

    # === Training ===

    def losses(self, batch, *, training):
        """-log p(target | source) of each pair, smoothed; tracks the rest."""
        labels = batch["target"][:, 1:]
        mask = tf.cast(labels != self.target_tokens.pad, tf.float32)
        num_tokens = tf.reduce_sum(mask, axis=1)
        logits = self.call(batch, training=training)
        nats = -sequence_log_likelihood(logits, labels, mask)
        right = tf.cast(tf.argmax(logits, axis=-1, output_type=labels.dtype) == labels, tf.float32)
        self.track(nats_per_token=nats / num_tokens, token_accuracy=tf.reduce_sum(mask * right, axis=1) / num_tokens)
        if not (training and self.label_smoothing):
            return nats
        # What all tokens cost on average, less what the right one costs: the normalisers cancel.
        more = tf.gather(logits, labels, batch_dims=2) - tf.reduce_mean(logits, axis=-1)
        return nats + self.label_smoothing * tf.reduce_sum(mask * more, axis=1)

    def call(self, inputs, training=False):
        """Logits of each target token after the first, float32, shape `(batch, length - 1, tokens)`, given the ones
        before it: `inputs` has `source` and `target`, int32 ids of shape `(batch, length)`."""
        drops = functools.partial(self.apply_dropout, rate=self.dropout_rate)
        dropout = drops if training and self.dropout_rate else no_dropout
        memory, state = self.encode_source(inputs["source"], dropout)
        return self.decoder(inputs["target"][:, :-1], state, memory, dropout=dropout)[0]

    def encode_source(self, ids, dropout=no_dropout):
        """The memory of the decoder's steps and its first state, of sources, int32 ids `(batch, length)`."""
        raise NotImplementedError(f"{type(self).__name__} has no `encode_source`")
