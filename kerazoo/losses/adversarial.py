"""Losses of adversarial training. Each takes logits of shape `(batch,)` or `(batch, 1)` and gives `(batch,)`."""

import tensorflow as tf


def _cross_entropy(logits, target):
    logits = tf.reshape(tf.cast(logits, tf.float32), [-1])
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.fill(tf.shape(logits), float(target)), logits=logits)


def minimax_discriminator_loss(real_logits, fake_logits, label_smoothing=0.0):
    """The discriminator's side of the minimax game: -log D(x) - log(1 - D(G(z))).

    Args:
        real_logits: tf.Tensor. Discriminator logits of real examples.
        fake_logits: tf.Tensor. Discriminator logits of generated examples, as many.
        label_smoothing: float. The target of real examples is 1 minus this; generated ones keep 0 ("one-sided",
            Salimans et al. 2016, section 3.4). Defaults to 0.0.

    Returns:
        tf.Tensor. float32, shape `(batch,)`, in nats.

    Source: Goodfellow et al. 2014, "Generative Adversarial Nets", equation 1.
    """
    return _cross_entropy(real_logits, 1.0 - label_smoothing) + _cross_entropy(fake_logits, 0.0)


def non_saturating_generator_loss(fake_logits):
    """The generator's non-saturating loss: -log D(G(z)).

    Args:
        fake_logits: tf.Tensor. Discriminator logits of generated examples.

    Returns:
        tf.Tensor. float32, shape `(batch,)`, in nats.

    Source: Goodfellow et al. 2014, "Generative Adversarial Nets", section 3.
    """
    return _cross_entropy(fake_logits, 1.0)
