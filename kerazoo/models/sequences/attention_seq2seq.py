"""Translation by a recurrent encoder and decoder with attention (Bahdanau et al. 2015, Luong et al. 2015)."""

from typing import Literal

import keras

from kerazoo.base.arguments import Positive, PositiveInt, Rate
from kerazoo.base.registry import register
from kerazoo.layers.recurrence import no_dropout
from kerazoo.models.sequences._translator import Translator
from kerazoo.networks.seq2seq import DECODERS, BidirectionalEncoder


@register("attention_seq2seq")
class AttentionSeq2Seq(Translator):
    """Translation with attention: a bidirectional encoder, and a decoder that looks back at the source at every step.

    `attention="bahdanau"` is the model of Bahdanau et al.: the state before a step asks by v . tanh(W s + U h), and the
    context enters the recurrence. `"dot"`, `"general"` and `"concat"` are those of Luong et al.: the state after the
    step asks, and with `input_feeding` the attentional vector enters the next step. With None the decoder knows the
    encoder's last states alone (Sutskever et al.), the control of the other three papers. A text begins with no token
    and ends with "</s>" on both sides; unknown words are "<unk>".

    The loss of a pair is -log p(target | source) in nats, as in all three papers. It differs from the papers in that
    all cells are GRUs of one layer, that the layer below the softmax is as wide as the target's embedding, that the
    first state is made of both of the encoder's last states, and that training uses Adam and dropout.

    Args:
        source_vocabulary: list[str]. The tokens; the first four are "<pad>", "<unk>", "<s>", "</s>". Training makes
            both vocabularies from the data where a configuration leaves them out.
        target_vocabulary: list[str]. Likewise.
        level: `"word"` (lower-cased words and punctuation) or `"character"`. Defaults to `"word"`.
        max_vocabulary: int. Size of a vocabulary made from data. Defaults to 8000.
        min_count: int. Rarer words are left out of it. Defaults to 2.
        embedding_dim: int. Length of a token's vector, on both sides. Defaults to 128.
        encoder_units: int. State of each of the encoder's directions. Defaults to 128.
        units: int. The decoder's state; twice `encoder_units` for `"dot"`. Defaults to 256.
        attention: `"bahdanau"`, `"dot"`, `"general"`, `"concat"` or None. Defaults to `"bahdanau"`.
        attention_units: int. Width of the tanh layer of `"bahdanau"` and `"concat"`. Defaults to 128.
        input_feeding: bool. For Luong's scores; Bahdanau's context always enters. Defaults to True.
        tied: bool. Whether the softmax layer's matrix is the target's embedding (Press and Wolf 2017,
            arXiv:1608.05859). Defaults to True.
        dropout_rate: float in [0, 1). On embeddings, annotations and below the softmax. Defaults to 0.3.
        label_smoothing: float in [0, 1]. Share of the target spread over the vocabulary. Defaults to 0.
        clip_norm: float. Largest norm of the gradient. Defaults to 1, as in Bahdanau et al., appendix B.2.
        max_length: int. Tokens of a text, "</s>" included: training leaves out longer pairs, and decoding ends there.
            Defaults to 60.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, or vocabularies without the special tokens.

    Example:
        >>> model = kerazoo.load("attention_seq2seq")
        >>> model.translate(["A man rides a bike."], beam_width=5)
        ['ein mann fährt ein fahrrad.']

    Source: Bahdanau, Cho and Bengio 2015, arXiv:1409.0473; Luong, Pham and Manning 2015, arXiv:1508.04025; Sutskever,
    Vinyals and Le 2014, arXiv:1409.3215.
    """

    paper = (
        "Bahdanau, Cho and Bengio 2015, arXiv:1409.0473; Luong, Pham and Manning 2015, arXiv:1508.04025; "
        "Sutskever, Vinyals and Le 2014, arXiv:1409.3215"
    )

    def __init__(
        self,
        embedding_dim: PositiveInt = 128,
        encoder_units: PositiveInt = 128,
        units: PositiveInt = 256,
        attention: Literal["bahdanau", "dot", "general", "concat"] | None = "bahdanau",
        attention_units: PositiveInt = 128,
        input_feeding: bool = True,
        tied: bool = True,
        dropout_rate: Rate = 0.3,
        clip_norm: Positive = 1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.encoder = BidirectionalEncoder(
            len(self.source_tokens), embedding_dim, encoder_units, name="encoder", dtype=self.dtype_policy
        )
        self.decoder = DECODERS[attention](
            len(self.target_tokens),
            embedding_dim,
            units,
            2 * encoder_units,
            score=attention,
            attention_units=attention_units,
            input_feeding=input_feeding,
            tied=tied,
            name="decoder",
            dtype=self.dtype_policy,
        )
        self.clip_norms = {"translator": clip_norm}

    @property
    def attends(self):
        return self.attention is not None

    def default_optimizers(self):
        return {"translator": keras.optimizers.Adam(1e-3)}

    def encode_source(self, ids, dropout=no_dropout):
        """The memory of the decoder's steps and its first state, of sources, int32 ids `(batch, length)`."""
        mask = ids != self.source_tokens.pad
        annotations, last_states = self.encoder(ids, mask, dropout=dropout)
        return self.decoder.remember(annotations, mask), self.decoder.begin(last_states)
