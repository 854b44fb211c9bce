"""Losses of adversarial training. Each takes one value per example, `(batch,)` or `(batch, 1)`; it gives `(batch,)`."""

import tensorflow as tf

from kerazoo.losses.reconstruction import mean_squared_error


def _cross_entropy(logits, target):
    logits = tf.reshape(tf.cast(logits, tf.float32), [-1])
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.fill(tf.shape(logits), float(target)), logits=logits)


def minimax_discriminator_loss(real_logits, fake_logits, label_smoothing=0.0):
    """The discriminator's side of the minimax game: -log D(x) - log(1 - D(G(z))).

    Args:
        real_logits: tf.Tensor. Discriminator logits of real examples.
        fake_logits: tf.Tensor. Discriminator logits of generated examples, the same number.
        label_smoothing: float. The target of real examples is 1 minus this; generated ones keep 0 ("one-sided",
            Salimans et al. 2016, section 3.4). Defaults to 0.0.

    Returns:
        tf.Tensor. float32, shape `(batch,)`, in nats.

    Example:
        >>> minimax_discriminator_loss(tf.zeros((2, 1)), tf.zeros((2, 1))).numpy().round(4)  # 2 log 2
        array([1.3863, 1.3863], dtype=float32)

    Source: Goodfellow et al. 2014, "Generative Adversarial Nets", equation 1.
    """
    return _cross_entropy(real_logits, 1.0 - label_smoothing) + _cross_entropy(fake_logits, 0.0)


def non_saturating_generator_loss(fake_logits):
    """The generator's non-saturating loss: -log D(G(z)).

    Args:
        fake_logits: tf.Tensor. Discriminator logits of generated examples.

    Returns:
        tf.Tensor. float32, shape `(batch,)`, in nats.

    Example:
        >>> non_saturating_generator_loss(tf.zeros((2, 1))).numpy().round(4)  # log 2
        array([0.6931, 0.6931], dtype=float32)

    Source: Goodfellow et al. 2014, "Generative Adversarial Nets", section 3.
    """
    return _cross_entropy(fake_logits, 1.0)


def minimax_generator_loss(fake_logits):
    """The generator's side of the minimax game: log(1 - D(G(z))), whose gradient vanishes where D is sure.

    Args:
        fake_logits: tf.Tensor. Discriminator logits of generated examples.

    Returns:
        tf.Tensor. float32, shape `(batch,)`, in nats, at most 0.

    Example:
        >>> minimax_generator_loss(tf.zeros((2, 1))).numpy().round(4)  # -log 2
        array([-0.6931, -0.6931], dtype=float32)

    Source: Goodfellow et al. 2014, "Generative Adversarial Nets", equation 1.
    """
    return -_cross_entropy(fake_logits, 0.0)


def _vector(values):
    return tf.reshape(tf.cast(values, tf.float32), [-1])


def wasserstein_critic_loss(real_values, fake_values):
    """The critic's side of the Wasserstein game: f(G(z)) - f(x), whose mean is minus the estimated distance.

    Args:
        real_values: tf.Tensor. The critic's values of real examples.
        fake_values: tf.Tensor. Its values of generated examples, the same number.

    Returns:
        tf.Tensor. float32, shape `(batch,)`.

    Example:
        >>> wasserstein_critic_loss(tf.constant([3.0]), tf.constant([1.0])).numpy()
        array([-2.], dtype=float32)

    Source: Arjovsky et al. 2017, "Wasserstein GAN", equation 2.
    """
    return _vector(fake_values) - _vector(real_values)


def wasserstein_generator_loss(fake_values):
    """The generator's side of the Wasserstein game: -f(G(z)).

    Args:
        fake_values: tf.Tensor. The critic's values of generated examples.

    Returns:
        tf.Tensor. float32, shape `(batch,)`.

    Example:
        >>> wasserstein_generator_loss(tf.constant([[1.5]])).numpy()
        array([-1.5], dtype=float32)

    Source: Arjovsky et al. 2017, "Wasserstein GAN", algorithm 1.
    """
    return -_vector(fake_values)


