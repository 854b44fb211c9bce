"""The distance of two sets of examples by a kernel: a loss of a batch as a whole, a scalar."""

import tensorflow as tf


def gaussian_kernels(x, y, bandwidths):
    """A sum of Gaussian kernels of each pair of rows: k(x, y) = sum over the bandwidths s of exp(-|x - y|^2 / (2 s)).

    Args:
        x, y: tf.Tensor. Shapes `(n, ...)` and `(m, ...)`.
        bandwidths: sequence of float. Above 0, squares of standard deviations.

    Returns:
        tf.Tensor. float32, shape `(n, m)`.

    Example:
        >>> gaussian_kernels(tf.zeros((1, 2)), tf.constant([[0.0, 0.0], [1.0, 1.0]]), [1.0]).numpy().round(4)
        array([[1.    , 0.3679]], dtype=float32)

    Source: Li, Swersky and Zemel 2015, "Generative Moment Matching Networks", section 3.
    """
    x, y = (tf.reshape(tf.cast(rows, tf.float32), [tf.shape(rows)[0], -1]) for rows in (x, y))
    norms = [tf.reduce_sum(tf.square(rows), axis=1) for rows in (x, y)]
    squares = norms[0][:, None] + norms[1][None, :] - 2.0 * tf.matmul(x, y, transpose_b=True)
    squares = tf.nn.relu(squares)  # rounding takes the smallest below zero
    return tf.add_n([tf.exp(squares / (-2.0 * bandwidth)) for bandwidth in bandwidths])


def maximum_mean_discrepancy(x, y, bandwidths):
    """The MMD of two sets under `gaussian_kernels`: the root of the biased estimate of its square, which is at least 0.

    The root weighs small distances more, so that its gradient does not vanish as the sets come together.

    Args:
        x, y: tf.Tensor. Shapes `(n, ...)` and `(m, ...)`.
        bandwidths: sequence of float. As for `gaussian_kernels`.

    Returns:
        tf.Tensor. float32 scalar, at least 0.

    Example:
        >>> x, y = tf.constant([[0.0]]), tf.constant([[2.0]])
        >>> maximum_mean_discrepancy(x, y, [0.5]).numpy().round(4)  # the root of 2 - 2 exp(-4)
        np.float32(1.4012)

    Source: Li, Swersky and Zemel 2015, "Generative Moment Matching Networks", equation 3 and section 3.2.
    """
    pairs = ((x, x), (y, y), (x, y))
    within_x, within_y, across = (tf.reduce_mean(gaussian_kernels(*pair, bandwidths)) for pair in pairs)
    # The root's derivative is infinite at zero; below this floor it counts as zero.
    return tf.sqrt(tf.maximum(within_x + within_y - 2.0 * across, 1e-12))
