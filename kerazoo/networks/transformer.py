"""The Transformer's stacks: positions, layers with residual connections, an encoder, and a decoder that keeps keys and
values of the tokens before (Vaswani et al. 2017)."""

import keras
import numpy as np
import tensorflow as tf

from kerazoo.layers.multi_head_attention import MultiHeadAttention
from kerazoo.layers.recurrence import matmul, no_dropout
from kerazoo.networks.seq2seq import TokenEmbedding
from kerazoo.utils.errors import ConfigError
from kerazoo.utils.litert_forms import size_of


def sinusoids(places, width):
    """The encoding of places in a text, section 3.5: at 2i sin(place / 10000^(2i / width)), at 2i + 1 its cosine.

    Args:
        places: integer tensor, shape `(n,)`.
        width: int. Even.

    Returns:
        tf.Tensor. float32, shape `(n, width)`.

    Example:
        >>> sinusoids(tf.constant([0, 1]), 2).numpy().round(2)
        array([[0.  , 1.  ],
               [0.84, 0.54]], dtype=float32)
    """
    rates = np.float32(10000.0) ** (-np.arange(0, width, 2, dtype="float32") / width)
    angles = tf.cast(places, tf.float32)[:, None] * rates
    return tf.reshape(tf.stack([tf.sin(angles), tf.cos(angles)], axis=-1), [-1, width])


def pad_steps(x, num_steps, axis):
    """`x` with zeros behind its steps, which are on `axis`, so that they are `num_steps`."""
    more = [[0, 0] for _ in x.shape]
    more[axis][1] = num_steps - size_of(x, axis)
    return tf.pad(x, more)


class TransformerLayer(keras.layers.Layer):
    """Attention to the text itself, attention to a source (in a decoder), and a network for each token alone.

    Around each stands a residual connection and a layer normalisation: LayerNorm(x + f(x)), or with `pre_norm`
    x + f(LayerNorm(x)), which needs no warm-up (Xiong et al. 2020, arXiv:2002.04745).

    Args:
        width: int. Of a token's vector.
        num_heads: int.
        hidden: int. Width of the network's inner layer.
        crossed: bool. Whether it looks at a source.
        pre_norm: bool.
        **kwargs: `name`, `dtype` of `keras.layers.Layer`.
    """

    def __init__(self, width, num_heads, hidden, crossed, pre_norm, **kwargs):
        super().__init__(autocast=False, **kwargs)
        policy = {"dtype": self.dtype_policy}
        self.pre_norm = pre_norm
        self.itself = MultiHeadAttention(num_heads, name=f"{self.name}_itself", **policy)
        self.across = MultiHeadAttention(num_heads, name=f"{self.name}_across", **policy) if crossed else None
        for attention in filter(None, (self.itself, self.across)):
            attention.build((None, None, width))
        shapes = {"inner": (width, hidden), "inner_bias": (hidden,), "outer": (hidden, width), "outer_bias": (width,)}
        for name, shape in shapes.items():
            init = {"initializer": "zeros"} if len(shape) == 1 else {}
            setattr(self, name, self.add_weight(name=name, shape=shape, autocast=False, **init))
        self.norms = [layer_norm(width, f"{self.name}_norm_{place}") for place in range(2 + crossed)]
        self.built = True

    def call(self, x, mask, source=None, keep=None, dropout=no_dropout):
        """Compute the layer.

        Args:
            x: tensor, float32, shape `(batch, steps, width)`.
            mask: boolean tensor that broadcasts to `(batch, heads, steps, key steps)`.
            source: keys, values and mask of a source, or None. Defaults to None.
            keep: callable `(keys, values) -> (keys, values)`, from those of `x` to all that may be looked at, or None
                where these are all. Defaults to None.
            dropout: callable `(tensor, stream) -> tensor`. On what each part adds. Defaults to none.

        Returns:
            tuple. The outputs, of the shape of `x`; the keys and values; the weights on the source, or None.
        """
        inputs = self._before(0, x)
        kept = self.itself.project(inputs)
        kept, looked = kept if keep is None else keep(*kept), None
        x = self._after(0, x, self.itself(inputs, *kept, mask)[0], dropout)
        if self.across is not None:
            found, looked = self.across(self._before(1, x), *source)
            x = self._after(1, x, found, dropout)
        last = len(self.norms) - 1
        return self._after(last, x, self._each(self._before(last, x)), dropout), kept, looked

    def _each(self, x):
        inner = tf.nn.relu(matmul(x, self.inner, self.compute_dtype) + self.inner_bias)
        return matmul(inner, self.outer, self.compute_dtype) + self.outer_bias

    def _before(self, place, x):
        return self.norms[place](x) if self.pre_norm else x

    def _after(self, place, x, found, dropout):
        x += dropout(found, f"{self.name}_{place}")
        return x if self.pre_norm else self.norms[place](x)


