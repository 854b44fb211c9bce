"""Keras's compiled loop around a step, where it does more than a step of the zoo bears."""

import tensorflow as tf

from kerazoo.base.noise import begin_streams


class Looping:
    """Mixin; list it before `keras.Model`. How `fit` and `evaluate` run the steps."""

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Nothing: all is built before `fit`, and Keras's version adds up the replicas' batches, which may differ."""

    def _make_function(self, step_function):
        """Keras's compiled loop around a step, which it runs once more where a dataset of unknown length has ended."""

        def step(data):
            begin_streams()  # an interrupted trace may have left some
            given = [part for part in tf.nest.flatten(data) if part is not None]
            with tf.control_dependencies(given):  # without a batch, nothing of a step takes effect
                return step_function(data)

        return super()._make_function(step)
