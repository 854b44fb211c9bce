"""Losses and metrics of a training step: running averages by name."""

import numpy as np
import tensorflow as tf


class Logging:
    """Mixin; list it before `keras.Model`. What `track` is given, as averages since the epoch began."""

    @property
    def metrics(self):
        """Exactly the trackers of the stage, so that `fit` reports epoch averages of each."""
        return [self._trackers[name] for name in self.stage.tracked] if self._trackers else []

    def track(self, **values):
        """Add per-example values (or one value) to the running averages of that name."""
        for name, value in values.items():
            self._trackers[name].update_state(value)

    def log_sums(self):
        """What the averages of the log are made of, for a run that stops within an epoch.

        Returns:
            dict[str, np.ndarray]. Name -> sum and weight, a float32 array of two, of the values given to `track` since
            the epoch began.
        """
        return {name: np.array([v.numpy() for v in tracker.variables]) for name, tracker in self._trackers.items()}

    def restore_log(self, sums):
        """Take the averages of the log up where an epoch stopped.

        Args:
            sums: dict[str, np.ndarray]. What `log_sums` returned; names that the model does not track are passed by.
        """
        for name in sums.keys() & self._trackers.keys():
            for variable, value in zip(self._trackers[name].variables, sums[name], strict=True):
                variable.assign(value)

    def logs(self):
        """What `train_step` and `test_step` return: name -> average since the epoch began."""
        values = {name: self._trackers[name].result() for name in self.stage.tracked}
        strategy = self.distribute_strategy
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy) and strategy.num_replicas_in_sync > 1:
            # Keras averages logs over workers along a first axis, which scalars lack.
            return {name: value[None] for name, value in values.items()}
        return values
