"""Lower bounds of the mutual information between codes and what is made of them, in nats, one value an example."""

import math

import tensorflow as tf

from kerazoo.losses.variational import gaussian_log_density


def categorical_information(categories, logits):
    """The bound H(c) + log Q(c | x) of one example, for a code of which every category is equally likely.

    Args:
        categories: tf.Tensor. One-hot, shape `(batch, num_categories)`; the code that the example was made of.
        logits: tf.Tensor. float32, of the same shape: Q's log-odds of the categories.

    Returns:
        tf.Tensor. float32, shape `(batch,)`. Its mean is at most log(num_categories).

    Example:
        >>> categorical_information(tf.constant([[1.0, 0.0]]), tf.zeros((1, 2))).numpy()  # Q knows nothing
        array([0.], dtype=float32)

    Source: Chen et al. 2016, "InfoGAN", arXiv:1606.03657, equation 4.
    """
    return math.log(logits.shape[-1]) - tf.nn.softmax_cross_entropy_with_logits(categories, logits)


def uniform_information(codes, mean, log_variance):
    """The same for independent codes that are uniform on [-1, 1), and a diagonal Gaussian Q.

    Args:
        codes, mean, log_variance: tf.Tensor. float32, shape `(batch, num_codes)`.

    Returns:
        tf.Tensor. float32, shape `(batch,)`. It has no upper bound, as a code that is known
            exactly has a density without one.

    Example:
        >>> uniform_information(tf.zeros((1, 1)), tf.zeros((1, 1)), tf.zeros((1, 1))).numpy().round(4)
        array([-0.2258], dtype=float32)

    Source: Chen et al. 2016, "InfoGAN", arXiv:1606.03657, equation 4.
    """
    return codes.shape[-1] * math.log(2.0) + gaussian_log_density(codes, mean, log_variance)
