"""An optimizer's next updates as functions of tensors, which a gradient can flow through."""

import keras
import tensorflow as tf

from kerazoo.utils.errors import ConfigError


class AdamUpdates:
    """The next updates of a Keras Adam (Kingma and Ba 2015, arXiv:1412.6980), from its moments on.

    Args:
        adam: keras.optimizers.Adam. Built on `variables`, among others; it does not change. Its learning rate is that
            of the current step for all updates.
        variables: list of variables.
    """

    def __init__(self, adam, variables):
        self.adam, self.rate = adam, tf.cast(adam.learning_rate, tf.float32)
        self.count = tf.cast(adam.iterations, tf.float32)
        places = [adam._get_variable_index(variable) for variable in variables]
        self.moments = [tf.convert_to_tensor(adam._momentums[place]) for place in places]
        self.velocities = [tf.convert_to_tensor(adam._velocities[place]) for place in places]

    def __call__(self, weights, gradients):
        """The weights after the next update, and no change of any variable."""
        beta_1, beta_2, self.count = self.adam.beta_1, self.adam.beta_2, self.count + 1
        pairs = zip(self.moments, self.velocities, gradients, strict=True)
        moved = [(m + (1 - beta_1) * (g - m), v + (1 - beta_2) * (g**2 - v)) for m, v, g in pairs]
        self.moments, self.velocities = map(list, zip(*moved, strict=True))
        rate = self.rate * tf.sqrt(1 - beta_2**self.count) / (1 - beta_1**self.count)
        parts = zip(weights, self.moments, self.velocities, strict=True)
        return [w - rate * m / (_square_root(v) + self.adam.epsilon) for w, m, v in parts]


class SGDUpdates:
    """The next updates of a Keras SGD, with momentum or without; arguments as for `AdamUpdates`."""

    def __init__(self, sgd, variables):
        self.rate, self.momentum = tf.cast(sgd.learning_rate, tf.float32), sgd.momentum
        places = [sgd._get_variable_index(variable) for variable in variables]
        self.moments = [tf.convert_to_tensor(sgd.momentums[place]) if self.momentum else 0.0 for place in places]

    def __call__(self, weights, gradients):
        """The weights after the next update, and no change of any variable."""
        pairs = zip(self.moments, gradients, strict=True)
        self.moments = [self.momentum * m - self.rate * g for m, g in pairs]
        return [w + m for w, m in zip(weights, self.moments, strict=True)]


UPDATES = {keras.optimizers.Adam: AdamUpdates, keras.optimizers.SGD: SGDUpdates}
# Options that change an update and are not in those functions.
OTHERS = ("amsgrad", "nesterov", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue")


def functional_updates(optimizer):
    """How an optimizer's next updates are functions of tensors.

    Args:
        optimizer: keras.optimizers.Optimizer. Adam or SGD, also with loss scaling.

    Returns:
        callable `variables -> AdamUpdates or SGDUpdates`.

    Raises:
        ConfigError: another optimizer, or an option of it that these functions do not have.

    Example:
        >>> sgd, weight = keras.optimizers.SGD(0.1), keras.Variable([1.0])
        >>> sgd.build([weight])
        >>> update = functional_updates(sgd)([weight])
        >>> update([weight.value], [tf.constant([2.0])])[0].numpy().round(4)
        array([0.8], dtype=float32)
    """
    inner = optimizer.inner_optimizer if isinstance(optimizer, keras.optimizers.LossScaleOptimizer) else optimizer
    others = [name for name in OTHERS if getattr(inner, name, None)]
    if type(inner) not in UPDATES or others:
        given = type(inner).__name__ + (f" with {others[0]}" if others else "")
        raise ConfigError(f"optimizer {given}: updates that are followed by a gradient are written for Adam and SGD")
    return lambda variables: UPDATES[type(inner)](inner, variables)


def _square_root(x):
    """The square root of numbers of at least 0, whose derivative at 0, where the gradient has always been 0, is 0."""
    positive = x > 0
    return tf.where(positive, tf.sqrt(tf.where(positive, x, 1.0)), 0.0)
