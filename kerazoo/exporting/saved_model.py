"""SavedModels for TensorFlow Serving: named signatures, weights stored once, warm-up requests, checked before use."""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf

import kerazoo
from kerazoo.exporting.signatures import (
    SERVING_DEFAULT,
    compare,
    describe,
    float32_twin,
    opening,
    save,
    trace,
    variables_of,
)
from kerazoo.exporting.warmup import write_warmup
from kerazoo.serving.versions import LARGEST, version_number
from kerazoo.utils.errors import ExportError, OutputError
from kerazoo.utils.files import new_folder, new_parents, sha256, take_name, temporary_folder, writing
from kerazoo.utils.litert_forms import serving_forms

METADATA = "metadata.json"
SAVED_MODEL = "saved_model.pb"
VARIABLES = "variables/variables.data-00000-of-00001"
ROWS = (1, 3)  # of the examples that each signature is checked with


def export_saved_model(model, path, *, overwrite=False, warmup=True):
    """Write a model as a SavedModel: one version of a model for TensorFlow Serving.

    Every endpoint of the model becomes a signature, the first of them also `serving_default`. All compute in float32,
    all randomness is an input, and only the weights that they read are stored. `metadata.json` next to the SavedModel
    describes it; `assets.extra` holds the requests that TensorFlow Serving warms up with. Each signature is run from
    the written files and compared with Keras before the folder gets its name.

    Args:
        model: ZooModel.
        path: str or Path. The version's folder, for example `"models/dcgan/1"`.
        overwrite: bool. Whether an earlier export there may be replaced. Defaults to False.
        warmup: bool. Whether to write warm-up requests. Defaults to True.

    Returns:
        dict. The content of `metadata.json`.

    Raises:
        ExportError: a signature that differs from Keras.
        OutputError: the folder exists or cannot be written; nothing is left behind.

    Example:
        >>> metadata = export_saved_model(kerazoo.load("dcgan"), "models/dcgan/1")
        >>> tf.saved_model.load("models/dcgan/1").signatures["generate"](z=tf.zeros((1, 100)))["images"].shape
        TensorShape([1, 28, 28, 1])
    """
    path = Path(path)
    if path.name.isdecimal() and version_number(path.name) is None:
        raise OutputError(f"{path}: no server loads this version; a version is a number from 0 to {LARGEST}")
    with new_folder(path, overwrite=overwrite, owned=(SAVED_MODEL,)) as temporary:
        metadata = _write(model, temporary, path.resolve().parent.name, warmup)
        return _finish(metadata, temporary, version_number(path.name))


def export_version(model, folder, **options):
    """Write a model as the next version in a folder of versions, as a server watches it.

    The number is taken when the export is complete, so that each of several at once gets its own.

    Args:
        model: ZooModel.
        folder: str or Path. For example `"models/dcgan"`, whose newest version 3 makes this one version 4.
        **options: as for `export_saved_model`; `overwrite` has nothing to replace.

    Returns:
        (Path, dict). The version's folder and its metadata.

    Raises:
        ExportError, OutputError: as `export_saved_model`.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file; give a folder for the model's versions, for example models/dcgan")
    with writing(folder), new_parents(folder / "version"), temporary_folder(folder) as beside:
        temporary = beside / "version"
        temporary.mkdir()
        metadata = _write(model, temporary, folder.resolve().name, options.get("warmup", True))
        while True:
            numbers = [version_number(entry.name) for entry in folder.iterdir()]
            path = folder / str(max((number for number in numbers if number is not None), default=0) + 1)
            metadata = _finish(metadata, temporary, int(path.name))
            if take_name(temporary, path):
                return path, metadata


def _write(model, folder, name, warmup):
    """Fill a folder with a model's SavedModel and check it; returns the metadata except for the version's number."""
    model = float32_twin(model)
    endpoints = model.endpoints()
    with serving_forms():
        traced = trace(endpoints)
    default = next(iter(endpoints))
    save({SERVING_DEFAULT: traced[default], **traced}, folder)
    metadata = {
        "format": 1,
        "preset": model.preset,
        "architecture": model.architecture,
        "task": model.task,
        "version": None,
        "kerazoo": kerazoo.__version__,
        "tensorflow": tf.__version__,
        "default_signature": default,
        "page_signature": opening(endpoints, model.page_inputs),
        "signatures": describe(endpoints, traced, model.page_inputs),
        "parameters": int(sum(np.prod(v.shape) for v in variables_of(traced))),
        "weights": {
            "file": VARIABLES,
            "bytes": (folder / VARIABLES).stat().st_size,
            "sha256": sha256(folder / VARIABLES),
        },
        "differences": _check(endpoints, folder),
    }
    if warmup:
        batchable = {name: one for name, one in endpoints.items() if one.batchable}
        write_warmup(batchable, folder, model_name=name)
    return metadata


def _finish(metadata, folder, version):
    metadata = {**metadata, "version": version}
    (folder / METADATA).write_text(json.dumps(metadata, indent=2) + "\n", encoding="utf-8")
    return metadata


def _check(endpoints, folder):
    """Run each signature from the files; returns name -> largest difference from Keras."""
    signatures = tf.saved_model.load(str(folder)).signatures
    differences = {}
    for name, endpoint in endpoints.items():
        for rows in ROWS:
            inputs = endpoint.example(np.random.default_rng(rows), rows)
            try:
                found = signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
            except tf.errors.OpError as error:
                raise ExportError(f"signature {name!r} cannot be run: {error.message.splitlines()[0]}") from None
            expected = {key: value.numpy() for key, value in endpoint(**inputs).items()}
            difference = compare(name, {key: value.numpy() for key, value in found.items()}, expected)
            differences[name] = max(differences.get(name, 0.0), difference)
    return differences
