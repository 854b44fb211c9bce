"""Pieces of variational bounds, in nats. The last axis holds the variables; all others are kept."""

import math

import tensorflow as tf


def gaussian_log_density(z, mean, log_variance):
    """Log density of a diagonal Gaussian, summed over the last axis.

    Args:
        z, mean, log_variance: tf.Tensor. float32, broadcast against each other.

    Returns:
        tf.Tensor. float32, in nats, without the last axis.

    Example:
        >>> gaussian_log_density(tf.zeros((1, 2)), 0.0, tf.zeros((1, 2))).numpy().round(4)  # -log(2 pi)
        array([-1.8379], dtype=float32)
    """
    squares = tf.square(z - mean) * tf.exp(-log_variance)
    return -0.5 * tf.reduce_sum(math.log(2 * math.pi) + log_variance + squares, axis=-1)


def bernoulli_log_likelihood(x, logits, weights=1.0):
    """Log likelihood of binary variables under independent Bernoulli distributions, summed over the last axis.

    Args:
        x: tf.Tensor. float32, 0 or 1; broadcast to the shape of `logits`.
        logits: tf.Tensor. float32, the log-odds of 1.
        weights: tf.Tensor or float. Of each variable, broadcast to the shape of `logits`; 0 leaves one out. Defaults to
            1.0.

    Returns:
        tf.Tensor. float32, in nats, the shape of `logits` without the last axis.

    Example:
        >>> bernoulli_log_likelihood(tf.constant([[0.0, 1.0, 1.0]]), tf.zeros((1, 3))).numpy().round(4)  # 3 log(1 / 2)
        array([-2.0794], dtype=float32)
    """
    labels = tf.broadcast_to(x, tf.shape(logits))
    nats = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
    return -tf.reduce_sum(weights * nats, axis=-1)


def gaussian_kl(mean, log_variance, prior_mean=0.0, prior_log_variance=0.0):
    """KL(N(mean, exp(log_variance)) || N(prior_mean, exp(prior_log_variance))), summed over the last axis.

    Args:
        mean, log_variance: tf.Tensor. float32, of one shape.
        prior_mean, prior_log_variance: tf.Tensor or float. Broadcast to that shape. Default to 0.0, a standard normal.

    Returns:
        tf.Tensor. float32, in nats, at least 0, without the last axis.

    Example:
        >>> gaussian_kl(tf.constant([[1.0, 2.0]]), tf.zeros((1, 2))).numpy()
        array([2.5], dtype=float32)

    Source: Kingma and Welling 2014, "Auto-Encoding Variational Bayes", appendix B.
    """
    squares = (tf.square(mean - prior_mean) + tf.exp(log_variance)) * tf.exp(-prior_log_variance)
    return 0.5 * tf.reduce_sum(squares - log_variance + prior_log_variance - 1.0, axis=-1)


def importance_weighted_bound(log_weights):
    """log of the mean of exp(log_weights) over axis 1: a lower bound of log p(x) that rises with the number of samples.

    Args:
        log_weights: tf.Tensor. float32, log p(x, z_k) - log q(z_k | x), shape `(batch, samples)`.

    Returns:
        tf.Tensor. float32, in nats, shape `(batch,)`.

    Example:
        >>> importance_weighted_bound(tf.math.log([[1.0, 3.0]])).numpy().round(4)  # log 2
        array([0.6931], dtype=float32)

    Source: Burda et al. 2016, "Importance Weighted Autoencoders", equation 8.
    """
    num_samples = tf.cast(tf.shape(log_weights)[1], tf.float32)
    return tf.reduce_logsumexp(log_weights, axis=1) - tf.math.log(num_samples)
