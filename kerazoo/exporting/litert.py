"""LiteRT files for devices: named signatures of built-in operators in one file, checked without TensorFlow."""

import os
from pathlib import Path

import tensorflow as tf

import kerazoo
from kerazoo.base.endpoints import LOOP
from kerazoo.exporting.litert_calibration import calibration_calls
from kerazoo.exporting.litert_check import check_file
from kerazoo.exporting.litert_children import Child
from kerazoo.exporting.litert_convert import QUANTIZATIONS
from kerazoo.exporting.litert_flatbuffer import finish_file, operators
from kerazoo.exporting.litert_sizes import fixed_endpoint, split_calls
from kerazoo.exporting.signatures import describe, float32_twin, save, trace
from kerazoo.utils.checks import check_integer
from kerazoo.utils.errors import ExportError
from kerazoo.utils.files import new_file, temporary_folder
from kerazoo.utils.litert import DYNAMIC, read_litert_metadata, write_calls
from kerazoo.utils.litert_forms import portable_forms

NUM_CALIBRATION = 200
CONVERTER = "kerazoo.exporting.litert_convert"


def export_litert(
    model,
    path,
    *,
    quantization=None,
    calibration=None,
    num_calibration=NUM_CALIBRATION,
    batch_size=1,
    overwrite=False,
):
    """Write a model as one LiteRT file with a signature for each endpoint that a device can run.

    Only built-in operators are used, and inputs and outputs stay float32 in every quantisation. The number of rows is
    free where LiteRT can plan its memory all the same; loops and transposed convolutions have fixed sizes. Signatures
    that cannot run on a device (strings, seeded random numbers), or not in int8 (loops), are left out; the metadata say
    which and why. The converter also drops checks of the bounds of numbers. Each signature is run from the written
    file, in a process without TensorFlow, and compared with Keras before the file gets its name. The metadata are in
    the file too: `kerazoo.utils.litert.read_litert_metadata`.

    Args:
        model: ZooModel.
        path: str or Path. For example `"dcgan.tflite"`.
        quantization: None (float32), `"float16"` (weights; half the size), `"dynamic"` (int8 weights, activations
            quantised while it runs; a quarter) or `"int8"` (weights, and activations by calibrated ranges; a quarter).
            Defaults to None.
        calibration: str, Source or arrays, for int8: the data that give its ranges, as `kerazoo.data.open_source` takes
            them. Defaults to None, the data of the model's preset.
        num_calibration: int. Examples of each signature that int8 is calibrated with. Defaults to 200.
        batch_size: int. Rows in a call of the signatures with fixed sizes. Defaults to 1.
        overwrite: bool. Whether an earlier file may be replaced. Defaults to False.

    Returns:
        dict. `preset`, `architecture`, `task`, `quantization`, `calibration`, `signatures` (inputs, outputs, and
        `batch`, `"dynamic"` or the fixed number of rows), `left_out` (name -> reason), `operators`, `differences` (name
        -> largest absolute difference from Keras), `bytes`, and versions.

    Raises:
        ExportError: a signature that cannot be converted, that differs from Keras, or (quantised) is not finite; an
            unknown quantisation; int8 without data. Nothing is written.
        DataError: the data for calibration cannot be opened, or do not fit this model.
        OutputError: the file exists or cannot be written.

    Example:
        >>> metadata = export_litert(kerazoo.load("dcgan"), "dcgan.tflite", quantization="dynamic")
        >>> kerazoo.utils.litert.LiteRTFile("dcgan.tflite").run("generate", z=np.zeros((4, 100)))["images"].shape
        (4, 28, 28, 1)
    """
    if quantization not in QUANTIZATIONS:
        raise ExportError(f"quantization = {quantization!r}: one of {', '.join(map(repr, QUANTIZATIONS))} is expected")
    if calibration is not None and quantization != "int8":
        raise ExportError(f"calibration = {calibration!r:.80}: only int8 is calibrated; give quantization='int8' too")
    check_integer("num_calibration", num_calibration)
    check_integer("batch_size", batch_size)
    model = float32_twin(model)
    free, left_out = _choose(model, quantization)
    with (
        new_file(path, overwrite=overwrite) as file,
        temporary_folder() as folder,
        Child(CONVERTER) as converter,
    ):
        calls, calibrated_on = [], None
        if quantization == "int8":
            calls, calibrated_on = calibration_calls(model, free, calibration, num_calibration)
        endpoints, traced, data = _plan(free, batch_size, Path(folder), converter)
        calls = split_calls(calls, endpoints)
        if quantization is not None:
            data, sized = _convert(traced, Path(folder), converter, quantization, calls)
            _check_planned(sized)
        built_in, others = operators(data)
        if others:
            raise ExportError(f"operators that LiteRT does not have: {', '.join(others)}")
        metadata = {
            "format": "litert",
            "preset": model.preset,
            "architecture": model.architecture,
            "task": model.task,
            "quantization": quantization,
            "calibration": calibrated_on,
            "signatures": _describe(free, endpoints, traced, model.page_inputs),
            "left_out": left_out,
            "operators": built_in,
            "kerazoo": kerazoo.__version__,
            "tensorflow": tf.__version__,
        }
        file.write_bytes(finish_file(data, metadata))
        metadata["differences"] = check_file(file, free, endpoints, Path(folder), quantization, calls)
        file.write_bytes(finish_file(data, metadata))
        return read_litert_metadata(file)


