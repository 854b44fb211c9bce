"""`kerazoo export`: from a preset's name to a file, and the lines printed about it."""

from pathlib import Path

from kerazoo.exporting import FORMATS, export_litert, export_version
from kerazoo.presets.loading import load
from kerazoo.utils.errors import ExportError
from kerazoo.utils.litert import DYNAMIC

LITERT_ONLY = ("quantization", "calibration", "batch_size")


def run_export(name, out, format, *, say=print, **options):
    """Export a preset.

    Args:
        name: str or Path. As for `kerazoo.load`.
        out: Path or None. A folder of versions, or a `.tflite` file. Defaults (None) to `models/<preset>` or
            `<preset>.tflite`.
        format: `"saved_model"` or `"litert"`.
        say: callable. Called with each line. Defaults to `print`.
        **options: `overwrite`; for LiteRT also `quantization`, `calibration` and `batch_size`; None is the default.

    Returns:
        Path. The folder or file that was written.

    Raises:
        ExportError: an unknown format, an option of the other format, or an export that differs from Keras.
    """
    if format not in FORMATS:
        raise ExportError(f"--format {format}: one of {', '.join(FORMATS)} is expected")
    litert = FORMATS[format] is export_litert
    given = [f"--{option.replace('_', '-')}" for option in LITERT_ONLY if options.get(option) is not None]
    if given and not litert:
        raise ExportError(f"{', '.join(given)}: only for --format litert")
    if out is not None and not litert and out.suffix == ".tflite":
        raise ExportError(f"--out {out}: a SavedModel is a folder; for a LiteRT file add --format litert")
    model = load(name)
    if litert:
        path = out or Path(f"{model.preset}.tflite")
        given = {key: value for key, value in options.items() if value is not None}
        metadata = export_litert(model, path, **given)
    else:
        options = {key: value for key, value in options.items() if key not in LITERT_ONLY}
        path, metadata = export_version(model, out or Path("models", model.preset), **options)
    for line in describe_export(path, metadata):
        say(line)
    return path


def describe_export(path, metadata):
    """Lines of text: where the export is, its size, and each signature with its largest difference from Keras."""
    size = path.stat().st_size if path.is_file() else sum(f.stat().st_size for f in path.rglob("*") if f.is_file())
    yield f"wrote {path}: {size / 1e6:.2f} MB, checked against Keras"
    fixed = False
    for name, signature in metadata["signatures"].items():
        inputs, outputs = ", ".join(signature["inputs"]), ", ".join(signature["outputs"])
        batch = signature.get("batch", DYNAMIC)
        rows = "" if batch == DYNAMIC else f"; {batch} row{'s' * (batch > 1)} a call"
        fixed |= batch != DYNAMIC
        yield f"  {name}({inputs}) -> {outputs}; largest difference {metadata['differences'][name]:.1e}{rows}"
    if fixed:
        yield "  exactly that many rows, where it says so: LiteRT cannot plan other numbers; --batch-size N sets it"
    for name, reason in metadata.get("left_out", {}).items():
        yield f"  without {name}: {reason}"
