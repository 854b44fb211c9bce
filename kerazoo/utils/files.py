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
    """What an `OSError` means, and what to do."""
    # TensorFlow and HDF5 give the system's words in a message of their own, without its number.
    number = error.errno or next((n for n in _REASONS if os.strerror(n) in str(error)), None)
    return _REASONS.get(number, error.strerror or str(error))


def output_error(path, error):
    """The `OutputError` of one line for an `OSError` met while writing `path`."""
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
def _parents(path):
    """Makes the folders that a path needs; those that it made go again, where they are empty, if the block fails."""
    missing = [parent for parent in path.parents if not parent.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            for parent in missing:
                parent.rmdir()
        raise


@contextlib.contextmanager
def new_file(path, *, overwrite=False):
    """Write a file under a temporary name beside its place and rename it when the block ends well.

    Args:
        path: str or Path. Its folder is made where it is missing.
        overwrite: bool. Whether an existing file may be replaced. Defaults to False.

    Yields:
        Path. The temporary file, with the same suffix.

    Raises:
        OutputError: the file exists, or cannot be written; nothing is left behind.
    """
    path = Path(path)
    with writing(path), _parents(path):
        check_free(path, overwrite=overwrite)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        try:
            yield Path(temporary)
            os.chmod(temporary, 0o666 & ~_umask())  # mkstemp's files are private
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def new_folder(path, *, overwrite=False, owned=()):
    """Fill a folder under a temporary name beside its place and rename it when the block ends well.

    Args:
        path: str or Path. Its parent is made where it is missing.
        overwrite: bool. Whether an existing folder may be replaced. Defaults to False.
        owned: sequence of str. A folder is replaced only if it is empty or holds all these names, so that
            `--overwrite` with a mistyped path cannot take a folder of something else.

    Yields:
        Path. The temporary folder.

    Raises:
        OutputError: the folder exists, is none of ours, or cannot be written; nothing is left behind.
    """
    path = Path(path)
    with writing(path), _parents(path):
        check_free(path, overwrite=overwrite)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            missing = [name for name in owned if not (path / name).exists()]
            if missing or not path.is_dir():
                raise OutputError(f"{path} will not be overwritten: it is not such an output (no {', '.join(missing)})")
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        try:
            yield temporary
            os.chmod(temporary, 0o777 & ~_umask())
            if path.exists():
                replaced = Path(tempfile.mkdtemp(prefix=f".{path.name}-old-", dir=path.parent))
                os.replace(path, replaced / path.name)
                try:
                    os.replace(temporary, path)
                except BaseException:
                    os.replace(replaced / path.name, path)
                    raise
                finally:
                    shutil.rmtree(replaced, ignore_errors=True)
            else:
                os.replace(temporary, path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def sha256(path):
    """Hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _sha256(file)


def _sha256(file):  # Python 3.10 has no file_digest
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
