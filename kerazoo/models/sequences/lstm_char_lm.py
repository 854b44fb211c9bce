"""A character language model: LSTM layers, or other recurrent ones, and truncated backpropagation (Karpathy 2015)."""

from typing import Annotated

import keras
import tensorflow as tf
from keras import layers
from pydantic import Field

from kerazoo.base.arguments import PositiveInt, Rate
from kerazoo.base.model import ZooModel
from kerazoo.base.registry import register
from kerazoo.layers.recurrence import no_dropout
from kerazoo.layers.stack import CellOrGraph, StackedLSTM
from kerazoo.models.sequences._language_model import Characters, LanguageModel
from kerazoo.models.sequences._recurrent_language_model import RecurrentLanguageModel
from kerazoo.text.vocabulary import Vocabulary


@register("lstm_char_lm")
class LSTMCharLM(RecurrentLanguageModel, LanguageModel, ZooModel):
    """Character language model of stacked LSTM layers, or of another cell, after char-rnn.

    The text is read by as many streams at once as a batch has rows, in windows of `sequence_length` characters. The
    state at a window's end is where the next window of its row begins; the gradient stops there (truncated
    backpropagation through time). The defaults are those of the authors' code: two layers of 128, windows of 50,
    one-hot characters, RMSProp with rate 2e-3 and decay 0.95. Dropout is on non-recurrent connections alone (Zaremba et
    al. 2014); a one-hot input has none.

    It differs from the authors' code in that the gradient is clipped by its norm, not value by value, and in the
    initial weights (Glorot, orthogonal, and a bias of 1 for the forget gates).

    Args:
        vocabulary: list[str]. The characters, each once. Training takes them from the data where a configuration leaves
            them out.
        embedding_dim: int or None. Length of a character's vector; None (the default) takes one-hot vectors.
        units: int. Of each layer. Defaults to 128.
        num_layers: int. Recurrent layers. Defaults to 2.
        dropout_rate: float in [0, 1). On embeddings, between the layers and below the softmax. Defaults to 0.0.
        sequence_length: int. Characters of a window of backpropagation. Defaults to 50.
        clip_norm: float. Largest norm of the gradient. Defaults to 5.0.
        cell: `"rnn"`, `"lstm"`, `"gru"`, `"mut1"`, `"mut2"`, `"mut3"`, or the path or dict of a
            `kerazoo.base.cell_graph.CellGraph`. Of the layers. The authors compare the first three. Defaults to
            `"lstm"`.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument or a value out of range.

    Example:
        >>> model = kerazoo.load("lstm_char_lm")
        >>> [text] = model.generate("ROMEO:", 100, temperature=0.8, seed=0)
        >>> text[:6], len(text)
        ('ROMEO:', 106)
        >>> model.score(["To be, or not to be"]).shape  # nats
        (1,)
        >>> fresh = kerazoo.create("lstm_char_lm", vocabulary=sorted(set(text)))
        >>> fresh.compile(seed=0)
        >>> fresh.fit([text], batch_size=2, epochs=10)  # doctest: +SKIP

    Source: Karpathy, Johnson and Li 2015, "Visualizing and Understanding Recurrent Networks", arXiv:1506.02078;
    Zaremba, Sutskever and Vinyals 2014, "Recurrent Neural Network Regularization", arXiv:1409.2329.
    """

    paper = "Karpathy, Johnson and Li 2015, arXiv:1506.02078; Zaremba, Sutskever and Vinyals 2014, arXiv:1409.2329"
    tracked = ("language_model_loss", "bits_per_character")

    def __init__(
        self,
        vocabulary: Characters,
        embedding_dim: PositiveInt | None = None,
        units: PositiveInt = 128,
        num_layers: PositiveInt = 2,
        dropout_rate: Rate = 0.0,
        sequence_length: PositiveInt = 50,
        clip_norm: Annotated[float, Field(gt=0)] = 5.0,
        cell: CellOrGraph = "lstm",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.characters = Vocabulary(vocabulary, level="character")
        self.clip_norms = {"language_model": clip_norm}
        num_characters = len(self.characters)
        self.embedding = self._embedding()
        self.embedding.build((None, num_characters))
        self.lstm = StackedLSTM(units, num_layers, cell, name="lstm", dtype=self.dtype_policy)
        self.lstm.build((None, None, embedding_dim or num_characters))
        self.head = layers.Dense(num_characters, dtype="float32", name="head")
        self.head.build((None, units))

    def _embedding(self):
        if self.embedding_dim is None:
            return layers.Identity(name="embedding")
        # A matrix times a one-hot vector: a row of it, with a dense gradient.
        return layers.Dense(self.embedding_dim, use_bias=False, name="embedding", dtype=self.dtype_policy)

    def default_optimizers(self):
        return {"language_model": keras.optimizers.RMSprop(2e-3, rho=0.95)}

    def embed(self, tokens, dropout=no_dropout):
        x = self.embedding(tf.one_hot(tokens, len(self.characters)))
        return dropout(x, "embedding") if self.embedding_dim else x

    def read_out(self, x):
        return self.head(x)
