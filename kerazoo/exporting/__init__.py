"""Models outside of Python: SavedModels for TensorFlow Serving, LiteRT files for devices, checked against Keras."""

from kerazoo.exporting.litert import export_litert
from kerazoo.exporting.saved_model import export_saved_model, export_version
from kerazoo.utils.errors import ExportError

# Keras's own name for a SavedModel is taken too.
FORMATS = {"saved_model": export_saved_model, "tf_saved_model": export_saved_model, "litert": export_litert}


def export(model, path, format="saved_model", **options):
    """Write a model in one of `FORMATS`; see `ZooModel.export`."""
    if format not in FORMATS:
        raise ExportError(f"format = {format!r}: one of {', '.join(FORMATS)} is expected")
    return FORMATS[format](model, path, **options)


__all__ = ["FORMATS", "export", "export_litert", "export_saved_model", "export_version"]
