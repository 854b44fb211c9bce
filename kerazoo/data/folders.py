"""`folder:PATH`: a tree of image files, in a directory or straight from a zip archive."""

import warnings
from contextlib import ExitStack

import numpy as np

from kerazoo.data.arrays import from_arrays
from kerazoo.data.decoding import common_shape, decode_files
from kerazoo.data.images import wanted_shape
from kerazoo.data.layout import choose, class_folders, split_parts
from kerazoo.data.metadata import Metadata
from kerazoo.data.partly_labelled import without_class
from kerazoo.data.paths import counted, named, printable
from kerazoo.data.schemes import source
from kerazoo.data.tree import Tree
from kerazoo.utils.errors import DataError


class Folder:
    """The image files of a folder or a zip archive, by split, before any is decoded.

    Use it as a context manager; it holds the archive open.

    Args:
        request: a `Request`.

    Attributes:
        parts: dict, split -> list of `Entry`; the only split is "" where no folders are named after splits.

    Raises:
        DataError: as `open_folder`.
    """

    def __init__(self, request):
        self.request = request
        with ExitStack() as stack:  # an archive that turns out to be unusable is closed again
            self._tree = stack.enter_context(Tree(request))
            self._lay_out(self._tree)
            self._close = stack.pop_all().close

    def _lay_out(self, tree):
        request = self.request
        self._report(tree)
        if not tree.images:
            others = f"; left out: {named(tree.left_out)}" if tree.left_out else ""
            looked = "looked for names such as 1.png and 1.jpg, and for files that begin like an image"
            raise DataError(f"{request.spec}: no images in it ({looked}{others})")
        self._metadata = Metadata(request, tree) if tree.tables or request.options.get("label") else None
        self.parts = split_parts(tree.images if self._metadata is None else self._metadata.paths)
        labelled = self._metadata is not None and self._metadata.class_names is not None
        self._classes = [] if labelled else class_folders(request, self.parts)

    def choose(self):
        """Return the files of the requested split, a list of `Entry`; see `kerazoo.data.layout.choose`."""
        return choose(self.request, self.parts)

    def common_shape(self, entries):
        """Return the default shape of the files; see `kerazoo.data.decoding.common_shape`."""
        return common_shape(self.request.spec, [entry.path for entry in entries], self._tree.read)

    def load(self, entries, shape, *, names=None):
        """Decode files.

        Args:
            entries: list of `Entry`.
            shape: (height, width, channels).
            names: sequence of str. The examples' names. Defaults to None, those of the entries.

        Returns:
            A `Source`.
        """
        request, paths = self.request, [entry.path for entry in entries]
        reading = {"size": self._tree.size, "strict": request.strict}
        images, broken = decode_files(request.spec, paths, self._tree.read, shape, **reading)
        names = [entry.name for entry in entries] if names is None else names
        kept = [entry for row, entry in enumerate(entries) if row not in broken]
        arrays = {"image": images}
        if self._classes:
            arrays["label"] = np.asarray([self._classes.index(entry.inner.parts[0]) for entry in kept], np.int64)
        class_names = tuple(printable(name) for name in self._classes) or None
        if self._metadata is not None:
            arrays |= self._metadata.arrays([entry.path for entry in kept])
            class_names = self._metadata.class_names or class_names
        if (unlabelled := request.options.get("unlabelled")) is not None:
            arrays["label"], class_names = without_class(request.spec, arrays.get("label"), class_names, unlabelled)
        return from_arrays(
            arrays,
            name=request.spec,
            split=request.split,
            skipped=[*map(printable, self._tree.left_out), *(printable(paths[row]) for row in broken)],
            names=[name for row, name in enumerate(names) if row not in broken],
            class_names=class_names,
        )

    def _report(self, tree):
        """Name the files that are not images, and the images that cannot be used, which are an error under `strict`."""
        spec = self.request.spec
        if tree.left_out and self.request.strict:
            raise DataError(f"{spec}: files that cannot be used: {named(tree.left_out)}; repair or remove them")
        for files, why in ((tree.left_out, "that cannot be used"), (tree.others, "with no image in it")):
            if files:
                warnings.warn(f"{spec}: left out {counted(len(files), 'file')} {why}: {named(files)}", stacklevel=5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._close()


@source("folder", "PATH", options={"label": "COLUMN", "unlabelled": "CLASS"}, files=Folder)
def open_folder(request):
    """Open a folder or a zip archive of images of any size and mode.

    Layout: one folder per class (its name is the class, files may lie deeper), or files without class folders (no
    label). Outer folders that hold nothing but one folder of folders are skipped. Links to folders are followed,
    each folder is read once. A file is an image by its name or, whatever its name, by its first bytes.

    A `metadata.csv` or `metadata.jsonl` gives each file a row, as Hugging Face's ImageFolder reads it: `file_name` is
    the path from the table's folder, `text` a caption, `label` a class, other columns are attributes. Files without a
    row are left out. The option `label=COLUMN` takes the classes from that column: "folder:emoji.zip,label=skin_tone".

    The option `unlabelled=CLASS` says which folder (or value in the table) holds images that have no label, for models
    that learn from few labels: "folder:photos,unlabelled=rest". Their labels are -1.

    Splits: where the top folders are "train" and "test" (and "validation"), these. Otherwise "test" is the tenth of the
    files whose hashed relative path is divisible by ten, whatever else the folder holds, and "train" the rest.
    "all" is everything.

    Args:
        request: a `Request`. Without `image_shape` the images become squares of the shorter side of the most common
            size, grey if all are; 64 files spread over the tree are looked at. `limit` counts files, broken ones too.

    Returns:
        A `Source` of {"image": uint8 `(n, H, W, C)`, "label": int64 `(n,)` if there are classes, "text": object array
        `(n,)` of str if there are captions}, and an array for each further column, of int64 or float32 where all its
        values are numbers, of str otherwise; in sorted order. Files that cannot be read are left out, listed in
        `source.skipped`, and one warning names the first five with their reasons.

    Raises:
        DataError: there is no such folder, it holds no readable image, it lacks the split, images lie next to class
            folders, a table is broken, or `strict` is set and a file cannot be read or has no row.
    """
    with Folder(request) as folder:
        entries = folder.choose()[: request.limit]
        shape = request.fixed_shape or wanted_shape(request.image_shape, folder.common_shape(entries))
        return folder.load(entries, shape)
