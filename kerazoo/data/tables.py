"""Tables in text: rows of CSV and of JSON lines, and columns of numbers or texts as arrays."""

import csv
import io
import json
import re

import numpy as np

from kerazoo.utils.errors import DataError

_INTEGER = re.compile(r"[+-]?(0|[1-9]\d{0,17})")  # "007" is a name, not a number
_NUMBER = re.compile(r"[+-]?(?!0\d)(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DELIMITERS = ",;\t"


def csv_rows(owner, text):
    """Read CSV with a header, separated by commas, semicolons or tabs (whichever the header has most of).

    Args:
        owner: str, the file's name in messages.
        text: str.

    Returns:
        (columns, rows): list of str, and a list of (line number, list of str, one per column). Blank lines are left
        out.

    Raises:
        DataError: no header, two columns with the same name, a row that is longer or shorter than the header, or bad
            quoting.
    """
    header, _, _ = text.partition("\n")
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    columns, rows = None, []
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if columns is None:
                columns = [cell.strip() for cell in row]
                continue
            if len(row) != len(columns):
                raise DataError(
                    f"{owner}: line {reader.line_num:,} has {len(row)} values where the header names {len(columns)}"
                )
            rows.append((reader.line_num, row))
    except csv.Error as error:
        raise DataError(f"{owner}: line {reader.line_num:,} cannot be read as CSV ({error})") from error
    if columns is None:
        raise DataError(f"{owner} is empty: a first line with the columns' names is expected")
    repeated = sorted({column for column in columns if columns.count(column) > 1})
    if repeated:
        raise DataError(f"{owner}: two columns are called {repeated[0]!r}: give each a name of its own")
    return columns, rows


def json_rows(owner, text):
    """Read JSON lines, one object per line.

    Args:
        owner: str, the file's name in messages.
        text: str.

    Returns:
        (columns, rows) as of `csv_rows`; numbers and booleans as their text, lists and objects as JSON, and "" for null
        and for keys that a line lacks.

    Raises:
        DataError: a line is not a JSON object.
    """
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"{owner}: line {number:,} is not JSON ({error})") from error
        if not isinstance(row, dict):
            raise DataError(f'{owner}: line {number:,} is not a JSON object such as {{"file_name": "1.png"}}')
        found.append((number, row))
    columns = list(dict.fromkeys(key for _, row in found for key in row))
    return columns, [(number, [_cell(row.get(column)) for column in columns]) for number, row in found]


def is_number(text):
    """Tell whether a text is a finite number, "1", "-2.5", "1e-3"; "nan", "1,5" and "" are not."""
    return _NUMBER.fullmatch(text) is not None and bool(np.isfinite(float(text)))


def typed(values):
    """Return texts as int64 `(n,)` if all are integers, as float32 if all are numbers, else as an object array of str.

    Example:
        >>> typed(["1", "20"]).dtype.name, typed(["1", "2.5"]).dtype.name, typed(["1", "x"]).dtype.name
        ('int64', 'float32', 'object')
    """
    stripped = [value.strip() for value in values]
    if all(_INTEGER.fullmatch(value) for value in stripped):
        return np.array([int(value) for value in stripped], np.int64)
    # Longer integers are names such as serial numbers; as floats, different ones would become equal.
    if all((is_number(value) and not value.lstrip("+-").isdigit()) or _INTEGER.fullmatch(value) for value in stripped):
        return np.array([float(value) for value in stripped], np.float32)
    array = np.empty(len(values), object)
    array[:] = values
    return array


def as_classes(values):
    """Return values as labels.

    Args:
        values: array `(n,)` of numbers or str.

    Returns:
        (labels, names): int64 array `(n,)`, and a tuple of str. Classes are sorted, numbers by their value.

    Example:
        >>> as_classes(np.array([10, 9, 10]))
        (array([1, 0, 1]), ('9', '10'))
    """
    names, labels = np.unique(values, return_inverse=True)
    return labels.reshape(-1).astype(np.int64), tuple(str(name) for name in names)


def _cell(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()  # JSON may hold halves of surrogate pairs, which cannot be encoded
