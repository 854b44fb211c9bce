"""Multi-head attention of Vaswani et al. 2017, its keys and values apart, so that a decoder may keep them."""

import keras
import tensorflow as tf

from kerazoo.layers.attention import masked_softmax
from kerazoo.layers.recurrence import matmul
from kerazoo.utils.errors import ConfigError
from kerazoo.utils.litert_forms import size_of


@keras.saving.register_keras_serializable(package="kerazoo")
class MultiHeadAttention(keras.layers.Layer):
    """Several attentions side by side, each in a space of its own:

        head_i = softmax(x W_i^Q (y W_i^K)^T / sqrt(width / num_heads)) y W_i^V,  [head_1; ...; head_h] W^O

    It is the same function of the same weights as `keras.layers.MultiHeadAttention(use_bias=False)`. As in the paper
    there is no bias. `project` gives keys and values, `call` asks them: what does not change from a step of decoding to
    the next one (the source, the tokens before) is projected once.

    Args:
        num_heads: int. A divisor of the width of the inputs.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        ConfigError: a width that the heads cannot share.

    Example:
        >>> x, y = np.ones((2, 5, 8), "float32"), np.ones((2, 7, 8), "float32")
        >>> attention = MultiHeadAttention(2)
        >>> attention.build((None, None, 8))
        >>> outputs, weights = attention(x, *attention.project(y))
        >>> outputs.shape, weights.shape
        (TensorShape([2, 5, 8]), TensorShape([2, 2, 5, 7]))

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.2.
    """

    def __init__(self, num_heads, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.num_heads = num_heads

    def build(self, input_shape, *_):
        width = input_shape[-1]
        if width % self.num_heads:
            raise ConfigError(f"num_heads = {self.num_heads}: a divisor of the width is expected, which is {width}")
        names = ("query", "key", "value", "output")
        self.kernels = {name: self.add_weight(name=name, shape=(width, width), autocast=False) for name in names}
        self.built = True

    def project(self, y):
        """Keys and values of what is looked at.

        Args:
            y: tensor, shape `(batch, steps, width)`.

        Returns:
            tuple of two tensors, in the layer's compute dtype, shape `(batch, num_heads, steps, width / num_heads)`.
        """
        return self._heads(y, "key"), self._heads(y, "value")

    def call(self, x, keys, values, mask=None):
        """Look at keys and values.

        Args:
            x: tensor, shape `(batch, steps, width)`. What asks.
            keys, values: tensors of `project`.
            mask: boolean tensor that broadcasts to `(batch, num_heads, steps, key steps)`, or None. False where nothing
                may be seen. Defaults to None.

        Returns:
            tuple. The outputs, float32, of the shape of `x`; and the weights, float32, shape `(batch, num_heads, steps,
            key steps)`, which sum to one over the last axis and are exactly zero where the mask is False.
        """
        queries = self._heads(x, "query")
        scores = tf.matmul(queries, keys, transpose_b=True)
        weights = masked_softmax(tf.cast(scores, tf.float32) * queries.shape[-1] ** -0.5, mask)
        heads = tf.matmul(tf.cast(weights, self.compute_dtype), values)
        side_by_side = tf.reshape(tf.transpose(heads, [0, 2, 1, 3]), [-1, size_of(x, 1), x.shape[-1]])
        return self._product(side_by_side, "output"), weights

    def _heads(self, x, name):
        x, width = tf.cast(self._product(x, name), self.compute_dtype), x.shape[-1]
        x = tf.reshape(x, [-1, size_of(x, 1), self.num_heads, width // self.num_heads])
        return tf.transpose(x, [0, 2, 1, 3])

    def _product(self, x, name):
        return matmul(x, self.kernels[name], self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "num_heads": self.num_heads}
