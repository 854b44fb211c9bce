"""Learning rates of several roles that Keras's callbacks, which know one optimizer, change together."""

import keras
from keras.optimizers.schedules import LearningRateSchedule

from kerazoo.base.stages import set_learning_rate
from kerazoo.utils.errors import ConfigError

# They set `model.optimizer.learning_rate`, at the end of an epoch that may be hours away.
SETTERS = (keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler)


def with_common_rates(model, callbacks):
    """Callbacks of a `fit` whose changes of `model.optimizer.learning_rate` reach every role.

    Where a callback changes the first role's rate, and no other, all others are multiplied by the same factor, before
    the next callback sees the model, so that a checkpoint holds either all or none of the new rates.

    Args:
        model: ZooModel. Compiled.
        callbacks: list of keras.callbacks.Callback, a keras.callbacks.CallbackList, or None.

    Returns:
        `callbacks`, or a list with what looks after the rates between them; a `CallbackList` has it at its end.

    Raises:
        ConfigError: `ReduceLROnPlateau` or `LearningRateScheduler`, where a role's rate follows a schedule.
    """
    given = [callbacks] if isinstance(callbacks, keras.callbacks.Callback) else callbacks or []
    whole = hasattr(given, "append") and not isinstance(given, list)
    listed = list(given.callbacks if whole else given)
    setter = next((type(one).__name__ for one in listed if isinstance(one, SETTERS)), None)
    scheduled = next((role for role, one in model.optimizers.items() if follows_schedule(one)), None)
    if setter and scheduled:
        raise ConfigError(
            f"{setter}: the learning rate of role {scheduled!r} follows a schedule, which no callback can change; "
            "leave the callback out, or compile with a number for every role"
        )
    if len(model.optimizers) < 2 or not listed or follows_schedule(next(iter(model.optimizers.values()))):
        return callbacks
    common = CommonRates(model.optimizers)
    last = CommonRatesOfBatches if any(map(_acts_on_batches, listed)) else CommonRatesOfEpochs
    if whole:
        given.append(last(common))
        return given
    between = CommonRatesOfEpochs(common)
    return [*(part for one in listed for part in (one, between)), last(common)]


def _acts_on_batches(callback):
    """Whether a callback does anything at a batch; where none does, Keras waits for no step of an epoch."""
    plain = keras.callbacks.Callback
    names = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
    return any(getattr(type(callback), name) is not getattr(plain, name) for name in names)


def follows_schedule(optimizer):
    """Whether an optimizer's learning rate is a schedule, or a function, and cannot be set."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return isinstance(inner._learning_rate, LearningRateSchedule) or not hasattr(inner._learning_rate, "assign")


class CommonRates:
    """The rates of several optimizers, of which the first one's is watched.

    Args:
        optimizers: dict[str, keras.optimizers.Optimizer]. By role.
    """

    def __init__(self, optimizers):
        self.optimizers = optimizers
        self._first = next(iter(optimizers))
        self._note()

    def follow(self):
        """Change the others' rates as the first one's was changed, unless one of theirs was set as well."""
        first = self._read(self._first)
        if first == self._seen[self._first]:
            return
        rates = self._read_all()
        others = [role for role in rates if role != self._first]
        if all(rates[role] == self._seen[role] for role in others):
            if not self._whole[self._first]:
                raise ConfigError(
                    f"role {self._first!r}: its learning rate was 0, so that no factor can be told from the new one, "
                    f"{first:g}; begin with another rate, or set that of each role: model.optimizers[role]"
                )
            factor = first / self._whole[self._first]
            for role in others:
                if rates[role] is None:
                    raise ConfigError(
                        f"role {role!r}: its learning rate follows a schedule, and a callback set that of all roles "
                        f"({self._first!r} to {first:g}); compile with a number for every role"
                    )
                set_learning_rate(role, self.optimizers[role], self._whole[role] * factor)
        self._note()

    def _note(self):
        self._seen = self._read_all()
        if self._seen[self._first] or not hasattr(self, "_whole"):
            self._whole = self._seen  # of a rate that is 0 for a while, those before

    def _read_all(self):
        return {role: self._read(role) for role in self.optimizers}

    def _read(self, role):
        optimizer = self.optimizers[role]
        return None if follows_schedule(optimizer) else float(keras.ops.convert_to_numpy(optimizer.learning_rate))


class CommonRatesOfEpochs(keras.callbacks.Callback):
    """Stands behind a callback, and looks whether it has changed a rate.

    Args:
        rates: CommonRates.
    """

    def __init__(self, rates):
        super().__init__()
        self.rates = rates

    def on_train_begin(self, logs=None):
        self.rates.follow()

    def on_epoch_begin(self, epoch, logs=None):
        self.rates.follow()

    def on_epoch_end(self, epoch, logs=None):
        self.rates.follow()


class CommonRatesOfBatches(CommonRatesOfEpochs):
    """Looks before each batch, too."""

    def on_train_batch_begin(self, batch, logs=None):
        self.rates.follow()
