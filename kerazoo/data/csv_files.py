"""`csv:PATH`: a table of numbers as points, or as sequences whose steps are its rows."""

import numpy as np

from kerazoo.data.arrays import from_arrays
from kerazoo.data.paths import find_path, printable
from kerazoo.data.schemes import source
from kerazoo.data.sequences import Sequences
from kerazoo.data.splits import hold_out
from kerazoo.data.tables import as_classes, csv_rows, is_number, typed
from kerazoo.data.text import read_text
from kerazoo.utils.errors import DataError

_LABEL = "label"
_LARGEST = float(np.finfo(np.float32).max)
_OPTIONS = {"label": "COLUMN", "target": "COLUMN", "sequence": "COLUMN", "window": "STEPS"}


@source("csv", "PATH", options=_OPTIONS)
def open_csv(request):
    """Open a CSV file of numbers: a row is a point, each column one of its coordinates, in the table's order.

    The first line names the columns. Commas, semicolons or tabs separate the values; the file is UTF-8, plain or
    compressed with gzip. The column `label`, or the one that the option `label=COLUMN` names, holds the classes, as
    numbers or words; the one of `target=COLUMN` holds numbers that are to be predicted.

    With `sequence=COLUMN` a row is a step in time: rows that have the same value there are a sequence, in the table's
    order. With `window=STEPS` sequences (without `sequence=`, the table) are cut into parts of so many steps, the last
    one of what is left. Labels and targets that do not change within any sequence are those of sequences, others those
    of steps.

    Args:
        request: a `Request`. Splits: "test" is every tenth row or sequence, "train" the others, "all" everything.

    Returns:
        A `Source` of {"points": float32 `(n, columns)`, "label": int64 `(n,)` where there is such a column, "target":
        float32 `(n, 1)` likewise}; or a `Sequences` of {"sequence": float32 `(steps, columns)`, "length", "label": `()`
        or `(steps,)`, "target": `(1,)` or `(steps, 1)`}.

    Raises:
        DataError: there is no such file, it has no header, rows differ in length, a value is not a finite number, or
            there is no such column.
    """
    window = request.integer("window", request.options["window"]) if "window" in request.options else None
    in_time = "sequence" in request.options or window is not None
    request.refuse_images("sequences" if in_time else "points")
    path = find_path(request, request.argument, folders=False)
    owner = f"{request.spec}: {printable(path)}"
    columns, rows = csv_rows(owner, read_text(request, path))
    if all(is_number(column) for column in columns):
        raise DataError(f"{owner} has no header: put the columns' names into its first line, such as x,y")
    if not rows:
        raise DataError(f"{owner} has a header and no rows")
    special = {name: value for name, value in request.options.items() if name != "window"}
    unknown = [column for column in special.values() if column not in columns]
    if unknown:
        raise DataError(f"{owner} has no column {unknown[0]!r} (it has: {', '.join(columns)})")
    if _LABEL in columns:
        special.setdefault(_LABEL, _LABEL)
    others = [column for column in columns if column not in special.values()]
    if not others:
        named = " and ".join(repr(column) for column in columns)
        raise DataError(f"{owner} has no column of numbers besides {named}")
    main = "sequence" if in_time else "points"
    arrays, class_names = {main: _numbers(owner, columns, rows, others)}, None
    if _LABEL in special:
        arrays[_LABEL], class_names = as_classes(typed(_words(owner, columns, rows, special[_LABEL])))
    if "target" in special:
        arrays["target"] = _numbers(owner, columns, rows, [special["target"]])
    details = {"name": request.spec, "split": request.split, "class_names": class_names}
    if not in_time:
        return hold_out(request, from_arrays(arrays, **details))
    steps = [np.arange(len(rows))]
    if "sequence" in special:
        _, first, found = np.unique(
            _words(owner, columns, rows, special["sequence"]), return_index=True, return_inverse=True
        )
        steps = [np.flatnonzero(found.reshape(-1) == index) for index in np.argsort(first)]
    if window is not None:
        steps = [part[start : start + window] for part in steps for start in range(0, len(part), window)]
    return hold_out(request, Sequences(_in_time(arrays, steps), **details))


def _numbers(owner, columns, rows, wanted):
    """Return some columns as float32 `(n, columns)`."""
    places = [columns.index(column) for column in wanted]
    numbers = np.empty((len(rows), len(places)), np.float32)
    for row, (line, cells) in enumerate(rows):
        for column, place in enumerate(places):
            cell = cells[place].strip()
            if not is_number(cell) or abs(float(cell)) > _LARGEST:
                raise DataError(f"{owner}: line {line:,}, column {columns[place]!r}: {cell!r:.40} is not a number")
            numbers[row, column] = cell
    return numbers


def _words(owner, columns, rows, column):
    """Return a column as a list of str, none empty."""
    place = columns.index(column)
    words = [cells[place].strip() for _, cells in rows]
    gaps = [line for (line, _), word in zip(rows, words, strict=True) if not word]
    if gaps:
        raise DataError(f"{owner}: line {gaps[0]:,} has no {column}")
    return words


def _in_time(arrays, steps):
    """Return the entries of rows as those of sequences, each of which is some rows."""
    found = {}
    for key, values in arrays.items():
        parts = [values[rows] for rows in steps]
        of_sequences = key != "sequence" and all((part == part[0]).all() for part in parts)
        found[key] = np.stack([part[0] for part in parts]) if of_sequences else parts
    return found
