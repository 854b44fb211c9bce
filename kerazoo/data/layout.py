"""The division of a tree of image files into splits and classes, by the names of its folders."""

import os
from pathlib import PurePosixPath
from typing import NamedTuple

from kerazoo.data.paths import printable
from kerazoo.data.splits import is_held_out
from kerazoo.utils.errors import DataError

_SPLITS = {"train": "train", "test": "test", "validation": "validation", "val": "validation", "valid": "validation"}


class Entry(NamedTuple):
    """An image file.

    Attributes:
        inner: PurePosixPath without the outer folders and the split's, "cat/1.png" of "photos/train/cat/1.png".
        path: PurePosixPath from the root.
    """

    inner: PurePosixPath
    path: PurePosixPath

    @property
    def name(self):
        """The inner path without its suffix, which the two files of a pair have in common."""
        return printable(self.inner.with_suffix(""))


def split_parts(paths):
    """Divide files by folders named after splits.

    Args:
        paths: list of PurePosixPath.

    Returns:
        Dict, split -> list of `Entry`; {"": all of them} where the folders at the top are not exactly such folders.
    """
    entries = _step_in([Entry(path, path) for path in paths])
    tops = {entry.inner.parts[0] if len(entry.inner.parts) > 1 else "" for entry in entries}
    if not all(top.lower() in _SPLITS for top in tops):
        return {"": entries}
    parts = {}
    for inner, path in entries:
        split = _SPLITS[inner.parts[0].lower()]
        parts.setdefault(split, []).append(Entry(PurePosixPath(*inner.parts[1:]), path))
    return parts


def choose(request, parts):
    """Return the files of the requested split, a list of `Entry`.

    Raises:
        UnknownSplitError: there is no such split.
        DataError: it is empty.
    """
    if "" in parts:
        held_out = [entry for entry in parts[""] if _is_held_out(entry)]
        kept = set(held_out)
        parts = {"train": [entry for entry in parts[""] if entry not in kept], "test": held_out}
    everything = [entry for part in parts.values() for entry in part]
    parts = {**parts, "all": sorted(everything, key=lambda entry: entry.path)}
    if request.split not in parts:
        raise request.no_split(sorted(parts))
    if not parts[request.split]:
        raise DataError(
            f"{request.spec}: none of its {len(parts['all'])} images fall into {request.split!r}: use split 'all', "
            "or folders named train and test"
        )
    return parts[request.split]


def class_folders(request, parts):
    """Return the sorted class folders of all splits together, so that a label means the same in each; [] if none.

    Raises:
        DataError: images lie next to class folders.
    """
    entries = [entry for part in parts.values() for entry in part]
    loose = [entry.path for entry in entries if len(entry.inner.parts) == 1]
    classes = sorted({entry.inner.parts[0] for entry in entries if len(entry.inner.parts) > 1})
    if loose and classes:
        raise DataError(
            f"{request.spec}: {len(loose)} images lie beside {len(classes)} class folders "
            f"(first: {printable(loose[0])}): put each into a class folder, or all into one folder"
        )
    return classes


def _is_held_out(entry):
    return is_held_out(os.fsencode(entry.inner))


def _step_in(entries):
    """Drop outer folders: while all files lie in folders of one folder, and it is not a split's, drop that one."""
    while len({inner.parts[0] for inner, _ in entries}) == 1 and all(len(inner.parts) > 2 for inner, _ in entries):
        if entries[0].inner.parts[0].lower() in _SPLITS:
            break
        entries = [Entry(PurePosixPath(*inner.parts[1:]), path) for inner, path in entries]
    return entries
