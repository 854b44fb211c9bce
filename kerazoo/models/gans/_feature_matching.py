"""Feature matching: the generator's loss that looks at averages of a batch (Salimans et al. 2016, section 3.1)."""

import tensorflow as tf

from kerazoo.base.replicas import global_mean


def feature_matching_loss(real_features, fake_features):
    """The mean square difference of the average features of real and of generated examples.

    Args:
        real_features, fake_features: tf.Tensor. Activations of a layer of the discriminator, shape `(batch, n)`.

    Returns:
        tf.Tensor. float32, shape `(batch,)`: for each generated example the same value, of the global batch.

    Example:
        >>> feature_matching_loss(tf.constant([[1.0], [3.0]]), tf.constant([[5.0], [5.0]])).numpy()  # (2 - 5)^2
        array([9., 9.], dtype=float32)

    Source: Salimans et al. 2016, "Improved Techniques for Training GANs", section 3.1; the square norm is divided by
    the number of features as in the authors' code.
    """
    means = [global_mean(tf.cast(features, tf.float32)) for features in (real_features, fake_features)]
    distance = tf.reduce_mean(tf.math.squared_difference(*means))
    return tf.fill([tf.shape(fake_features)[0]], distance)
