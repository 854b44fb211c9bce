"""The Transformer: translation by attention alone (Vaswani et al. 2017)."""

import keras
import tensorflow as tf

from kerazoo.base.arguments import Fraction, PositiveInt, Rate
from kerazoo.base.optimizers import InverseSquareRoot
from kerazoo.base.registry import register
from kerazoo.layers.recurrence import no_dropout
from kerazoo.models.sequences._translator import Translator
from kerazoo.networks.transformer import TransformerDecoder, TransformerEncoder


@register("transformer")
class Transformer(Translator):
    """Translation without recurrence: layers of multi-head attention and of networks for each token alone.

    Every token of the source sees all others; every token of the target sees the source and the tokens before it, so
    that all are trained at once. Sinusoids say where a token stands. The defaults are the paper's base model: six
    layers on both sides, vectors of 512, eight heads, inner layers of 2,048, dropout and label smoothing of 0.1, the
    softmax layer's matrix that of the target's embeddings, and Adam with a rate that warms up over 4,000 steps and then
    falls with the inverse square root of the step. The paper averages its last checkpoints: `training.ema_decay`.
    Decoding keeps each layer's keys and values, and so computes each token once.

    It differs from the paper in that the source's embeddings are not the target's, since both have a vocabulary of
    their own, and that dropout is on the sum of embedding and place and on what each part of a layer adds alone.

    Args:
        source_vocabulary: list[str]. The tokens; the first four are "<pad>", "<unk>", "<s>", "</s>". Training makes
            both vocabularies from the data where a configuration leaves them out.
        target_vocabulary: list[str]. Likewise.
        level: `"word"` (lower-cased words and punctuation) or `"character"`. Defaults to `"word"`.
        max_vocabulary: int. Size of a vocabulary made from data. Defaults to 8000.
        min_count: int. Rarer words are left out of it. Defaults to 2.
        width: int. Of a token's vector in every layer; even, and a multiple of `num_heads`. Defaults to 512.
        num_heads: int. Of each attention. Defaults to 8.
        hidden: int. Width of the inner layer of the network for each token. Defaults to 2048.
        num_layers: int. Of the encoder, and of the decoder. Defaults to 6.
        pre_norm: bool. Whether layers are normalised before attention and network, and not after them (Xiong et al.
            2020, arXiv:2002.04745). Defaults to False.
        tied: bool. Whether the softmax layer's matrix is the target's embedding. Defaults to True.
        dropout_rate: float in [0, 1). Defaults to 0.1.
        label_smoothing: float in [0, 1]. Share of the target spread over the vocabulary. Defaults to 0.1.
        warmup_steps: int. Over which the default learning rate rises. Defaults to 4000.
        max_length: int. Tokens of a text, "</s>" included: training leaves out longer pairs, and decoding ends there.
            Defaults to 60.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, a width that the heads cannot share, or vocabularies
            without the special tokens.

    Example:
        >>> letters = ["<pad>", "<unk>", "<s>", "</s>", *"abc"]
        >>> sizes = {"width": 8, "num_heads": 2, "hidden": 16, "num_layers": 1}
        >>> model = kerazoo.create(
        ...     "transformer", source_vocabulary=letters, target_vocabulary=letters, level="character", **sizes
        ... )
        >>> [(weights, source, target)] = model.attend(["abc"], max_length=5)
        >>> weights.shape[0], source  # one map a head
        (2, ['a', 'b', 'c', '</s>'])

    Source: Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser and Polosukhin 2017, "Attention Is All You Need",
    arXiv:1706.03762.
    """

    paper = "Vaswani et al. 2017, arXiv:1706.03762"
    several_heads = True

    def __init__(
        self,
        width: PositiveInt = 512,
        num_heads: PositiveInt = 8,
        hidden: PositiveInt = 2048,
        num_layers: PositiveInt = 6,
        pre_norm: bool = False,
        tied: bool = True,
        dropout_rate: Rate = 0.1,
        label_smoothing: Fraction = 0.1,
        warmup_steps: PositiveInt = 4000,
        **kwargs,
    ):
        super().__init__(label_smoothing=label_smoothing, **kwargs)
        sizes = (width, num_heads, hidden, num_layers)
        policy = {"pre_norm": pre_norm, "dtype": self.dtype_policy}
        self.encoder = TransformerEncoder(len(self.source_tokens), *sizes, name="encoder", **policy)
        self.decoder = TransformerDecoder(
            len(self.target_tokens), *sizes, crossed=True, tied=tied, name="decoder", **policy
        )

    def default_optimizers(self):
        schedule = InverseSquareRoot(self.width, self.warmup_steps)
        return {"translator": keras.optimizers.Adam(schedule, beta_1=0.9, beta_2=0.98, epsilon=1e-9)}

    def encode_source(self, ids, dropout=no_dropout):
        """Each decoder layer's keys and values of sources, int32 ids `(batch, length)`; no state is needed yet."""
        mask = ids != self.source_tokens.pad
        return self.decoder.remember(self.encoder(ids, mask, dropout=dropout), mask), tf.shape(ids)[0]

    def begin_search(self, state, num_steps):
        """Room for keys and values of so many tokens of as many texts as `encode_source` said."""
        return self.decoder.zero_state(state, num_steps)
