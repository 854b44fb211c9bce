"""A model whose verbs run on its exported LiteRT file, so that every measure of the model measures the file."""

import contextlib

import numpy as np

from kerazoo.base.compiled_calls import signature_key
from kerazoo.exporting.litert_sizes import padded
from kerazoo.utils.errors import ExportError
from kerazoo.utils.images import as_float_array
from kerazoo.utils.litert import LiteRTFile


@contextlib.contextmanager
def run_exported(model, path, *, num_threads=1):
    """Inside, a model's verbs (`generate`, `classify`, `score`, ...) run on a LiteRT file in place of Keras.

    Args:
        model: ZooModel. The one that was exported, or another of its architecture and shapes.
        path: str or Path. The file.
        num_threads: int. Threads of the interpreter. Defaults to 1.

    Yields:
        LiteRTFile.

    Raises:
        ExportError: a file of another architecture; inside, a verb whose function the file does not have.

    Example:
        >>> model = kerazoo.load("cnn_classifier")
        >>> with run_exported(model, "classifier.tflite"):
        ...     probabilities = model.classify(images)
    """
    file = LiteRTFile(path, num_threads=num_threads)
    if file.metadata["architecture"] != model.architecture:
        raise ExportError(f"{path}: holds a {file.metadata['architecture']}, not a {model.architecture}")
    with model.calls.replaced(_Runner(model, file)):
        yield file


class _Runner:
    """Runs a model's functions by the signatures of a file that were made from them."""

    def __init__(self, model, file):
        self.file = file
        self.endpoints = {}
        for name, endpoint in model.endpoints().items():
            self.endpoints.setdefault(signature_key(endpoint.function), (name, endpoint))

    def __call__(self, function, *inputs):
        name, endpoint = self.endpoints.get(signature_key(function), (None, None))
        if name not in self.file.metadata["signatures"]:
            verb = name or getattr(function, "func", function).__name__.strip("_")
            reason = self.file.metadata["left_out"].get(name, "it is not an endpoint of the model")
            raise ExportError(f"{self.file.path} has nothing for {verb!r}: {reason}")
        sizes = self.file.metadata["signatures"][name]["inputs"]
        arrays = {
            key: _fit(f"signature {name!r}, input {key!r}", array, sizes[key]["shape"])
            for key, array in zip(endpoint.inputs, inputs, strict=True)
        }
        found = self.file.run(name, **arrays)
        return endpoint.unnamed(found)


def _fit(where, array, shape):
    """An input as a file takes it: images in float32, padded with zeros where the file has a fixed size."""
    array = as_float_array(array) if array.dtype == np.uint8 else np.asarray(array)
    sizes = [there if size is None else size for size, there in zip(shape, array.shape, strict=True)]
    if any(there > size for there, size in zip(array.shape[1:], sizes[1:], strict=True)):
        raise ExportError(f"{where}: sizes up to {tuple(sizes[1:])} are in the file, not {array.shape[1:]}")
    return padded(array, sizes) if array.ndim else array
