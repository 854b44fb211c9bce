"""Sequence to sequence learning with deep LSTMs: one reads, another one writes (Sutskever et al. 2014)."""

import keras
import tensorflow as tf

from kerazoo.base.arguments import Positive, PositiveInt, Rate
from kerazoo.base.registry import register
from kerazoo.layers.recurrence import no_dropout
from kerazoo.models.sequences._translator import Translator
from kerazoo.networks.deep_seq2seq import DeepDecoder, DeepEncoder


@register("seq2seq")
class Seq2Seq(Translator):
    """Translation without attention: the last state of a deep LSTM that read the source is where another one begins.

    Whatever the translation needs to know must fit into that one state. The source is read backwards, "a b c </s>" as
    "c b a </s>": its first words are then near to the translation's first ones, so that gradients find the way between
    them early (section 3.3). The gradient is clipped by its norm over all weights, and translations are found by beam
    search. A text begins with no token and ends with "</s>" on both sides; unknown words are "<unk>".

    The defaults are the paper's: four layers of 1,000, embeddings of 1,000, no dropout, clipping at 5, and gradient
    descent with a rate of 0.7, which the authors halve from the fifth epoch on (`training.decay_start` lets it fall
    linearly instead). It differs in its initial weights (Glorot, orthogonal, and a bias of 1 for the forget gates, for
    uniform ones on [-0.08, 0.08]), and in that dropout may be set, between layers as in Zaremba et al. 2014.

    Args:
        source_vocabulary: list[str]. The tokens; the first four are "<pad>", "<unk>", "<s>", "</s>". Training makes
            both vocabularies from the data where a configuration leaves them out.
        target_vocabulary: list[str]. Likewise.
        level: `"word"` (lower-cased words and punctuation) or `"character"`. Defaults to `"word"`.
        max_vocabulary: int. Size of a vocabulary made from data. Defaults to 8000.
        min_count: int. Rarer words are left out of it. Defaults to 2.
        embedding_dim: int. Length of a token's vector, on both sides. Defaults to 1000.
        units: int. Of each layer. Defaults to 1000.
        num_layers: int. LSTM layers of the encoder, and of the decoder. Defaults to 4.
        reverse_source: bool. Whether the source is read from its last word to its first. Defaults to True.
        dropout_rate: float in [0, 1). On embeddings and on the output of each layer. Defaults to 0.0.
        label_smoothing: float in [0, 1]. Share of the target spread over the vocabulary. Defaults to 0.
        clip_norm: float. Largest norm of the gradient. Defaults to 5.
        max_length: int. Tokens of a text, "</s>" included: training leaves out longer pairs, and decoding ends there.
            Defaults to 60.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, or vocabularies without the special tokens.

    Example:
        >>> letters = ["<pad>", "<unk>", "<s>", "</s>", *"abc"]
        >>> sizes = {"embedding_dim": 8, "units": 16, "num_layers": 2}
        >>> model = kerazoo.create(
        ...     "seq2seq", source_vocabulary=letters, target_vocabulary=letters, level="character", **sizes
        ... )
        >>> model.compile(seed=0)
        >>> history = model.fit({"source": [[4, 5, 6, 3]], "target": [[2, 4, 5, 6, 3]]}, verbose=0)
        >>> model.score(["abc"], ["abc"]).shape  # nats
        (1,)

    Source: Sutskever, Vinyals and Le 2014, "Sequence to Sequence Learning with Neural Networks", arXiv:1409.3215.
    """

    paper = "Sutskever, Vinyals and Le 2014, arXiv:1409.3215"
    attends = False

    def __init__(
        self,
        embedding_dim: PositiveInt = 1000,
        units: PositiveInt = 1000,
        num_layers: PositiveInt = 4,
        reverse_source: bool = True,
        dropout_rate: Rate = 0.0,
        clip_norm: Positive = 5.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        sizes = (embedding_dim, units, num_layers)
        self.encoder = DeepEncoder(len(self.source_tokens), *sizes, name="encoder", dtype=self.dtype_policy)
        self.decoder = DeepDecoder(len(self.target_tokens), *sizes, name="decoder", dtype=self.dtype_policy)
        self.clip_norms = {"translator": clip_norm}

    def default_optimizers(self):
        return {"translator": keras.optimizers.SGD(0.7)}

    def encode_source(self, ids, dropout=no_dropout):
        """Nothing to look back at, and the decoder's first state, of sources, int32 ids `(batch, length)`."""
        mask = ids != self.source_tokens.pad
        if self.reverse_source:  # the words alone: the end stays last, as in the paper's figure 1
            num_words = tf.reduce_sum(tf.cast(mask, tf.int32), axis=1) - 1
            ids = tf.reverse_sequence(ids, tf.maximum(num_words, 0), seq_axis=1)
        return (), self.encoder(ids, mask, dropout=dropout)
