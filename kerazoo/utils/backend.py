"""The backend of Keras that the models need."""

import json
import os
import sys
from pathlib import Path

from kerazoo.utils.errors import ConfigError


def check_backend():
    """Raise a `ConfigError` unless Keras works with TensorFlow, before anything fails for another reason.

    Where Keras is not imported yet and the environment or Keras's own file names another backend, it is not imported at
    all: that backend may not be installed.

    Raises:
        ConfigError: another backend is set.
    """
    backend = _configured_backend() if "keras" not in sys.modules else None
    if not backend or backend == "tensorflow":
        import keras

        backend = keras.config.backend()
    if backend != "tensorflow":
        raise ConfigError(
            f"Keras's backend is {backend!r} here, and kerazoo's models need TensorFlow: set KERAS_BACKEND=tensorflow "
            "(or unset it, and look at ~/.keras/keras.json) before anything imports Keras"
        )


def _configured_backend():
    """What Keras would read: the environment's, or that of its `keras.json`; None where neither says."""
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"]
    folder = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    try:
        return json.loads((Path(folder) / "keras.json").read_text(encoding="utf-8")).get("backend")
    except (OSError, ValueError, AttributeError):
        return None  # as for Keras, which then takes its default
