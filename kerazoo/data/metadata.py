"""`metadata.csv` and `metadata.jsonl` next to image files, as Hugging Face's ImageFolder has them."""

import posixpath
from collections import Counter
from pathlib import PurePosixPath

import numpy as np

from kerazoo.data.paths import counted, named, printable
from kerazoo.data.tables import as_classes, csv_rows, json_rows, typed
from kerazoo.data.text import decode_text, text_array
from kerazoo.data.tree import TABLES
from kerazoo.utils.errors import DataError

_FILE, _TEXT, _LABEL = "file_name", "text", "label"
_READERS = {".csv": csv_rows, ".jsonl": json_rows}


class Metadata:
    """A row for each image file.

    The column `file_name` is a path from the folder that the table lies in; `text` holds captions; `label` classes. All
    other columns are attributes.

    Args:
        request: a `Request`. Its option `label` names the column that holds the classes.
        tree: a `Tree`. Files without rows and rows without files are counted and named in one warning.

    Attributes:
        paths: sorted list of PurePosixPath, the images that have a row.
        class_names: tuple of str, or None where no column holds classes.

    Raises:
        DataError: a table is broken or has no column `file_name`, no row has a file, or the column of the classes is
            missing or has gaps; with `strict`, anything that does not fit.
    """

    def __init__(self, request, tree):
        self._spec = request.spec
        rows, repeated = {}, Counter()
        columns = []
        for table in tree.tables:
            for path, row in _rows(request, tree, table):
                columns += [column for column in row if column not in columns]
                if path in rows:
                    repeated[path] += 1
                else:
                    rows[path] = row
        files = set(tree.images)
        self.paths = [path for path in tree.images if path in rows]
        if tree.tables:
            self._report(request, repeated, [path for path in rows if path not in files], files - set(rows))
        if not self.paths:
            tables = named(tree.tables) or f"any {' or '.join(TABLES)}"
            raise DataError(f"{request.spec}: no row of {tables} names one of the {len(files):,} images")
        self._rows = {path: row for row, path in enumerate(self.paths)}
        texts = {column: [rows[path].get(column, "") for path in self.paths] for column in columns}
        self.class_names = None
        self._columns = {}
        label = request.options.get(_LABEL, _LABEL if _LABEL in texts else None)
        if "image" in texts:
            raise DataError(f"{request.spec}: a column called 'image' would hide the images: give it another name")
        if label is not None:
            self._columns[_LABEL], self.class_names = self._classes(label, texts)
        for column, values in texts.items():
            if column != _LABEL:
                self._columns[column] = text_array(values) if column == _TEXT else typed(values)

    def arrays(self, paths):
        """Return the columns of some of the images, a dict of arrays: "label", "text", and the attributes."""
        chosen = np.array([self._rows[path] for path in paths], np.int64)
        return {column: values[chosen] for column, values in self._columns.items()}

    def _classes(self, column, texts):
        if column not in texts:
            raise DataError(f"{self._spec}: no column {column!r} in the metadata (it has: {', '.join(texts)})")
        gaps = [path for path, value in zip(self.paths, texts[column], strict=True) if not value.strip()]
        if gaps:
            raise DataError(f"{self._spec}: {counted(len(gaps), 'image')} without a {column}: {named(gaps)}")
        return as_classes(typed(texts[column]))

    def _report(self, request, repeated, rows_alone, files_alone):
        found = [
            (sum(repeated.values()), "row", "named a file again", repeated),
            (len(rows_alone), "row", "named a file that is missing", rows_alone),
            (len(files_alone), "image", "had no row", sorted(files_alone)),
        ]
        lines = [f"{counted(count, noun)} {what}: {named(list(names))}" for count, noun, what, names in found if count]
        request.left_out(lines, "what does not fit in the metadata", stacklevel=5)


def _rows(request, tree, table):
    """Return pairs (path of an image, dict column -> text) of a table."""
    owner = f"{request.spec}: {printable(table)}"
    columns, rows = _READERS[table.suffix](owner, decode_text(owner, tree.read(table)))
    if _FILE not in columns:
        raise DataError(
            f"{owner} has no column {_FILE!r} (it has: {', '.join(columns)}): rename the one of the paths, or the file"
        )
    found = []
    for _, cells in rows:
        row = dict(zip(columns, cells, strict=True))
        path = PurePosixPath(posixpath.normpath(table.parent / row.pop(_FILE).strip()))
        found.append((path, row))
    return found
