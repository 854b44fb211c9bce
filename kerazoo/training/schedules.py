"""Learning-rate schedules."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="kerazoo")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A constant rate, then a straight line to zero.

    Args:
        learning_rate: float. The constant rate.
        total_steps: int. The step at which the rate reaches zero.
        start: float in [0, 1). The fraction of `total_steps` after which the rate falls. Defaults to 0.5, as for
            CycleGAN (Zhu et al. 2017, section 4).

    Example:
        >>> float(LinearDecay(2e-4, 100, 0.5)(75))
        1e-4
    """

    def __init__(self, learning_rate, total_steps, start=0.5):
        self.learning_rate = float(learning_rate)
        self.total_steps = int(total_steps)
        self.start = float(start)

    def __call__(self, step):
        done = tf.cast(step, tf.float32) / self.total_steps
        return self.learning_rate * tf.clip_by_value((1.0 - done) / (1.0 - self.start), 0.0, 1.0)

    def get_config(self):
        return {"learning_rate": self.learning_rate, "total_steps": self.total_steps, "start": self.start}
