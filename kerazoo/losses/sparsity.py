"""Penalties that keep units of a code silent for most examples."""

import tensorflow as tf


def bernoulli_kl(p, q):
    """The Kullback-Leibler divergence of Bernoulli variables: p log(p / q) + (1 - p) log((1 - p) / (1 - q)).

    Args:
        p: float. The wanted probability, in (0, 1).
        q: tf.Tensor. float32, the probabilities, in [0, 1]; taken to be 1e-7 or more away from both ends.

    Returns:
        tf.Tensor. float32, shape of `q`, in nats; 0 where `q` is `p`.

    Example:
        >>> bernoulli_kl(0.5, tf.constant([0.5, 0.25])).numpy().round(4)  # log 2 - log(3) / 2
        array([0.    , 0.1438], dtype=float32)

    Source: Ng 2011, "Sparse autoencoder", CS294A lecture notes, section 3.
    """
    q = tf.clip_by_value(tf.cast(q, tf.float32), 1e-7, 1 - 1e-7)
    return p * tf.math.log(p / q) + (1 - p) * tf.math.log((1 - p) / (1 - q))