def interpolates(real, fake, positions):
    """Points on the straight lines between pairs: `positions * real + (1 - positions) * fake`.

    Args:
        real, fake: tf.Tensor. Float, shape `(batch, ...)`.
        positions: tf.Tensor. In [0, 1], one per example, shape `(batch, 1)`; 1 is `real`.

    Returns:
        tf.Tensor. Shape of `real`.

    Example:
        >>> interpolates(tf.ones((1, 2)), tf.zeros((1, 2)), tf.constant([[0.75]])).numpy()
        array([[0.75, 0.75]], dtype=float32)

    Source: Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", algorithm 1.
    """
    positions = tf.reshape(positions, [-1, *[1] * (len(real.shape) - 1)])
    return positions * real + (1 - positions) * fake


def gradient_norms(critic, x):
    """The Euclidean norm of the critic's gradient at each example; it can be differentiated again.

    Args:
        critic: callable. From `(batch, ...)` to one value per example that depends on this example alone: no batch
            normalisation.
        x: tf.Tensor. float32, shape `(batch, ...)`.

    Returns:
        tf.Tensor. float32, shape `(batch,)`, at least 1e-6.

    Example:
        >>> gradient_norms(lambda x: tf.reduce_sum(x**2, axis=1), tf.constant([[3.0, 4.0]])).numpy()  # |2 x|
        array([10.], dtype=float32)
    """
    with tf.GradientTape() as tape:
        tape.watch(x)
        values = tf.cast(critic(x), tf.float32)
    squares = tf.square(tf.cast(tape.gradient(values, x), tf.float32))
    squares = tf.reduce_sum(tf.reshape(squares, [tf.shape(x)[0], -1]), axis=1)
    # The root's derivative is infinite at zero; below this floor it counts as zero.
    return tf.sqrt(tf.maximum(squares, 1e-12))


def gradient_penalty(norms):
    """The two-sided penalty (norm - 1)^2: a gradient that is too small costs as much as one that is too large.

    Args:
        norms: tf.Tensor. `gradient_norms` of the critic at `interpolates`.

    Returns:
        tf.Tensor. float32, shape `(batch,)`.

    Example:
        >>> gradient_penalty(tf.constant([0.5, 1.0, 3.0])).numpy().tolist()
        [0.25, 0.0, 4.0]

    Source: Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", equation 3.
    """
    return tf.square(_vector(norms) - 1.0)


def least_squares_discriminator_loss(real_scores, fake_scores, real_target=1.0, fake_target=0.0):
    """The discriminator's least-squares loss: (D(x) - b)^2 / 2 + (D(G(z)) - a)^2 / 2, averaged over a map of scores.

    Args:
        real_scores: tf.Tensor. Scores of real examples, shape `(batch, ...)`.
        fake_scores: tf.Tensor. Scores of generated examples, of the same shape.
        real_target: float. The paper's b. Defaults to 1.0.
        fake_target: float. The paper's a. Defaults to 0.0.

    Returns:
        tf.Tensor. float32, shape `(batch,)`.

    Example:
        >>> least_squares_discriminator_loss(tf.zeros((1, 2, 2, 1)), tf.ones((1, 2, 2, 1))).numpy()
        array([1.], dtype=float32)

    Source: Mao et al. 2017, "Least Squares Generative Adversarial Networks", equation 2.
    """
    return 0.5 * (mean_squared_error(real_scores, real_target) + mean_squared_error(fake_scores, fake_target))


def least_squares_generator_loss(fake_scores, target=1.0):
    """The generator's least-squares loss: (D(G(z)) - c)^2, averaged over a map of scores.

    Args:
        fake_scores: tf.Tensor. Scores of generated examples, shape `(batch, ...)`.
        target: float. The paper's c. Defaults to 1.0.

    Returns:
        tf.Tensor. float32, shape `(batch,)`; twice the loss of Mao et al. 2017, as in Zhu et al. 2017, section 4.

    Example:
        >>> least_squares_generator_loss(tf.zeros((1, 2, 2, 1))).numpy()
        array([1.], dtype=float32)

    Source: Mao et al. 2017, "Least Squares Generative Adversarial Networks", equation 2.
    """
    return mean_squared_error(fake_scores, target)
