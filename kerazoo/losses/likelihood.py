"""Likelihoods of sequences of tokens, in nats."""

import tensorflow as tf

from kerazoo.utils.litert_forms import forms


def sequence_log_likelihood(logits, targets, mask=None):
    """log p of each sequence under a categorical distribution at every step: the sum over steps.

    Args:
        logits: tf.Tensor. Shape `(batch, steps, tokens)`.
        targets: tf.Tensor. Integer ids, shape `(batch, steps)`.
        mask: tf.Tensor or None. Shape `(batch, steps)`; steps where it is False or 0 do not count. Defaults to None.

    Returns:
        tf.Tensor. float32, shape `(batch,)`.

    Example:
        >>> sequence_log_likelihood(tf.zeros((1, 3, 4)), [[0, 1, 2]]).numpy()  # 3 log(1 / 4)
        array([-4.158883], dtype=float32)
    """
    logits = tf.cast(logits, tf.float32)
    nats = forms().cross_entropy(targets, logits)
    if mask is not None:
        nats *= tf.cast(mask, tf.float32)
    return -tf.reduce_sum(nats, axis=-1)
