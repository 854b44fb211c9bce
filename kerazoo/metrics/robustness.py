"""Adversarial examples: how much of a classifier's accuracy a small, chosen change of every pixel takes away."""

import numpy as np

from kerazoo.metrics._checks import as_classes, as_images
from kerazoo.metrics.extractor import as_probabilities
from kerazoo.utils.checks import check_integer, check_number
from kerazoo.utils.errors import DataError

# Kurakin et al. 2017, section 2.2: a quarter more steps than are needed to reach the edge of the ball.
_REACH = 1.25


def fast_gradient_sign(model, images, labels, epsilon, *, num_steps=1, step_size=None, batch_size=256):
    """Images that are changed by at most `epsilon` in every pixel, so that a classifier's loss rises.

    With one step x + epsilon * sign(gradient of the cross-entropy of the label at x); with more, steps of `step_size`
    in the direction of the sign, each followed by a projection to the ball of `epsilon` about x. All are clipped to
    [0, 1].

    Args:
        model: A classifier of the zoo (anything with `logits(images, training)`), or a Keras model of images whose
            output, shape `(batch, classes)`, is class probabilities or logits.
        images: Array (N, H, W, C), uint8 or float in [0, 1].
        labels: Array (N,) of integer classes; the true ones by convention.
        epsilon: Float, at least 0. The largest change of a pixel, where images are in [0, 1].
        num_steps: Integer, at least 1, default 1, the fast method.
        step_size: Float above 0 or None. Defaults to None: `epsilon` for one step, 1.25 * epsilon / num_steps for
            more.
        batch_size: Integer, at least 1, default 256. Images computed at a time.

    Returns:
        float32 array (N, H, W, C) in [0, 1].

    Raises:
        DataError: Images out of range or not of four axes, labels that are not one class per image.
        ConfigError: A number out of range.

    Example:
        >>> model = keras.Sequential([keras.Input((1, 1, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
        >>> model.set_weights([np.array([[-1.0, 1.0]]), np.zeros(2)])  # brighter is class 1
        >>> kerazoo.robustness.fast_gradient_sign(model, np.full((1, 1, 1, 1), 0.5), [1], 0.25).item()
        0.25

    Source: Goodfellow, Shlens and Szegedy 2015, "Explaining and Harnessing Adversarial Examples", section 4; Kurakin,
    Goodfellow and Bengio 2017, "Adversarial Examples in the Physical World", section 2.2.
    """
    import tensorflow as tf

    images = np.asarray(images)
    images = as_images("images", images / np.float32(255) if images.dtype == np.uint8 else images)
    epsilon = check_number("epsilon", epsilon)
    num_steps = check_integer("num_steps", num_steps)
    batch_size = check_integer("batch_size", batch_size)
    default = epsilon if num_steps == 1 else _REACH * epsilon / num_steps
    step_size = default if step_size is None else check_number("step_size", step_size, above=True)
    log_odds = _log_odds(model, images[:1])
    labels = as_classes("labels", labels, _num_classes(model, images[:1]), num_rows=len(images)).astype(np.int32)

    @tf.function(input_signature=[tf.TensorSpec((None, *images.shape[1:])), tf.TensorSpec((None,), tf.int32)])
    def attack(x, y):
        changed = x
        for _ in tf.range(num_steps):
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(changed)
                loss = log_odds(changed, y)
            moved = changed + step_size * tf.sign(tape.gradient(loss, changed))
            changed = tf.clip_by_value(tf.clip_by_value(moved, x - epsilon, x + epsilon), 0.0, 1.0)
        return changed

    starts = range(0, len(images), batch_size)
    return np.concatenate([attack(*(a[i : i + batch_size] for a in (images, labels))).numpy() for i in starts])


def adversarial_error(model, images, labels, epsilon, *, num_steps=1, step_size=None, batch_size=256):
    """The fraction of adversarial images that a classifier gets wrong; arguments as for `fast_gradient_sign`.

    Returns:
        float in [0, 1]. With `epsilon` 0 it is the ordinary error.

    Example:
        >>> model = keras.Sequential([keras.Input((1, 1, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
        >>> model.set_weights([np.array([[-2.0, 2.0]]), np.array([1.0, -1.0])])  # class 1 above 0.5
        >>> images = np.array([0.1, 0.4, 0.6, 0.9]).reshape(4, 1, 1, 1)
        >>> adversarial_error(model, images, [0, 0, 1, 1], 0.0), adversarial_error(model, images, [0, 0, 1, 1], 0.25)
        (0.0, 0.5)
    """
    options = {"num_steps": num_steps, "step_size": step_size, "batch_size": batch_size}
    changed = fast_gradient_sign(model, images, labels, epsilon, **options)
    return float(np.mean(predicted_classes(model, changed, batch_size=batch_size) != np.asarray(labels)))


def predicted_classes(model, images, *, batch_size=256):
    """The class of the largest score of each image.

    Args:
        model: As for `fast_gradient_sign`.
        images: Array (N, H, W, C), float in [0, 1].
        batch_size: Integer, at least 1, default 256. Images computed at a time.

    Returns:
        int64 array (N,).
    """
    scores = _scores(model)
    starts = range(0, len(images), batch_size)
    return np.concatenate([np.argmax(scores(images[i : i + batch_size]), axis=1) for i in starts])


def _scores(model):
    """A classifier's scores as a function of images: its logits, where it has them."""
    if callable(getattr(model, "logits", None)):
        return lambda images: model.logits(images, training=False)
    return lambda images: model(images, training=False)


def _num_classes(model, images):
    scores = _scores(model)(images)
    if len(scores.shape) != 2 or scores.shape[1] < 2:
        raise DataError(f"the model gives {tuple(scores.shape)} for an image: (1, classes), two or more, is expected")
    return scores.shape[1]


def _log_odds(model, images):
    """log((1 - p) / p) of each label's probability p, as a function of tensors (images, labels).

    The cross-entropy is log(1 + exp) of it, so that their gradients have the same sign; but this one does not vanish
    where p is 1 in float32, where a confident classifier would seem to be robust.
    """
    import tensorflow as tf

    scores = _scores(model)
    first = np.asarray(scores(images), np.float32)
    are_logits = callable(getattr(model, "logits", None)) or as_probabilities(first) is not first

    def log_odds(images, labels):
        found = scores(images)
        if not are_logits:
            # The input of a softmax is exact where the probabilities are rounded.
            found = found.op.inputs[0] if found.op.type == "Softmax" else tf.math.log(tf.maximum(found, 1e-30))
        logits = tf.cast(found, tf.float32)
        own = tf.one_hot(labels, tf.shape(logits)[1], on_value=True, off_value=False, dtype=tf.bool)
        others = tf.reduce_logsumexp(tf.where(own, logits.dtype.min, logits), axis=1)
        return others - tf.reduce_sum(tf.where(own, logits, 0.0), axis=1)

    return log_odds
