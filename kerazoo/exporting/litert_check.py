"""Outputs of a LiteRT file, in a process without TensorFlow, against those of Keras."""

import numpy as np

from kerazoo.exporting.litert_calibration import carry
from kerazoo.exporting.litert_children import run_child
from kerazoo.exporting.signatures import TOLERANCE, compare
from kerazoo.utils.errors import ExportError
from kerazoo.utils.litert import read_calls, write_calls

ROWS = (1, 3)  # of the examples that each signature is checked with, where they are free


def check_file(file, free, endpoints, folder, quantization=None, calibrated=()):
    """Run a file's signatures and compare.

    Args:
        file: Path. With its metadata.
        free, endpoints: dict[str, Endpoint]. As the model declares them, and with the sizes that the file has.
        folder: Path. For intermediate files.
        quantization: str or None. With one, numbers only need to be finite. Defaults to None.
        calibrated: list of (signature, named arrays). Real inputs to check with; drawn ones otherwise.

    Returns:
        dict[str, float]. Signature -> largest absolute difference from Keras.

    Raises:
        ExportError: a signature that crashes, or whose outputs differ from Keras.
    """
    calls = [(name, inputs) for name, one in endpoints.items() for inputs in _inputs(name, one, calibrated)]
    write_calls(folder / "calls.npz", calls)
    reason, lines = run_child("kerazoo.utils.litert", file, folder / "calls.npz", folder / "results.npz")
    if reason is not None:
        raise ExportError(f"signature {(lines or [*endpoints])[-1]!r} cannot be run by LiteRT: {reason}")
    differences = dict.fromkeys(endpoints, 0.0)
    for (name, inputs), (_, found) in zip(calls, read_calls(folder / "results.npz"), strict=True):
        expected = {key: value.numpy() for key, value in free[name](**inputs).items()}
        if quantization is not None or endpoints[name] is not free[name]:
            found, expected = _common_steps(found, expected)
        difference = compare(name, found, expected, tolerance=TOLERANCE if quantization is None else None)
        differences[name] = max(differences[name], difference)
    return differences


def _inputs(name, endpoint, calibrated):
    """Two calls of a signature: with different numbers of rows where these are free, and a state that is not zero."""
    real = [inputs for signature, inputs in calibrated if signature == name]
    if real:
        return [{k: v[:rows] if v.ndim else v for k, v in real[-rows].items()} for rows in ROWS]
    (fixed,) = {one.shape[0] for one in endpoint.inputs.values() if one.shape}
    drawn = [endpoint.example(np.random.default_rng(rows), fixed or rows) for rows in ROWS]
    return [inputs | carry(endpoint, inputs) for inputs in drawn]


def _common_steps(found, expected):
    """Outputs cut to the steps that both have: a fixed size may be larger, a quantised search may end elsewhere."""
    for key in set(found) & set(expected):
        a, b = found[key], expected[key]
        if a.ndim == b.ndim and a.shape[:1] == b.shape[:1]:
            part = tuple(slice(min(sizes)) for sizes in zip(a.shape, b.shape, strict=True))
            found[key], expected[key] = a[part], b[part]
    return found, expected
