"""A word language model: LSTM layers with dropout between them, and never between steps (Zaremba et al. 2014)."""

from typing import Annotated, Literal

import keras
import tensorflow as tf
from keras import layers
from pydantic import Field

from kerazoo.base.arguments import Positive, PositiveInt, Rate
from kerazoo.base.model import ZooModel
from kerazoo.base.registry import register
from kerazoo.layers.recurrence import no_dropout
from kerazoo.layers.stack import CellOrGraph, Stack
from kerazoo.layers.tied import TiedDense
from kerazoo.models.sequences._recurrent_language_model import RecurrentLanguageModel
from kerazoo.models.sequences._word_language_model import WordLanguageModel
from kerazoo.networks.seq2seq import TokenEmbedding
from kerazoo.text.vocabulary import vocabulary_of_argument


@register("lstm_word_lm")
class LSTMWordLM(RecurrentLanguageModel, WordLanguageModel, ZooModel):
    """Word language model of stacked LSTM layers, or of another cell.

    Dropout acts on embeddings, between the layers and below the softmax, and never on what a layer hands to its next
    step (equation 3 of the paper), so that the memory is not damaged. The text is read by as many streams at once as a
    batch has rows, in windows of `sequence_length` words whose state is carried on. The loss is the sum over a window,
    the mean over the rows, and its gradient is clipped by its norm.

    The defaults are the paper's small model: two layers of 200 units, windows of 20, no dropout, all weights uniform in
    [-0.1, 0.1] at first, gradient descent at rate 1, clipped at 5; it goes with a batch of 20. (The medium one has 650
    units, windows of 35, dropout 0.5.) The softmax layer can share the matrix of the embedding (Press and Wolf 2017).

    Args:
        vocabulary: list[str]. The words behind "<pad>", "<unk>", "<s>", "</s>". Training takes them from the data where
            a configuration leaves them out.
        level: `"word"` (lower-cased words and punctuation marks) or `"token"` (what stands between spaces, for texts
            that were cut before, such as the Penn Treebank's). Defaults to `"word"`.
        max_vocabulary: int. Most tokens that are taken from the data. Defaults to 10,000.
        min_count: int. Of rarer words of the data none is known. Defaults to 1.
        units: int. Of each layer, and the length of a word's vector. Defaults to 200.
        num_layers: int. Recurrent layers. Defaults to 2.
        dropout_rate: float in [0, 1). Defaults to 0.0.
        tied: bool. Whether the softmax layer's matrix is the embedding. Defaults to False.
        initial_range: float above 0. All weights begin within plus and minus it. Defaults to 0.1.
        sequence_length: int. Words of a window of backpropagation. Defaults to 20.
        clip_norm: float. Largest norm of the gradient. Defaults to 5.0.
        cell: str or dict. Of the layers, as for `LSTMCharLM`. Defaults to `"lstm"`.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, or a vocabulary without the special tokens.

    Example:
        >>> words = ["<pad>", "<unk>", "<s>", "</s>", "the", "film", "was", "good", "."]
        >>> model = kerazoo.create("lstm_word_lm", vocabulary=words, units=8)
        >>> [text] = model.generate("The film", 4, seed=0)
        >>> text[:8]
        'the film'
        >>> model.score(["The film was good.", "A film"]).shape  # nats
        (2,)

    Source: Zaremba, Sutskever and Vinyals 2014, "Recurrent Neural Network Regularization", arXiv:1409.2329; Press and
    Wolf 2017, "Using the Output Embedding to Improve Language Models", arXiv:1608.05859.
    """

    paper = "Zaremba, Sutskever and Vinyals 2014, arXiv:1409.2329"
    tracked = ("language_model_loss", "nats_per_word")
    sums_over_window = True

    def __init__(
        self,
        vocabulary: list[str],
        level: Literal["word", "token"] = "word",
        max_vocabulary: PositiveInt = 10_000,
        min_count: PositiveInt = 1,
        units: PositiveInt = 200,
        num_layers: PositiveInt = 2,
        dropout_rate: Rate = 0.0,
        tied: bool = False,
        initial_range: Positive = 0.1,
        sequence_length: PositiveInt = 20,
        clip_norm: Annotated[float, Field(gt=0)] = 5.0,
        cell: CellOrGraph = "lstm",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.words = vocabulary_of_argument("vocabulary", vocabulary, level)
        self.clip_norms = {"language_model": clip_norm}
        num_words, policy = len(self.words), {"dtype": self.dtype_policy}
        self.embedding = TokenEmbedding(num_words, units, name="embedding", **policy)
        self.lstm = Stack(cell, units, num_layers, name="lstm", **policy)
        self.lstm.build((None, None, units))
        if tied:
            self.head = TiedDense(self.embedding, name="head", **policy)
        else:
            self.head = layers.Dense(num_words, name="head", **policy)
            self.head.build((None, units))
        for weight in self.trainable_weights:
            weight.assign(keras.initializers.RandomUniform(-initial_range, initial_range)(weight.shape, weight.dtype))

    def default_optimizers(self):
        return {"language_model": keras.optimizers.SGD(1.0)}

    def track_nats(self, nats):
        self.track(nats_per_word=nats)

    def embed(self, tokens, dropout=no_dropout):
        return dropout(self.embedding(tokens), "embedding")

    def read_out(self, x):
        # One matrix of all steps: the gradient for the kernel would be one matrix for each row, summed at the end.
        logits = tf.cast(self.head(tf.reshape(x, [-1, self.units])), tf.float32)
        return tf.reshape(logits, tf.concat([tf.shape(x)[:-1], [len(self.words)]], axis=0))
