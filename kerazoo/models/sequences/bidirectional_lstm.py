"""Bidirectional LSTM: the class of a text, read from both ends (Graves and Schmidhuber 2005)."""

import functools
from typing import Literal

import keras
import tensorflow as tf
from keras import layers

from kerazoo.base.arguments import NumClasses, Positive, PositiveInt, Rate
from kerazoo.base.model import ZooModel
from kerazoo.base.registry import register
from kerazoo.layers.recurrence import no_dropout
from kerazoo.layers.stack import Stack
from kerazoo.models.sequences._text_classifier import TextClassifier
from kerazoo.networks.seq2seq import TokenEmbedding
from kerazoo.text.vocabulary import vocabulary_of_argument


@register("bidirectional_lstm")
class BidirectionalLSTM(TextClassifier, ZooModel):
    """Classifier of texts: word vectors, LSTM layers in both directions, and a softmax layer.

    The directions have weights of their own and know nothing of each other; their outputs stand side by side. What the
    class is read off is their mean over all words, or (`pooling="last"`) the output of each direction after the last
    word that it reads. The paper labels each frame of speech; that of a class for a whole text is the usual form since.

    Args:
        vocabulary: list[str]. The words, the special tokens first. Training takes them from the data.
        num_classes: int, 2 or more. Training takes it from the data.
        max_vocabulary: int. Words that are taken at most, special tokens included. Defaults to 10000.
        min_count: int. Rarer words are left out. Defaults to 2.
        embedding_dim: int. Length of a word's vector. Defaults to 64.
        units: int. Of each layer and direction. Defaults to 64.
        num_layers: int. Layers of both directions. Defaults to 1.
        pooling: `"mean"` or `"last"`. Defaults to `"mean"`.
        dropout_rate: float in [0, 1). On word vectors and above every layer, never between steps. Defaults to 0.5.
        max_length: int. Words of a text that are read. Defaults to 400.
        clip_norm: float. Largest norm of the gradient. Defaults to 1.0.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, or a vocabulary without special tokens.

    Example:
        >>> words = ["<pad>", "<unk>", "<s>", "</s>", "the", "film", "was", "dull", "fine"]
        >>> model = kerazoo.create("bidirectional_lstm", vocabulary=words, num_classes=2, units=8)
        >>> model.compile(seed=0)
        >>> history = model.fit("opinions", batch_size=64, steps_per_epoch=2, verbose=0)
        >>> model.classify(["The film was dull.", "Fine."]).shape
        (2, 2)

    Source: Schuster and Paliwal 1997, "Bidirectional Recurrent Neural Networks", IEEE Transactions on Signal Processing
    45(11); Graves and Schmidhuber 2005, "Framewise Phoneme Classification with Bidirectional LSTM and Other Neural
    Network Architectures", Neural Networks 18(5-6).
    """

    paper = "Graves and Schmidhuber 2005, Neural Networks 18(5-6)"
    roles = {"classifier": ("embedding", "stack", "head")}
    tracked = ("classifier_loss", "accuracy")

    def __init__(
        self,
        vocabulary: list[str],
        num_classes: NumClasses,
        max_vocabulary: PositiveInt = 10_000,
        min_count: PositiveInt = 2,
        embedding_dim: PositiveInt = 64,
        units: PositiveInt = 64,
        num_layers: PositiveInt = 1,
        pooling: Literal["mean", "last"] = "mean",
        dropout_rate: Rate = 0.5,
        max_length: PositiveInt = 400,
        clip_norm: Positive = 1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.words = vocabulary_of_argument("vocabulary", vocabulary, "word")
        self.clip_norms = {"classifier": clip_norm}
        self.embedding = TokenEmbedding(len(self.words), embedding_dim, name="embedding", dtype=self.dtype_policy)
        self.stack = Stack("lstm", units, num_layers, bidirectional=True, name="stack", dtype=self.dtype_policy)
        self.stack.build((None, None, embedding_dim))
        self.head = layers.Dense(num_classes, dtype="float32", name="head")
        self.head.build((None, 2 * units))

    def default_optimizers(self):
        return {"classifier": keras.optimizers.Adam(1e-3)}

    def logits(self, tokens, training=False):
        """Logits `(rows, num_classes)` of ids of words, int `(rows, steps)`."""
        drops = functools.partial(self.apply_dropout, rate=self.dropout_rate)
        dropout = drops if training and self.dropout_rate else no_dropout
        mask = tokens != self.words.pad
        vectors = dropout(self.embedding(tokens), "embedding")
        outputs, state = self.stack(vectors, self.stack.zero_state(tf.shape(tokens)[0]), mask, dropout=dropout)
        if self.pooling == "last":
            return self.head(dropout(self.stack.summary(state), "summary"))
        weights = tf.cast(mask, tf.float32)[..., None]
        total = tf.maximum(tf.reduce_sum(weights, axis=1), 1.0)
        return self.head(tf.reduce_sum(outputs * weights, axis=1) / total)
