"""Variables that belong to training and not to the model: the step, chains, a carried state."""

import keras
import numpy as np

PREFIX = "state_"
LOG_PREFIX = "log_"


class TrainingState:
    """Variables by name: saved in `.keras` files, absent from `weights` and from presets.

    They are kept out of Keras's sight, which would count variables in a dict or an attribute as weights.
    """

    def __init__(self):
        self._variables = {}

    def __getitem__(self, name):
        return self._variables[name]

    def variables(self):
        """Every variable."""
        return list(self._variables.values())

    def clear(self):
        """Forget every variable."""
        self._variables = {}

    def add(self, name, shape, dtype, initializer):
        """The variable of a name, the same on all replicas; made anew unless it has this shape and dtype already.

        Returns:
            tuple[keras.Variable, bool]. The variable, and whether another one stood in its place before.
        """
        old = self._variables.get(name)
        if old is not None and tuple(old.shape) == tuple(shape) and old.dtype == dtype:
            return old, False
        self._variables[name] = keras.Variable(
            initializer, shape, dtype, trainable=False, aggregation="only_first_replica", name=name
        )
        return self._variables[name], old is not None

    def save(self, store):
        """Write every variable into a Keras weights store."""
        for name, variable in self._variables.items():
            store[PREFIX + name] = np.asarray(variable)

    def load(self, store):
        """Read back what the store has; returns the rest of the store as a dict."""
        entries = {key: store[key] for key in store.keys()}  # noqa: SIM118 (a store is no mapping)
        if self._variables:  # an uncompiled model has no training to go on with
            for key in (key for key in entries if key.startswith(PREFIX)):
                value = entries[key][()]
                # Made here where its size is the batch's, which the model learns from the data.
                variable, _ = self.add(key.removeprefix(PREFIX), value.shape, value.dtype.name, "zeros")
                variable.assign(value)
        return {key: value for key, value in entries.items() if not key.startswith(PREFIX)}


class Stateful:
    """Mixin; list it before `keras.Model`. States by name, saved in `.keras` files; `_state` is a `TrainingState`."""

    def save_own_variables(self, store):
        """Write the training state (step, what a subclass adds, the sums of the epoch's log) beside the weights."""
        super().save_own_variables(store)
        self._state.save(store)
        for name, sums in self.log_sums().items():
            store[LOG_PREFIX + name] = sums

    def load_own_variables(self, store):
        """Read back the training state where the model is compiled and the file has one."""
        kept = PREFIX + "adapted" in store.keys()  # noqa: SIM118 (a store is no mapping)
        entries = self._state.load(store)
        self._adapted = not (kept and self.compiled) or bool(int(self.state("adapted").numpy()))
        sums = {key: entries.pop(key)[()] for key in list(entries) if key.startswith(LOG_PREFIX)}
        super().load_own_variables(entries)
        self.restore_log({key.removeprefix(LOG_PREFIX): value for key, value in sums.items()})
        self.restore_stage()

    def add_state(self, name, shape=(), dtype="int64", initializer="zeros"):
        """A variable that belongs to training, not to the model: saved in `.keras` files, absent from presets.

        Args:
            name: str. Name among the model's states; one of the same name, shape and dtype is kept as it is.
            shape: tuple[int, ...]. Defaults to `()`.
            dtype: str. Defaults to `"int64"`.
            initializer: str or initializer. Defaults to `"zeros"`.

        Returns:
            keras.Variable. Not among `weights`; the same on all replicas, which must all assign the same to it.
        """
        variable, replaced = self._state.add(name, shape, dtype, initializer)
        if replaced:
            self.trace_anew()
        return variable

    def state(self, name):
        """The variable of `add_state`."""
        return self._state[name]

    def states(self):
        """All variables of `add_state`, in the order of their making."""
        return self._state.variables()
