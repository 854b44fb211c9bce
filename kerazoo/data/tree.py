"""The image files of a folder or a zip archive: their paths and their bytes."""

import stat
import zipfile
from contextlib import suppress
from pathlib import PurePosixPath

from kerazoo.data.paths import find_path, walk
from kerazoo.utils.errors import DataError

# Files of these names are images, or claim to be: one that cannot be read is an error under `strict`.
EXTENSIONS = tuple(
    f".{name}"
    for name in (
        *("apng", "avif", "avifs", "bmp", "dds", "dib", "exr", "gif", "heic", "heif", "icns", "ico", "j2k", "jfif"),
        *("jp2", "jpe", "jpeg", "jpg", "jpx", "jxl", "pbm", "pcx", "pgm", "png", "pnm", "ppm", "psd", "qoi", "sgi"),
        *("svg", "tga", "tif", "tiff", "webp", "xbm", "xpm"),
    )
)
TABLES = ("metadata.csv", "metadata.jsonl")
# No image file is larger, and a small archive may claim to hold petabytes.
_LARGEST_FILE = 300 * 2**20


class Tree:
    """The files of a folder or a zip archive that `folder:` may use.

    Use it as a context manager; it holds the archive open.

    Args:
        request: a `Request` whose argument is the path.

    Attributes:
        images: sorted list of PurePosixPath, the files that are images by their name or by their first bytes.
        tables: sorted list of PurePosixPath, the files metadata.csv and metadata.jsonl.
        left_out: dict, PurePosixPath -> reason, of images by name that cannot be read, and of links, pipes and devices.
        others: sorted list of PurePosixPath, the files that are not images. Hidden files are not among them.

    Raises:
        DataError: there is no such folder, or it is neither a folder nor a zip archive.
    """

    def __init__(self, request):
        root = find_path(request, request.argument, "folder")
        if root.is_dir():
            self._files = _Folder(root)
        elif zipfile.is_zipfile(root):
            try:
                self._files = _Archive(root)
            except zipfile.BadZipFile as error:
                raise DataError(f"{request.spec}: the zip archive is damaged ({error}): fetch it again") from error
        else:
            raise DataError(
                f"{request.spec}: not a folder and not a zip archive; give the folder that holds the images"
            )
        names = [name for name in self._files.names if not _is_hidden(name)]
        self.left_out = {name: why for name, why in self._files.left_out.items() if not _is_hidden(name)}
        for name in names:
            if name.suffix.lower() in EXTENSIONS and self._files.size(name) > _LARGEST_FILE:
                self.left_out[name] = f"larger than {_LARGEST_FILE // 2**20} MiB"
        names = sorted(name for name in names if name not in self.left_out)
        self.tables = [name for name in names if name.name in TABLES]
        self.images = [name for name in names if name.suffix.lower() in EXTENSIONS or self._begins_like_an_image(name)]
        known = {*self.images, *self.tables}
        self.others = [name for name in names if name not in known]

    def read(self, path):
        """Return the bytes of one of the files."""
        return self._files.read(path)

    def size(self, path):
        """Return the number of bytes of one of the files."""
        return self._files.size(path)

    def close(self):
        self._files.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _begins_like_an_image(self, path):
        """Tell whether a file without an image's name is one: Pillow knows its first bytes and reads its header."""
        from PIL import Image

        Image.init()
        with suppress(Exception), self._files.open(path) as file:  # whatever Pillow raises, it is not an image
            start = file.read(16)
            if any(accept is not None and accept(start) is True for _, accept in Image.OPEN.values()):
                file.seek(0)
                with Image.open(file):
                    return True
        return False


def _is_hidden(path):
    # Hidden files and macOS's "__MACOSX" hold thumbnails and resource forks under image names.
    return any(part.startswith((".", "__MACOSX")) for part in path.parts)


class _Folder:
    """The files of a folder; links to folders are followed, each folder is read once."""

    def __init__(self, root):
        self._root = root
        files, left_out = walk(root)
        self.names = [PurePosixPath(path.as_posix()) for path in files]
        self.left_out = {PurePosixPath(path.as_posix()): reason for path, reason in left_out.items()}

    def size(self, path):
        return (self._root / path).stat().st_size

    def open(self, path):
        return (self._root / path).open("rb")

    def read(self, path):
        return (self._root / path).read_bytes()

    def close(self):
        pass


class _Archive:
    """The files of a zip archive; its reads are safe from several threads."""

    def __init__(self, path):
        self._zip = zipfile.ZipFile(path)
        self._entries, self.left_out = {}, {}
        for entry in self._zip.infolist():
            if entry.is_dir():
                continue
            # Some archivers of Windows write backslashes, and some write absolute paths.
            name = PurePosixPath(entry.filename.replace("\\", "/").lstrip("/"))
            if name in self._entries:
                continue  # a newer version of the same file, appended: the last one counts, as in every unpacker
            if entry.flag_bits & 1:
                self.left_out[name] = "encrypted: unpack the archive with its password and give the folder"
            elif stat.S_ISLNK(entry.external_attr >> 16):
                self.left_out[name] = "a link in an archive"
            else:
                self._entries[name] = self._zip.NameToInfo[entry.filename]
        self.names = list(self._entries)

    def size(self, path):
        return self._entries[path].file_size

    def open(self, path):
        return self._zip.open(self._entries[path])

    def read(self, path):
        return self._zip.read(self._entries[path])

    def close(self):
        self._zip.close()
