"""Looking up the paths of specs, and walks through folders that end whatever links, pipes and devices they hold."""

import glob
import os
import re
import stat
from pathlib import Path

from kerazoo.utils.errors import DataError

DATA_DIR = "KERAZOO_DATA_DIR"
SPLIT = "{split}"  # stands for the split in a path


def printable(path):
    """Return a path as text that every terminal and file takes; bytes that are not UTF-8 become \\x escapes.

    Example:
        >>> printable("caf\\udce9.png")
        'caf\\\\xe9.png'
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def named(items, limit=5):
    """Return the first few of some names, or of a dict name -> reason, in one line.

    Example:
        >>> named({"a.png": "empty", "b.png": "encrypted"})
        'a.png (empty), b.png (encrypted)'
    """
    reasons = items if isinstance(items, dict) else dict.fromkeys(items)
    shown = [printable(name) + (f" ({why})" if why else "") for name, why in list(reasons.items())[:limit]]
    return ", ".join([*shown, "..."] if len(reasons) > limit else shown)


def counted(num, noun):
    """Return a number with its noun.

    Example:
        >>> counted(1, "file"), counted(1200, "file")
        ('1 file', '1,200 files')
    """
    return f"{num:,} {noun}{'' if num == 1 else 's'}"


def find_path(request, path, noun="file", *, folders=True):
    """Return the place of a path of a spec: as it is written, or else in the folder `KERAZOO_DATA_DIR`.

    Args:
        request: a `Request`, for messages.
        path: str, the path as the spec has it.
        noun: str, default "file". The word for what is looked for.
        folders: bool, default True. Whether a folder will do.

    Returns:
        Path of a folder or a regular file.

    Raises:
        DataError: there is no such file or folder in either place, or it is a pipe or a device, or a folder where only
            a file will do.
    """
    places = [Path(path).expanduser()]
    if os.environ.get(DATA_DIR) and not places[0].is_absolute():
        places.append(Path(os.environ[DATA_DIR]).expanduser() / path)
    for place in places:
        try:
            exists, usable = place.exists(), place.is_file() or (folders and place.is_dir())
        except OSError as error:  # a folder on the way that may not be read, or a name that is too long
            raise DataError(f"{request.spec}: {printable(place)} cannot be opened ({error.strerror})") from error
        if usable:
            return place
        if exists:
            raise DataError(f"{request.spec}: {printable(place)} is {kind_of(place)} where a file is expected")
    looked = " and ".join(printable(place.absolute()) for place in places)
    hint = "" if len(places) > 1 or places[0].is_absolute() else f"; set {DATA_DIR} to a folder that has it"
    raise DataError(f"{request.spec}: no such {noun}; looked for {looked}{hint}")


def splits_of_files(request, path):
    """Return the splits for which there is a file.

    Args:
        request: a `Request`, for messages.
        path: str, a path of a spec; `{split}` in it stands for the split.

    Returns:
        list of str, sorted; none for a path without `{split}`.
    """
    if SPLIT not in path:
        return []
    before, _, after = path.partition(SPLIT)
    folder, slash, start = before.rpartition("/")
    try:
        folder = str(find_path(request, folder or ".")) if slash else "."
    except DataError:
        return []
    pattern = glob.escape(f"{folder}/{start}") + "*" + glob.escape(after)
    named = re.compile(re.escape(f"{folder}/{start}") + "(.+)" + re.escape(after))
    return sorted(match[1] for match in map(named.fullmatch, glob.glob(pattern)) if match)


def walk(root):
    """Return the files below a folder, links to folders followed; each folder is read once.

    Folders that lie below `root` themselves come first, then those that links lead to. A link to a folder that was read
    already, or that holds `root`, would give files twice or without end, and is left out.

    Args:
        root: Path of a folder.

    Returns:
        (files, left_out): the regular files, a list of paths relative to `root`; and a dict, relative path -> reason,
        of everything that is neither such a file nor a folder.
    """
    top = os.path.realpath(root)
    read, files, left_out = {}, [], {}
    waiting = [(root, top)]
    while waiting:
        folder, real = waiting.pop(0)
        if real in read:
            place = "the top" if read[real] == Path() else printable(read[real])
            left_out[folder.relative_to(root)] = f"a link to a folder that is read already, {place}"
            continue
        if folder != root and top.startswith(real.rstrip(os.sep) + os.sep):
            left_out[folder.relative_to(root)] = "a link to a folder that holds this one"
            continue
        read[real] = folder.relative_to(root)
        own, links = [], []
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            left_out[folder.relative_to(root)] = f"the folder cannot be read ({error.strerror})"
            continue
        for entry in entries:
            path = Path(entry.path)
            try:
                mode = entry.stat().st_mode
            except OSError as error:
                reason = "a link that leads nowhere" if entry.is_symlink() else str(error.strerror)
                left_out[path.relative_to(root)] = reason
                continue
            if stat.S_ISDIR(mode):
                (links if entry.is_symlink() else own).append((path, os.path.realpath(path)))
            elif stat.S_ISREG(mode):
                files.append(path.relative_to(root))
            else:
                left_out[path.relative_to(root)] = kind_of(path)
        waiting = own + waiting + links
    return files, left_out


_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def kind_of(path):
    """Return the words for what lies at a path that is not a regular file."""
    return _KINDS.get(stat.S_IFMT(os.stat(path).st_mode), "not a file")
