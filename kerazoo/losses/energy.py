"""Losses of adversaries that give energies: low where the data are."""

import tensorflow as tf


def margin_discriminator_loss(real_energies, fake_energies, margin):
    """The loss of an energy: E(x) + max(0, margin - E(G(z))), so that generated examples count up to the margin only.

    Args:
        real_energies: tf.Tensor. Of real examples, at least 0, shape `(batch,)`.
        fake_energies: tf.Tensor. Of generated examples, the same number.
        margin: float. Above 0.

    Returns:
        tf.Tensor. float32, shape `(batch,)`.

    Example:
        >>> margin_discriminator_loss(tf.constant([0.5, 0.5]), tf.constant([1.0, 3.0]), margin=2.0).numpy()
        array([1.5, 0.5], dtype=float32)

    Source: Zhao, Mathieu and LeCun 2017, "Energy-based Generative Adversarial Networks", equation 1.
    """
    return real_energies + tf.nn.relu(margin - fake_energies)


def pulling_away(codes):
    """The pulling-away term: the mean squared cosine of two different codes of a batch, 0 where all are orthogonal.

    Args:
        codes: tf.Tensor. Shape `(batch, n)`, at least two of them.

    Returns:
        tf.Tensor. float32 scalar in [0, 1].

    Example:
        >>> pulling_away(tf.constant([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]])).numpy().round(4)  # 1 of 3 pairs
        np.float32(0.3333)

    Source: Zhao, Mathieu and LeCun 2017, "Energy-based Generative Adversarial Networks", equation 4.
    """
    codes = tf.math.l2_normalize(tf.cast(codes, tf.float32), axis=1)
    squares = tf.square(tf.matmul(codes, codes, transpose_b=True))
    rows = tf.cast(tf.shape(codes)[0], tf.float32)
    return (tf.reduce_sum(squares) - tf.linalg.trace(squares)) / (rows * (rows - 1))
