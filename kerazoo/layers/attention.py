"""Attention of a decoder over an encoder's annotations: the scores of Bahdanau et al. 2015 and Luong et al. 2015."""

import keras
import tensorflow as tf

from kerazoo.utils.errors import ConfigError


def masked_softmax(scores, mask=None):
    """Softmax over the last axis, in float32, with exact zeros where `mask` is False.

    Args:
        scores: tensor, shape `(..., steps)`.
        mask: boolean tensor that broadcasts to it, or None. A row without any True gives zeros. Defaults to None.

    Returns:
        tf.Tensor. float32, of the shape of `scores`.

    Example:
        >>> masked_softmax(tf.zeros((1, 3)), [[True, True, False]]).numpy()
        array([[0.5, 0.5, 0. ]], dtype=float32)
    """
    scores = tf.cast(scores, tf.float32)
    if mask is None:
        return tf.nn.softmax(scores)
    weights = tf.nn.softmax(tf.where(mask, scores, scores.dtype.min))
    return tf.where(mask, weights, 0.0)


@keras.saving.register_keras_serializable(package="kerazoo")
class Attention(keras.layers.Layer):
    """A weighted mean of an encoder's annotations, the weights a softmax of each annotation's score.

    | `score` | of query s and annotation h | source |
    | --- | --- | --- |
    | `"bahdanau"` | v . tanh(W s + U h) | Bahdanau et al. 2015, appendix A.1.2 |
    | `"concat"` | v . tanh(W [s; h]) | Luong et al. 2015, equation 8 |
    | `"general"` | s . W h | the same |
    | `"dot"` | s . h, for s and h of one length | the same |

    The first two are the same function of s and h. The papers differ in the s that they use: the decoder's state before
    the step (Bahdanau) or after it (Luong). The decoder chooses it.

    Args:
        score: str. A name from the table. Defaults to `"bahdanau"`.
        units: int or None. Width of the tanh layer, for `"bahdanau"` and `"concat"`. Defaults to None, the query's
            width.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        ConfigError: an unknown score, or `"dot"` between vectors of different lengths.

    Example:
        >>> query, annotations = np.ones((2, 4), "float32"), np.ones((2, 7, 6), "float32")
        >>> context, weights = Attention("general")(query, annotations)
        >>> context.shape, weights.shape
        (TensorShape([2, 6]), TensorShape([2, 7]))

    Source: Bahdanau, Cho and Bengio 2015, arXiv:1409.0473; Luong, Pham and Manning 2015, arXiv:1508.04025.
    """

    def __init__(self, score="bahdanau", units=None, **kwargs):
        super().__init__(autocast=False, **kwargs)
        if score not in SCORES:
            raise ConfigError(f"score = {score!r}: one of {', '.join(SCORES)} is expected")
        self.score = score
        self.units = units
        self._score = SCORES[score]

    def build(self, query_shape, keys_shape):
        shapes = self._score.shapes(query_shape[-1], keys_shape[-1], self.units or query_shape[-1])
        self._weights = {name: self.add_weight(name=name, shape=shape) for name, shape in shapes.items()}

    def project(self, keys):
        """The part of the scores that depends on the annotations alone, computed once for all steps.

        Args:
            keys: tensor, shape `(batch, steps, key_dim)`. The annotations.

        Returns:
            tf.Tensor. Shape `(batch, steps, width)`, in the layer's compute dtype, for `call(projected=...)`.
        """
        return self._score.project(self._cast(keys), self._cast_weights())

    def call(self, query, keys, mask=None, projected=None):
        """Compute one context.

        Args:
            query: tensor, shape `(batch, query_dim)`.
            keys: tensor, shape `(batch, steps, key_dim)`. The annotations.
            mask: boolean tensor, shape `(batch, steps)`, or None. False for padding. Defaults to None.
            projected: what `project(keys)` returned, or None to compute it here. Defaults to None.

        Returns:
            tuple. The context, shape `(batch, key_dim)`, in the layer's compute dtype; and the weights, float32, shape
            `(batch, steps)`, which sum to one and are exactly zero at padding.
        """
        projected = self.project(keys) if projected is None else projected
        weights = masked_softmax(self._score.of(self._cast(query), projected, self._cast_weights()), mask)
        context = tf.einsum("bs,bsd->bd", self._cast(weights), self._cast(keys))
        return context, weights

    def _cast(self, x):
        return tf.cast(x, self.compute_dtype)

    def _cast_weights(self):
        return {name: self._cast(weight) for name, weight in self._weights.items()}

    def get_config(self):
        return {**super().get_config(), "score": self.score, "units": self.units}


class _Additive:
    @staticmethod
    def shapes(query_dim, key_dim, units):
        return {"query": (query_dim, units), "key": (key_dim, units), "vector": (units, 1)}

    @staticmethod
    def project(keys, weights):
        return tf.tensordot(keys, weights["key"], 1)

    @staticmethod
    def of(query, projected, weights):
        hidden = tf.tanh((query @ weights["query"])[:, None] + projected)
        return tf.tensordot(hidden, weights["vector"], 1)[..., 0]


class _Dot:
    @staticmethod
    def shapes(query_dim, key_dim, units):
        if query_dim != key_dim:
            raise ConfigError(
                f"score = 'dot': the query has {query_dim} numbers, an annotation {key_dim}; use 'general'"
            )
        return {}

    @staticmethod
    def project(keys, weights):
        return keys

    @staticmethod
    def of(query, projected, weights):
        return tf.einsum("bd,bsd->bs", query, projected)


class _General(_Dot):
    @staticmethod
    def shapes(query_dim, key_dim, units):
        return {"kernel": (key_dim, query_dim)}

    @staticmethod
    def project(keys, weights):
        return tf.tensordot(keys, weights["kernel"], 1)


SCORES = {"bahdanau": _Additive, "dot": _Dot, "general": _General, "concat": _Additive}
