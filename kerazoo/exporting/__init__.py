"""Models outside of Python: SavedModels for TensorFlow Serving, LiteRT files for devices, checked against Keras."""

import inspect

from kerazoo.exporting.litert import export_litert
from kerazoo.exporting.saved_model import export_saved_model, export_version
from kerazoo.utils.errors import ExportError
from kerazoo.utils.lazy import submodules

__getattr__ = submodules(__name__)

# Keras's own name for a SavedModel is taken too.
FORMATS = {"saved_model": export_saved_model, "tf_saved_model": export_saved_model, "litert": export_litert}


def export(model, path, format="saved_model", **options):
    """Write a model in one of `FORMATS`; see `ZooModel.export`."""
    if format not in FORMATS:
        raise ExportError(f"format = {format!r}: one of {', '.join(FORMATS)} is expected")
    write = FORMATS[format]
    known = [name for name, one in inspect.signature(write).parameters.items() if one.kind is one.KEYWORD_ONLY]
    unknown = next((name for name in options if name not in known), None)
    if unknown is not None:
        raise ExportError(f"export to {format} has no option {unknown!r}; it has {', '.join(known)}")
    return write(model, path, **options)


__all__ = ["FORMATS", "export", "export_litert", "export_saved_model", "export_version"]
