"""LiteRT files: their metadata, and running them, without TensorFlow.

>>> from kerazoo.utils.litert import LiteRTFile
>>> file = LiteRTFile("dcgan.tflite")
>>> file.run("generate", z=np.zeros((1, 100), "float32"))["images"].shape
(1, 28, 28, 1)
"""

import contextlib
import json
import os
import struct
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from kerazoo.utils.console import silent_stderr
from kerazoo.utils.errors import ExportError

METADATA = "kerazoo"  # the name of the entry in the file's metadata
DYNAMIC = "dynamic"  # the `batch` of a signature that takes any number of rows
IDENTIFIER = b"TFL3"  # of the file, in its bytes 4 to 8


def read_litert_metadata(path):
    """The metadata that `kerazoo.exporting.export_litert` wrote into a file.

    Args:
        path: str or Path. A `.tflite` file.

    Returns:
        dict. The same that `export_litert` returned.

    Raises:
        ExportError: the file cannot be read, is not a LiteRT file, or was not written by kerazoo.
    """
    data = read_file(path)
    try:
        model = schema.Model.GetRootAs(data)
        entries = {entry.Name(): entry for entry in map(model.Metadata, range(model.MetadataLength()))}
        own = entries.get(METADATA.encode())
        found = None if own is None else json.loads(model.Buffers(own.Buffer()).DataAsNumpy().tobytes())
    except (struct.error, ValueError, IndexError, AttributeError):
        raise ExportError(f"{path}: damaged or truncated; export it again") from None
    if found is None:
        raise ExportError(f"{path}: no kerazoo metadata in it; write the file with kerazoo export --format litert")
    return {**found, "bytes": len(data)}


def read_file(path):
    """The bytes of a LiteRT file; an `ExportError` if it is not one."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ExportError(f"{path}: cannot be read ({error.strerror or error})") from None
    if data[4:8] != IDENTIFIER:
        raise ExportError(f"{path}: not a LiteRT file (.tflite)")
    return data


class LiteRTFile:
    """A file of `kerazoo export --format litert`, ready to run. It may be used by one thread at a time.

    Args:
        path: str or Path.
        num_threads: int. Threads of the interpreter. Defaults to 1.

    Attributes:
        metadata: dict. `signatures` has each one's inputs and outputs, `left_out` what the file does not have, and why.

    Raises:
        ExportError: as `read_litert_metadata`.
    """

    def __init__(self, path, *, num_threads=1):
        self.path = Path(path)
        self.metadata = read_litert_metadata(path)
        try:
            self._interpreter = Interpreter(model_path=str(path), num_threads=num_threads)
        except ValueError:
            raise ExportError(f"{path}: damaged or truncated; export it again") from None
        self._runners = {}

    def run(self, signature, **inputs):
        """Run one signature.

        Args:
            signature: str. A name of `metadata["signatures"]`.
            **inputs: array. All inputs of the signature, by name. Any number of rows: where the file's is fixed, it
                runs several times.

        Returns:
            dict[str, np.ndarray]. The outputs by name.

        Raises:
            ExportError: no such signature, or inputs of other names, types or shapes.
        """
        known = self.metadata["signatures"]
        if signature not in known:
            reason = self.metadata["left_out"].get(signature)
            told = f"left out: {reason}" if reason else f"there are: {', '.join(known)}"
            raise ExportError(f"{self.path}: no signature {signature!r} ({told})")
        expected = known[signature]["inputs"]
        if set(inputs) != set(expected):
            given = ", ".join(inputs) or "nothing"
            raise ExportError(f"signature {signature!r} takes {', '.join(expected)}, not {given}")
        arrays = {name: _as_input(f"{signature!r}, input {name!r}", inputs[name], expected[name]) for name in expected}
        counts = {len(array) for array in arrays.values() if array.ndim}
        if len(counts) > 1:
            raise ExportError(f"signature {signature!r}: inputs of {' and '.join(map(str, sorted(counts)))} rows")
        batch, first = known[signature]["batch"], signature not in self._runners
        with _quiet() if first else contextlib.nullcontext():
            if first:
                self._runners[signature] = self._interpreter.get_signature_runner(signature)
            runner = self._runners[signature]
            return runner(**arrays) if batch == DYNAMIC else _run_in_parts(runner, arrays, *counts, batch)


def _quiet():
    """Hide LiteRT's line about its delegate where TensorFlow is told to be quiet: LiteRT has no log level."""
    quiet = os.environ.get("TF_CPP_MIN_LOG_LEVEL", "0") not in ("", "0")
    return silent_stderr() if quiet else contextlib.nullcontext()


def _as_input(where, value, expected):
    value, shape = np.asarray(value), (None, *expected["shape"][1:])[: len(expected["shape"])]
    fits = value.ndim == len(shape) and all(a in (None, b) and b for a, b in zip(shape, value.shape, strict=True))
    if not fits or not np.can_cast(value.dtype, expected["dtype"], "same_kind"):
        wanted = f"{expected['dtype']} of shape {shape} (None: 1 or more)"
        raise ExportError(f"signature {where}: {wanted} is expected, not {value.dtype} of shape {value.shape}")
    return value.astype(expected["dtype"])


def _run_in_parts(runner, arrays, num_rows, batch):
    """Run on `batch` rows at a time; copies of the last row fill up the last part."""
    parts = []
    for start in range(0, num_rows, batch):
        rows = np.minimum(np.arange(start, start + batch), num_rows - 1)
        parts.append(runner(**{name: array[rows] if array.ndim else array for name, array in arrays.items()}))
    return {name: np.concatenate([part[name] for part in parts])[:num_rows] for name in parts[0]}


# === Calls of signatures as a file of arrays, for other processes ===


def write_calls(path, calls):
    """Write calls, a list of (signature, named arrays), as an `.npz` file."""
    arrays = {f"{i}|{name}|{key}": a for i, (name, values) in enumerate(calls) for key, a in values.items()}
    np.savez(path, **arrays)


def read_calls(path):
    """Read what `write_calls` wrote."""
    calls = {}
    with np.load(path) as arrays:
        for place in arrays.files:
            index, name, key = place.split("|")
            calls.setdefault((int(index), name), {})[key] = arrays[place]
    return [(name, values) for (_, name), values in sorted(calls.items(), key=lambda item: item[0])]


def main():
    """`FILE CALLS RESULTS`: run the calls of one `.npz` file and write their results as another.

    Each signature's name is printed before it runs, so that the caller knows which one crashed.
    """
    path, calls, results = sys.argv[1:]
    file, found = LiteRTFile(path), []
    for name, inputs in read_calls(calls):
        print(name, flush=True)
        found.append((name, file.run(name, **inputs)))
    write_calls(results, found)
    assert "tensorflow" not in sys.modules  # devices do not have it


if __name__ == "__main__":
    main()
