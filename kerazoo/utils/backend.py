"""The backend of Keras that the models need."""

import os
import sys

from kerazoo.utils.errors import ConfigError


def check_backend():
    """Raise a `ConfigError` unless Keras works with TensorFlow, before anything fails for another reason.

    Where Keras is not imported yet and the environment names another backend, it is not imported at all: that backend
    may not be installed.

    Raises:
        ConfigError: another backend is set.
    """
    backend = os.environ.get("KERAS_BACKEND") if "keras" not in sys.modules else None
    if not backend:
        import keras

        backend = keras.config.backend()
    if backend != "tensorflow":
        raise ConfigError(
            f"Keras's backend is {backend!r} here, and kerazoo's models need TensorFlow: set KERAS_BACKEND=tensorflow "
            "(or unset it, and look at ~/.keras/keras.json) before anything imports Keras"
        )
