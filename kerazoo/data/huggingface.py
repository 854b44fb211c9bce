"""`hf:PATH`: a data set that Hugging Face's `datasets` saved to disk."""

import warnings

import numpy as np

from kerazoo.data.arrays import from_arrays
from kerazoo.data.decoding import common_shape, decode_files
from kerazoo.data.images import wanted_shape
from kerazoo.data.paths import find_path, named, printable
from kerazoo.data.schemes import source
from kerazoo.data.splits import hold_out
from kerazoo.data.tables import as_classes
from kerazoo.data.text import text_array
from kerazoo.utils.errors import DataError, MissingDependencyError

_SPLITS = {"val": "validation", "valid": "validation", "dev": "validation"}
_KINDS = {"string": "O", "int": "i", "uint": "i", "bool": "i", "float": "f"}  # beginnings of Arrow's names
_LABEL, _TEXT = "label", "text"


@source("hf", "PATH", options={"label": "COLUMN"})
def open_hf(request):
    """Open the images, or else the texts, of a folder that `datasets.Dataset.save_to_disk` wrote.

    The first column of images holds the images; or else "text", or the only column of strings, the texts. The first
    column of classes, or "label", or the one that the option `label=COLUMN` names, holds the labels. With images,
    "text" and all other columns of numbers and strings keep their names; a warning names the columns of anything else.

    Args:
        request: a `Request`. Splits are those of a `DatasetDict`, and "all"; of a single `Dataset`, "test" is every
            tenth example and "train" the others. Images without an `image_shape` become squares, as those of a folder.

    Returns:
        A `Source` of {"image": uint8 `(n, H, W, C)`, "label": int64 `(n,)`, ...}, or {"text": object array `(n,)` of
        str, "label"}.

    Raises:
        MissingDependencyError: `datasets` is not installed.
        DataError: there is no such folder, it is not such a data set, or it holds neither images nor texts.
    """
    tables, divided = _tables(request)
    table = _of_split(request, tables) if divided else tables[""]
    features = dict(table.features)
    images = [column for column, feature in features.items() if type(feature).__name__ == "Image"]
    labels, class_names = _labels(request, tables, table, features)
    arrays = {} if labels is None else {_LABEL: labels}
    kinds = {column: _kind(feature) for column, feature in features.items()}
    others = [column for column in features if column not in (*images[:1], _LABEL)]
    details = {"name": request.spec, "split": request.split, "class_names": class_names}
    details |= {"licence": " ".join((table.info.license or "").split()) or "see the data set's page"}
    if not images:
        request.refuse_images("text")
        strings = [column for column in others if kinds[column] == "O" and (column == _TEXT or _TEXT not in features)]
        if len(strings) != 1:
            raise DataError(
                f"{request.spec} has no column of images and no column 'text' (it has: {', '.join(features)}): "
                "rename the one that holds the texts"
            )
        opened = from_arrays({_TEXT: _column(table, strings[0], "O"), **arrays}, **details)
        return opened if divided else hold_out(request, opened)
    arrays |= {column: _column(table, column, kinds[column]) for column in others if kinds[column]}
    left_out = [column for column in others if not kinds[column]]
    if left_out:
        warnings.warn(
            f"{request.spec}: left out columns that hold no numbers or strings: {named(left_out)}", stacklevel=4
        )
    if "image" in arrays:
        raise DataError(f"{request.spec}: a column called 'image' that holds none would hide the images: rename it")
    rows = from_arrays({"row": np.arange(len(table)), **arrays}, key="row", **details)
    rows = rows if divided else hold_out(request, rows)
    rows = rows if request.limit is None else rows.take(request.limit)
    return _with_images(request, table, images[0], rows, details)


