"""Variables that belong to training and not to the model."""

import keras
import numpy as np

PREFIX = "state_"


class TrainingState:
    """Variables by name: saved in `.keras` files, absent from `weights` and from presets.

    They are kept out of Keras's sight, which would count variables in a dict or an attribute as weights.
    """

    def __init__(self):
        self._variables = {}

    def __getitem__(self, name):
        return self._variables[name]

    def add(self, name, shape, dtype, initializer):
        """Make (or make anew) the variable of a name, the same on all replicas."""
        self._variables[name] = keras.Variable(
            initializer, shape, dtype, trainable=False, aggregation="only_first_replica", name=name
        )
        return self._variables[name]

    def save(self, store):
        """Write every variable into a Keras weights store."""
        for name, variable in self._variables.items():
            store[PREFIX + name] = np.asarray(variable)

    def load(self, store):
        """Read back what the store has; returns the rest of the store as a dict."""
        entries = {key: store[key] for key in store.keys()}  # noqa: SIM118 (a store is no mapping)
        for name, variable in self._variables.items():
            if PREFIX + name in entries:
                variable.assign(entries[PREFIX + name][()])
        return {key: value for key, value in entries.items() if not key.startswith(PREFIX)}
