"""Writing files and folders whole or not at all, and never over a user's work unless asked."""

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from kerazoo.utils.errors import OutputError

_REASONS = {
    errno.ENOSPC: "no space is left on the disk; free some, or choose another place",
    errno.EDQUOT: "the disk quota is used up; free some, or choose another place",
    errno.EFBIG: "the file would be larger than allowed here",
    errno.EACCES: "permission denied; choose a folder that you may write to",
    errno.EPERM: "permission denied; choose a folder that you may write to",
    errno.EROFS: "the file system is read-only; choose another place",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EEXIST: "a part of the path is a file, not a folder",
    errno.ENAMETOOLONG: "the name is too long",
}


def reason(error):
    """The meaning of an `OSError`, and what to do."""
    # TensorFlow and HDF5 put the system's words into messages of their own, without its error number.
    number = error.errno or next((n for n in _REASONS if os.strerror(n) in str(error)), None)
    return _REASONS.get(number, error.strerror or str(error))


def output_error(path, error):
    """The one-line `OutputError` for an `OSError` met while writing `path`."""
    return OutputError(f"cannot write {path}: {reason(error)}")


@contextlib.contextmanager
def writing(path):
    """Turn an `OSError` inside the block into an `OutputError` that names `path`."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise output_error(path, error) from error


def check_free(path, *, overwrite=False):
    """Raise an `OutputError` if `path` exists and may not be replaced."""
    if Path(path).exists() and not overwrite:
        raise OutputError(f"{path} exists already; choose another name, or pass --overwrite (overwrite=True)")


@contextlib.contextmanager
def new_parents(path):
    """Make the folders that a path needs; if the block fails, those that it made and that are empty are removed."""
    missing = [parent for parent in path.parents if not parent.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            for parent in missing:
                parent.rmdir()
        raise


# === Temporary places ===

TEMPORARY = ".kerazoo-"  # what their names begin with
_OLD = ".old"  # inside one: what is being replaced


@contextlib.contextmanager
def locked(folder):
    """Hold a folder: yields True, False where another process (or another call here) holds it, None without locks.

    The lock belongs to the folder, whatever its name, and ends with the process. Windows and some file systems have no
    locks of folders.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield None
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                yield None  # a file system without locks
                return
            yield False
            return
        yield True
    finally:
        os.close(handle)


@contextlib.contextmanager
def temporary_folder(parent=None):
    """A folder that is removed after the block; those of killed processes are removed when the next one is made there.

    Args:
        parent: str, Path or None. Where to make it; it must exist. Defaults to None, the system's temporary folder.

    Yields:
        Path.
    """
    parent = Path(parent or tempfile.gettempdir())
    _sweep(parent)
    with contextlib.ExitStack() as stack:
        folder = None
        while folder is None:  # another process may sweep it away before it is held
            made = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=parent))
            stack.callback(shutil.rmtree, made, ignore_errors=True)
            with contextlib.suppress(FileNotFoundError):
                folder = None if stack.enter_context(locked(made)) is False else made
        yield folder


def _sweep(parent):
    """Remove temporary folders that no process holds, and put back what was about to be replaced."""
    for left in parent.glob(f"{TEMPORARY}????????"):
        with contextlib.suppress(OSError), locked(left) as free:  # it belongs to another user
            if not free:  # without locks, nobody knows
                continue
            for old in (left / _OLD).glob("*"):
                if not (parent / old.name).exists():
                    os.replace(old, parent / old.name)
            shutil.rmtree(left, ignore_errors=True)


# === Whole or not at all ===


@contextlib.contextmanager
def new_file(path, *, overwrite=False):
    """Write a file under a temporary name and rename it when the block succeeds.

    Args:
        path: str or Path. Its folder is made where it is missing.
        overwrite: bool. Whether an existing file may be replaced, even one made in the meantime. Defaults to False.

    Yields:
        Path. The temporary file: the same name, in a temporary folder next to its final place.

    Raises:
        OutputError: the file exists, or cannot be written; nothing is left behind.
    """
    path = Path(path)
    with writing(path), new_parents(path):
        check_free(path, overwrite=overwrite)
        with temporary_folder(path.parent) as folder:
            temporary = folder / path.name
            temporary.touch()
            yield temporary
            if overwrite:
                os.replace(temporary, path)
            elif not take_name(temporary, path):
                check_free(path)


@contextlib.contextmanager
def new_folder(path, *, overwrite=False, owned=()):
    """Fill a folder under a temporary name and rename it when the block succeeds.

    Args:
        path: str or Path. Its parent is made where it is missing.
        overwrite: bool. Whether a folder may be replaced, even one made in the meantime. Defaults to False.
        owned: sequence of str. A folder is replaced only if it is empty or holds all these names, so that `--overwrite`
            with a mistyped path cannot replace an unrelated folder.

    Yields:
        Path. The temporary folder: the same name, in a temporary folder next to its final place.

    Raises:
        OutputError: the folder exists, does not hold the names `owned`, or cannot be written; nothing is left behind.
    """
    path = Path(path)
    with writing(path), new_parents(path):
        check_free(path, overwrite=overwrite)
        check_owned(path, owned)
        with temporary_folder(path.parent) as folder:
            temporary = folder / path.name
            temporary.mkdir()
            yield temporary
            if take_name(temporary, path):
                return
            check_free(path, overwrite=overwrite)
            check_owned(path, owned)
            replaced = folder / _OLD / path.name
            replaced.parent.mkdir()
            os.replace(path, replaced)
            try:
                os.replace(temporary, path)
            except BaseException:
                os.replace(replaced, path)
                raise


def check_owned(path, owned):
    """Raise an `OutputError` unless `path` is free, an empty folder, or a folder that holds all the names `owned`."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        missing = [name for name in owned if not (path / name).exists()]
        if missing or not path.is_dir():
            raise OutputError(f"{path} will not be overwritten: it is not such an output (no {', '.join(missing)})")


def take_name(temporary, path):
    """Rename a file or folder to `path` unless something is there; returns whether it has the name now."""
    if os.path.lexists(path):
        return False
    try:
        if temporary.is_dir():
            os.rename(temporary, path)  # a rename never replaces a folder that holds anything
        else:
            os.link(temporary, path)  # and not a rename, which replaces a file
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR) and os.path.lexists(path):
            return False
        if temporary.is_dir() or error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK):
            raise
        os.replace(temporary, path)  # a file system without hard links
    return True


def sha256(path):
    """Hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _sha256(file)


def _sha256(file):  # Python 3.10 has no file_digest
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()
