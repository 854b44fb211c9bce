"""Averages of a model's weights over its training steps."""

import contextlib

import tensorflow as tf

from kerazoo.utils.errors import ConfigError


class Averaging:
    """Mixin; list it before `keras.Model`. With `compile(ema_decay=d)`, an exponential moving average of every weight.

    After each step, average += max(1 - d, 1 / n) (weight - average) for the n-th step. So the first
    1 / (1 - d) steps give the plain mean of Polyak and Juditsky, without a trace of the initial weights, and later ones
    an average over about the last 1 / (1 - d). A stage of training may begin to count anew (`Stage.keeps_averages`).
    Moving statistics of batch normalisation are averaged with the weights that they belong to. The averages are states:
    `.keras` files hold them, presets do not, and they are equal on all replicas.

    Source: Polyak and Juditsky 1992, "Acceleration of Stochastic Approximation by Averaging", SIAM Journal on Control
    and Optimization 30(4); for GANs Yazici et al. 2019, "The Unusual Effectiveness of Averaging in GAN Training",
    arXiv:1806.04498.
    """

    ema_decay: float | None = None

    def begin_averages(self, decay):
        """Make the averages of a freshly compiled model; a `ConfigError` unless `decay` is None or within (0, 1)."""
        if decay is not None and not 0 < decay < 1:
            raise ConfigError(f"ema_decay = {decay!r}: a number above 0 and below 1 is expected, for example 0.999")
        self.ema_decay = decay
        if decay is not None:
            self.add_state("averaged_steps")
            for index, weight in enumerate(self.weights):
                self.add_state(f"average_{index}", weight.shape, weight.dtype)

    def restart_averages(self):
        """Leave out the steps so far, those of another stage of training."""
        if self.ema_decay is not None:
            self.state("averaged_steps").assign(0)

    def update_averages(self):
        """Take in the weights of this step; `finish_step` calls it."""
        if self.ema_decay is None:
            return
        num_steps = self.state("averaged_steps")
        num_steps.assign_add(1)
        rate = tf.maximum(1.0 - self.ema_decay, 1.0 / tf.cast(num_steps.value, tf.float32))
        for average, weight in self._averages():
            average.assign_add(rate * (weight - average))

    @contextlib.contextmanager
    def averaged(self):
        """A context within which the weights are their averages, where `compile` was given `ema_decay`.

        Without, and before the first step, they stay what they are. Nothing may train the model within.

        Example:
            >>> model.compile(ema_decay=0.999, seed=0)
            >>> model.fit(images, epochs=10)
            >>> with model.averaged():
            ...     model.save_preset("mine")
        """
        pairs = self._averages() if self.ema_decay is not None and self.state("averaged_steps").numpy() else []
        trained = [weight.numpy() for _, weight in pairs]
        try:
            for average, weight in pairs:
                weight.assign(average)
            yield
        finally:
            for (_, weight), value in zip(pairs, trained, strict=True):
                weight.assign(value)

    def _averages(self):
        """(average, weight) of every weight."""
        return [(self.state(f"average_{index}"), weight) for index, weight in enumerate(self.weights)]
