"""kerazoo: a Keras model zoo of the classic generative and recurrent architectures.

    import kerazoo

    model = kerazoo.load("dcgan")               # trained weights, checked by sha256
    images = model.generate(16, seed=0)         # (16, 28, 28, 1) float32 in [0, 1]

Every attribute is imported when it is first used (PEP 562): `import kerazoo` costs milliseconds and no TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING

from kerazoo.base import keras_hook
from kerazoo.utils import aliases

if TYPE_CHECKING:
    from kerazoo.base.model import ZooModel as ZooModel
    from kerazoo.base.registry import register as register
    from kerazoo.presets.loading import create as create
    from kerazoo.presets.loading import info as info
    from kerazoo.presets.loading import list_models as list_models
    from kerazoo.presets.loading import list_presets as list_presets
    from kerazoo.presets.loading import load as load
    from kerazoo.utils.errors import KerazooError as KerazooError

__version__ = "0.2.0"

_ATTRIBUTES = {
    "load": "kerazoo.presets.loading",
    "create": "kerazoo.presets.loading",
    "list_models": "kerazoo.presets.loading",
    "list_presets": "kerazoo.presets.loading",
    "info": "kerazoo.presets.loading",
    "register": "kerazoo.base.registry",
    "ZooModel": "kerazoo.base.model",
    "KerazooError": "kerazoo.utils.errors",
}
_PACKAGES = (
    "base",
    "data",
    "exporting",
    "layers",
    "losses",
    "metrics",
    "models",
    "networks",
    "presets",
    "serving",
    "tasks",
    "text",
    "training",
    "utils",
)

__all__ = [
    "KerazooError",
    "ZooModel",
    "__version__",
    "create",
    "info",
    "list_models",
    "list_presets",
    "load",
    "register",
]


def __getattr__(name):
    if name in _ATTRIBUTES:
        return getattr(importlib.import_module(_ATTRIBUTES[name]), name)
    if name in _PACKAGES or name in aliases.MODULES:
        return importlib.import_module(f"kerazoo.{name}")
    raise AttributeError(f"module 'kerazoo' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_ATTRIBUTES, *_PACKAGES, *aliases.MODULES})


# Lets `keras.models.load_model` find the architectures, which are imported only when they are used.
keras_hook.install()
aliases.install()