def _choose(model, quantization):
    """The endpoints that can be converted, and why the others cannot."""
    endpoints = model.endpoints()
    left_out = {name: one.server_only for name, one in endpoints.items() if one.server_only}
    if quantization == "int8":
        left_out |= {name: one.int8 for name, one in endpoints.items() if one.int8 and not one.server_only}
    chosen = {name: one for name, one in endpoints.items() if name not in left_out}
    if not chosen:
        reasons = {reason: [name for name in left_out if left_out[name] == reason] for reason in left_out.values()}
        told = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())
        raise ExportError(f"{model.architecture} has no signature for such a LiteRT file ({told})")
    return chosen, left_out


def _describe(free, endpoints, traced, page_inputs):
    described = describe(endpoints, traced, page_inputs)
    for name, one in described.items():
        rows = {shape[0] for shape in (value.shape for value in endpoints[name].inputs.values()) if shape}
        one |= {"batchable": free[name].batchable, "batch": DYNAMIC if None in rows else next(iter(rows), DYNAMIC)}
    return described


def _plan(endpoints, batch_size, folder, converter):
    """Endpoints, with fixed sizes where they need them; their traces; and the converter's bytes for them in float32."""
    loops = {name: fixed_endpoint(one, batch_size) for name, one in endpoints.items() if one.int8 == LOOP}
    endpoints = {**endpoints, **loops}  # they always need it; for the others the converter's result shows it
    traced = _trace(endpoints)
    data, sized = _convert(traced, folder, converter)
    if sized:
        fixed = {name: fixed_endpoint(endpoints[name], batch_size) for name in sized}
        endpoints |= fixed
        traced |= _trace(fixed)
        data, sized = _convert(traced, folder, converter)
    _check_planned(sized)
    return endpoints, traced, data


def _check_planned(sized):
    if sized:
        raise ExportError(f"signature {sized[0]!r}: LiteRT cannot plan the sizes of its tensors before it runs")


def _trace(endpoints):
    with portable_forms():
        return trace(endpoints)


def _convert(traced, folder, converter, quantization=None, calls=()):
    """The converter's bytes for all signatures, and the names of those that must have fixed sizes."""
    save(traced, folder / "saved_model")
    write_calls(folder / "calibration.npz", calls)
    out = folder / "converted.tflite"

    def attempt(names):
        request = {
            "folder": str(folder / "saved_model"),
            "signatures": list(names),
            "quantization": quantization,
            "calls": str(folder / "calibration.npz") if calls else None,
            "out": str(out),
        }
        outcome = converter.ask(request)
        if number := outcome.get("errno"):
            raise OSError(number, os.strerror(number))
        return outcome

    outcome = attempt(traced)
    if "sized" in outcome:
        return out.read_bytes(), outcome["sized"]
    alone = {name: attempt([name]) if len(traced) > 1 else outcome for name in traced}
    culprits = {name: one["reason"] for name, one in alone.items() if "reason" in one}
    told = [f"signature {name!r} cannot be converted to LiteRT: {reason}" for name, reason in culprits.items()]
    raise ExportError("; ".join(told) or f"the signatures cannot be converted together: {outcome['reason']}")