def layer_norm(width, name):
    """A built layer normalisation, in float32 in every precision."""
    layer = keras.layers.LayerNormalization(epsilon=1e-6, name=name, dtype="float32")
    layer.build((None, None, width))
    return layer


class TransformerStack(keras.layers.Layer):
    """Embeddings with their places, and layers on top of each other; the base of encoder and decoder.

    Args:
        num_tokens: int. Size of the vocabulary.
        width, num_heads, hidden: int. Of each `TransformerLayer`.
        num_layers: int.
        crossed: bool. Whether the layers look at a source. Defaults to False.
        pre_norm: bool. See `TransformerLayer`; a normalisation then follows the last layer. Defaults to False.
        **kwargs: `name`, `dtype` of `keras.layers.Layer`.
    """

    def __init__(self, num_tokens, width, num_heads, hidden, num_layers, *, crossed=False, pre_norm=False, **kwargs):
        super().__init__(autocast=False, **kwargs)
        policy = {"dtype": self.dtype_policy}
        if width % 2:
            raise ConfigError(f"width = {width}: an even number is expected, half for sines, half for cosines")
        self.width, self.num_heads = width, num_heads
        # With the factor sqrt(width) of section 3.4 the vectors' numbers begin at the size of the sinusoids.
        init = keras.initializers.RandomNormal(stddev=width**-0.5)
        self.embedding = TokenEmbedding(num_tokens, width, initializer=init, name=f"{self.name}_embedding", **policy)
        names = [f"{self.name}_{index}" for index in range(num_layers)]
        sizes = (width, num_heads, hidden, crossed, pre_norm)
        self.blocks = [TransformerLayer(*sizes, name=name, **policy) for name in names]
        self.norm = layer_norm(width, f"{self.name}_norm") if pre_norm else None

    def embed(self, ids, places, dropout=no_dropout):
        """Vectors `(rows, steps, width)` of ids `(rows, steps)`, which stand at places that broadcast to them."""
        places = tf.reshape(sinusoids(tf.reshape(places, [-1]), self.width), [-1, size_of(ids, 1), self.width])
        return dropout(self.embedding(ids) * self.width**0.5 + places, f"{self.name}_embedding")

    def finish(self, x):
        """The outputs of the last layer as others take them."""
        return x if self.norm is None else self.norm(x)


class TransformerEncoder(TransformerStack):
    """A stack whose tokens see each other.

    Args:
        num_tokens, width, num_heads, hidden, num_layers, pre_norm, **kwargs: as for `TransformerStack`.
    """

    def __init__(self, *sizes, **kwargs):
        super().__init__(*sizes, **kwargs)
        self.built = True

    def call(self, ids, mask, dropout=no_dropout):
        """Encode.

        Args:
            ids: int tensor, shape `(batch, steps)`.
            mask: boolean tensor of the same shape, False at padding, which nothing sees.
            dropout: callable `(tensor, stream) -> tensor`. Defaults to none.

        Returns:
            tf.Tensor. float32, shape `(batch, steps, width)`.
        """
        x = self.embed(ids, tf.range(size_of(ids, 1)), dropout)
        for block in self.blocks:
            x, *_ = block(x, mask[:, None, None], dropout=dropout)
        return self.finish(x)


