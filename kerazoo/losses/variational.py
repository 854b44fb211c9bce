"""Pieces of variational bounds, in nats. The last axis holds the variables; all others are kept."""

import math

import tensorflow as tf


def gaussian_log_density(z, mean, log_variance):
    """Log density of a diagonal Gaussian, summed over the last axis.

    Args:
        z, mean, log_variance: tf.Tensor. Broadcast against each other.

    Returns:
        tf.Tensor. float32, without the last axis.
    """
    squares = tf.square(z - mean) * tf.exp(-log_variance)
    return -0.5 * tf.reduce_sum(math.log(2 * math.pi) + log_variance + squares, axis=-1)


def bernoulli_log_likelihood(x, logits):
    """Log likelihood of binary `x` under independent Bernoulli variables, summed over the last axis."""
    return -tf.reduce_sum(
        tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.broadcast_to(x, tf.shape(logits)), logits=logits), -1
    )


def gaussian_kl(mean, log_variance):
    """KL(N(mean, exp(log_variance)) || N(0, 1)), summed over the last axis.

    Source: Kingma and Welling 2014, "Auto-Encoding Variational Bayes", appendix B.
    """
    return 0.5 * tf.reduce_sum(tf.square(mean) + tf.exp(log_variance) - log_variance - 1.0, axis=-1)


def importance_weighted_bound(log_weights):
    """log of the mean of exp(log_weights) over axis 1: a lower bound of log p(x) that rises with the number of samples.

    Args:
        log_weights: tf.Tensor. log p(x, z_k) - log q(z_k | x), shape `(batch, samples)`.

    Returns:
        tf.Tensor. Shape `(batch,)`.

    Source: Burda et al. 2016, "Importance Weighted Autoencoders", equation 8.
    """
    num_samples = tf.cast(tf.shape(log_weights)[1], tf.float32)
    return tf.reduce_logsumexp(log_weights, axis=1) - tf.math.log(num_samples)