def _with_images(request, table, column, rows, details):
    """Return the source of some rows of a table with their images decoded."""
    import datasets

    stored = table.cast_column(column, datasets.Image(decode=False))
    numbers = {f"row {row}": int(row) for row in rows.arrays["row"]}

    def read(name):
        image = stored[numbers[name]][column]
        if image is None:
            raise ValueError("there is no image")
        if image["bytes"] is not None:
            return image["bytes"]
        with open(image["path"], "rb") as file:
            return file.read()

    names = list(numbers)
    shape = request.fixed_shape or wanted_shape(request.image_shape, common_shape(request.spec, names, read))
    images, broken = decode_files(request.spec, names, read, shape, strict=request.strict)
    kept = np.delete(np.arange(len(names)), list(broken))
    arrays = {key: array[kept] for key, array in rows.arrays.items() if key != "row"}
    skipped = [names[row] for row in broken]
    return from_arrays({"image": images, **arrays}, skipped=skipped, names=[names[row] for row in kept], **details)


def _tables(request):
    """Return (dict split -> Dataset, whether it has splits); {"": Dataset} where it has none."""
    if request.argument.startswith("//"):
        raise DataError(f"{request.spec}: hf:// names a model on the Hub; write hf:PATH for a data set on disk")
    path = find_path(request, request.argument, "folder")
    try:
        import datasets
    except ImportError as error:
        raise MissingDependencyError(f"{request.spec} needs datasets ({error}): pip install 'kerazoo[hf]'") from error
    try:
        loaded = datasets.load_from_disk(str(path))
    except Exception as error:  # Arrow, JSON and the file system raise many types
        raise DataError(
            f"{request.spec}: {printable(path)} cannot be read as a data set that save_to_disk wrote "
            f"({' '.join(str(error).split())[:200]})"
        ) from error
    if not hasattr(loaded, "keys"):
        return {"": loaded}, False
    return {_SPLITS.get(name, name): table for name, table in loaded.items()}, True


def _of_split(request, tables):
    import datasets

    if request.split == "all":
        return datasets.concatenate_datasets(list(tables.values()))
    if request.split not in tables:
        raise request.no_split([*tables, "all"])
    return tables[request.split]


def _labels(request, tables, table, features):
    """Return (int64 labels or None, class names or None)."""
    classes = [column for column, feature in features.items() if type(feature).__name__ == "ClassLabel"]
    wanted = request.options.get(_LABEL)
    if wanted is not None and wanted not in features:
        raise DataError(f"{request.spec} has no column {wanted!r} (it has: {', '.join(features)})")
    column = wanted or next(iter(classes), _LABEL if _LABEL in features else None)
    if column is None:
        return None, None
    kind = _kind(features[column])
    if not kind:
        raise DataError(
            f"{request.spec}: the column {column!r} holds no numbers or strings: take another for the label"
        )
    if column not in classes:  # the classes of all splits, so that a label means the same in each
        values = {name: _column(part, column, kind) for name, part in tables.items()}
        _, names = as_classes(np.concatenate(list(values.values())))
        found = [str(value) for value in _column(table, column, kind)]
        places = {name: place for place, name in enumerate(names)}
        return np.array([places[value] for value in found], np.int64), names
    labels = _column(table, column, kind)
    missing = int((~(labels >= 0)).sum())
    if missing:
        warnings.warn(
            f"{request.spec}[{request.split}]: {missing:,} of {len(labels):,} examples have no {column}, so it is left "
            "out",
            stacklevel=5,
        )
        return None, None
    return labels, tuple(features[column].names)


def _kind(feature):
    """Return "i", "f" or "O" for a column of integers, floats or strings; "" for any other."""
    name = str(getattr(feature, "dtype", "")).removeprefix("large_")
    if type(feature).__name__ not in ("Value", "ClassLabel"):
        return ""
    return next((kind for start, kind in _KINDS.items() if name.startswith(start)), "")


def _column(table, column, kind):
    """Return a column as an int64 or float32 array, or an object array of str; missing values become NaN and ""."""
    values = list(table[column])
    if kind == "O":
        return text_array(["" if value is None else value for value in values])
    gaps = any(value is None for value in values)
    numbers = [np.nan if value is None else value for value in values]
    return np.array(numbers, np.float32 if gaps or kind == "f" else np.int64)
