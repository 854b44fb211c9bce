"""`csv:PATH`: a table of numbers as points."""

import numpy as np

from kerazoo.data.arrays import from_arrays
from kerazoo.data.paths import find_path, printable
from kerazoo.data.schemes import source
from kerazoo.data.splits import hold_out
from kerazoo.data.tables import as_classes, csv_rows, is_number, typed
from kerazoo.data.text import read_text
from kerazoo.utils.errors import DataError

_LABEL = "label"
_LARGEST = float(np.finfo(np.float32).max)


@source("csv", "PATH", options={"label": "COLUMN"})
def open_csv(request):
    """Open a CSV file of numbers: a row is a point, each column one of its coordinates, in the table's order.

    The first line names the columns. Commas, semicolons or tabs separate the values; the file is UTF-8, plain or
    compressed with gzip. The column `label`, or the one that the option `label=COLUMN` names, holds the classes, as
    numbers or words.

    Args:
        request: a `Request`. Splits: "test" is every tenth row, "train" the others, "all" everything.

    Returns:
        A `Source` of {"points": float32 `(n, columns)`, "label": int64 `(n,)` where there is such a column}.

    Raises:
        DataError: there is no such file, it has no header, rows differ in length, or a value is not a finite number.
    """
    if request.fixed_shape is not None:
        raise DataError(f"{request.spec} holds points where images of shape {request.fixed_shape} are asked for")
    path = find_path(request, request.argument, folders=False)
    owner = f"{request.spec}: {printable(path)}"
    columns, rows = csv_rows(owner, read_text(request, path))
    if all(is_number(column) for column in columns):
        raise DataError(f"{owner} has no header: put the columns' names into its first line, such as x,y")
    if not rows:
        raise DataError(f"{owner} has a header and no rows")
    wanted = request.options.get(_LABEL)
    if wanted is not None and wanted not in columns:
        raise DataError(f"{owner} has no column {wanted!r} (it has: {', '.join(columns)})")
    label = wanted or (_LABEL if _LABEL in columns else None)
    numbers = [place for place, column in enumerate(columns) if column != label]
    if not numbers:
        raise DataError(f"{owner} has no column of numbers besides {label!r}")
    points = np.empty((len(rows), len(numbers)), np.float32)
    for row, (line, cells) in enumerate(rows):
        for column, place in enumerate(numbers):
            cell = cells[place].strip()
            if not is_number(cell) or abs(float(cell)) > _LARGEST:
                raise DataError(f"{owner}: line {line:,}, column {columns[place]!r}: {cell!r:.40} is not a number")
            points[row, column] = cell
    arrays, class_names = {"points": points}, None
    if label is not None:
        place = columns.index(label)
        gaps = [line for line, cells in rows if not cells[place].strip()]
        if gaps:
            raise DataError(f"{owner}: line {gaps[0]:,} has no {label}")
        arrays["label"], class_names = as_classes(typed([cells[place].strip() for _, cells in rows]))
    return hold_out(request, from_arrays(arrays, name=request.spec, split=request.split, class_names=class_names))