class TransformerDecoder(TransformerStack):
    """A stack whose tokens see those before them, and a softmax layer over the next one.

    Args:
        num_tokens, width, num_heads, hidden, num_layers, crossed, pre_norm, **kwargs: as for `TransformerStack`.
        tied: bool. Whether the softmax layer's matrix is the embedding. Defaults to True.
    """

    def __init__(self, num_tokens, width, *sizes, tied=True, **kwargs):
        super().__init__(num_tokens, width, *sizes, **kwargs)
        self.output_kernel = None if tied else self.add_weight(name="output_kernel", shape=(width, num_tokens))
        self.built = True

    def remember(self, annotations, mask):
        """The source as every step needs it: each layer's keys and values of the encoder's outputs, and the mask."""
        found = [block.across.project(annotations) for block in self.blocks]
        keys, values = zip(*found, strict=True)
        return {"keys": keys, "values": values, "mask": mask}

    def zero_state(self, rows, num_steps):
        """The state before a text of at most `num_steps` tokens: room for each layer's keys and values."""
        shape = [rows, self.num_heads, num_steps, self.width // self.num_heads]
        room = tuple(tf.zeros(shape, self.compute_dtype) for _ in self.blocks)
        return {"place": tf.zeros([rows], tf.int32), "keys": room, "values": room}

    def call(self, ids, state=None, memory=None, dropout=no_dropout):
        """Teacher forcing: logits of each next token, given the right tokens before it, all at once.

        Args:
            ids: int tensor, shape `(batch, steps)`. The target, from the start token on, without the end token.
            state: not read: all begins at the first token.
            memory: what `remember` returned, or None where the layers look at no source. Defaults to None.
            dropout: callable `(tensor, stream) -> tensor`. Defaults to none.

        Returns:
            tuple. Logits, float32, shape `(batch, steps, num_tokens)`, and the last layer's weights on the source,
            `(batch, heads, steps, source steps)`, or None.
        """
        x, _, looked = self._run(ids, memory, dropout)
        return self.logits(x), looked

    def step(self, ids, state, memory=None):
        """One step of decoding: the logits after tokens `ids`, shape `(rows,)`; the next state; the last layer's
        weights on the source, `(rows, heads, source steps)`, or None."""
        place, keys, values, looked = state["place"], [], [], None
        x = self.embed(ids[:, None], place)
        places = tf.range(size_of(state["keys"][0], 2))
        past = (places <= place[:, None])[:, None, None]
        here = (places == place[:, None])[:, None, :, None]
        for index, (block, source) in enumerate(zip(self.blocks, self._sources(memory), strict=True)):
            before = state["keys"][index], state["values"][index]

            def keep(*new, before=before):
                return tuple(tf.where(here, one, old) for one, old in zip(new, before, strict=True))

            x, kept, looked = block(x, past, source, keep=keep)
            keys.append(kept[0])
            values.append(kept[1])
        state = {"place": place + 1, "keys": tuple(keys), "values": tuple(values)}
        return self.logits(x)[:, 0], state, None if looked is None else looked[:, :, 0]

    def read(self, ids, num_steps):
        """The state after a text, int `(rows, steps)`, computed at once, with room for `num_steps` tokens in all."""
        keys, values = (
            [pad_steps(one, num_steps, axis=2) for one in of] for of in zip(*self._run(ids)[1], strict=True)
        )
        return {"place": tf.fill([size_of(ids, 0)], size_of(ids, 1)), "keys": tuple(keys), "values": tuple(values)}

    def _run(self, ids, memory=None, dropout=no_dropout):
        """The last layer's outputs of a whole text; each layer's keys and values; the last layer's weights."""
        places, found, looked = tf.range(size_of(ids, 1)), [], None
        x = self.embed(ids, places, dropout)
        past = (places <= places[:, None])[None, None]
        for block, source in zip(self.blocks, self._sources(memory), strict=True):
            x, kept, looked = block(x, past, source, dropout=dropout)
            found.append(kept)
        return x, found, looked

    def logits(self, x):
        """Logits of the next token, float32, of the last layer's outputs."""
        kernel = tf.transpose(self.embedding.table) if self.output_kernel is None else self.output_kernel
        return matmul(self.finish(x), kernel, self.compute_dtype)

    def _sources(self, memory):
        """Each layer's keys, values and mask of the source."""
        if memory is None:
            return [None] * len(self.blocks)
        mask = memory["mask"][:, None, None]
        return [(*one, mask) for one in zip(memory["keys"], memory["values"], strict=True)]
