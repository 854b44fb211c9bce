"""`folder:PATH`: a tree of image files, in a directory or straight from a zip archive."""

import hashlib
import os
import warnings
import zipfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

import numpy as np

from kerazoo.data.images import allocate, decode_image, image_size, wanted_shape
from kerazoo.data.order import PARALLEL_CALLS, with_fixed_options
from kerazoo.data.schemes import source
from kerazoo.data.sources import from_arrays
from kerazoo.utils.errors import DataError

_EXTENSIONS = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
_SPLITS = {"train": "train", "test": "test", "validation": "validation", "val": "validation", "valid": "validation"}
_CHUNK = 32  # files decoded in one call: for small images, calling Python costs more than the decoding
_NUM_PROBED = 64  # headers read to choose a shape where none is given


@source("folder", "PATH")
def open_folder(request):
    """Open a folder or a zip archive of images of any size and mode.

    Layout: one folder a class (its name is the class, files may lie deeper), or files without class folders (no label).
    Outer folders that hold nothing but one folder of folders are stepped over.

    Splits: where the top folders are "train" and "test" (and "validation"), these. Otherwise "test" is the tenth of the
    files whose hashed relative path is divisible by ten, whatever else the folder holds, and "train" the rest.
    "all" is everything.

    Args:
        request: a `Request`. Without `image_shape` the images become squares of the shorter side of the most common
            size, grey if all are; 64 files spread over the tree are looked at. `limit` counts files, broken ones too.

    Returns:
        A `Source` of {"image": uint8 `(n, H, W, C)`, "label": int64 `(n,)` if there are classes}, in sorted order.
        Files that cannot be read are left out, listed in `source.skipped`, and one warning names the first five.

    Raises:
        DataError: there is no such folder, it holds no readable image, it lacks the split, images lie beside class
            folders, or `strict` is set and a file cannot be read.
    """
    with ExitStack() as stack:
        paths, read = _open_tree(request, stack)
        parts = _split_parts(_step_in([(path, path) for path in paths]))
        classes = _class_names(request, [file for part in parts.values() for file in part])
        chosen = _choose(request, parts)[: request.limit]
        paths = [path for _, path in chosen]
        shape = request.fixed_shape or wanted_shape(request.image_shape, _common_shape(request, paths, read))
        images, broken = _decode(request, paths, shape, read)
    arrays = {"image": images}
    if classes:
        labels = np.asarray([classes.index(inner.parts[0]) for inner, _ in chosen], np.int64)
        arrays["label"] = np.delete(labels, broken)
    return from_arrays(
        arrays,
        name=request.spec,
        split=request.split,
        skipped=[str(paths[row]) for row in broken],
        class_names=tuple(classes) or None,
    )


def _open_tree(request, stack):
    """Return the sorted relative paths of the image files, and a function path -> bytes."""
    root = Path(request.argument).expanduser()
    if root.is_dir():
        found = [
            (Path(folder) / name).relative_to(root)
            for folder, _, names in os.walk(root, followlinks=True)
            for name in names
        ]
        names = [PurePosixPath(path.as_posix()) for path in found]

        def read(path):
            return (root / path).read_bytes()

    elif zipfile.is_zipfile(root):
        archive = stack.enter_context(zipfile.ZipFile(root))  # its reads are safe from several threads
        names = [PurePosixPath(name) for name in archive.namelist() if not name.endswith("/")]

        def read(path):
            return archive.read(str(path))

    elif root.exists():
        raise DataError(f"{request.spec}: not a folder and not a zip archive; give the folder that holds the images")
    else:
        raise DataError(f"{request.spec}: no such folder; looked for {root.absolute()}")
    # Hidden files and macOS's "__MACOSX" hold thumbnails and resource forks under image names.
    names = [name for name in names if not any(part.startswith((".", "__MACOSX")) for part in name.parts)]
    names = sorted(name for name in names if name.suffix.lower() in _EXTENSIONS)
    if not names:
        raise DataError(f"{request.spec}: no images in it (looked for {', '.join(sorted(_EXTENSIONS))})")
    return names, read


def _step_in(files):
    """Step over outer folders: while all files lie in one folder, and in it within several folders, drop it.

    `files` are pairs (path from here on, path from the root); only the first changes.
    """
    while len({inner.parts[0] for inner, _ in files}) == 1 and all(len(inner.parts) > 2 for inner, _ in files):
        if files[0][0].parts[0].lower() in _SPLITS:
            break
        files = [(PurePosixPath(*inner.parts[1:]), path) for inner, path in files]
    return files


def _split_parts(files):
    """Divide the files by split folders; {"": files} where the top level is not exactly such folders."""
    tops = {inner.parts[0] if len(inner.parts) > 1 else "" for inner, _ in files}
    if not all(top.lower() in _SPLITS for top in tops):
        return {"": files}
    parts = {}
    for inner, path in files:
        split = _SPLITS[inner.parts[0].lower()]
        parts.setdefault(split, []).append((PurePosixPath(*inner.parts[1:]), path))
    return parts


def _class_names(request, files):
    """Return the sorted class folders of all splits together, so that a label means the same in each; [] if none."""
    loose = [path for inner, path in files if len(inner.parts) == 1]
    classes = sorted({inner.parts[0] for inner, _ in files if len(inner.parts) > 1})
    if loose and classes:
        raise DataError(
            f"{request.spec}: {len(loose)} images lie beside {len(classes)} class folders (first: {loose[0]}): "
            "put each into a class folder, or all into one folder"
        )
    return classes


def _choose(request, parts):
    """Return the files of the requested split."""
    if "" in parts:
        files = parts[""]
        held_out = [int(hashlib.sha256(str(inner).encode()).hexdigest(), 16) % 10 == 0 for inner, _ in files]
        parts = {
            "train": [file for file, out in zip(files, held_out, strict=True) if not out],
            "test": [file for file, out in zip(files, held_out, strict=True) if out],
        }
    everything = [file for part in parts.values() for file in part]
    parts = {**parts, "all": sorted(everything, key=lambda file: file[1])}
    if request.split not in parts:
        raise request.no_split(sorted(parts))
    if not parts[request.split]:
        raise DataError(
            f"{request.spec}: none of its {len(parts['all'])} images fall into {request.split!r}: use split 'all', "
            "or folders named train and test"
        )
    return parts[request.split]


def _common_shape(request, paths, read):
    """Return the default shape: a square of the shorter side of the most common size."""
    sizes, greys = Counter(), []
    for row in np.unique(np.linspace(0, len(paths) - 1, _NUM_PROBED).astype(int)):
        try:
            width, height, is_grey = image_size(read(paths[row]))
        except Exception:  # a broken file: `_decode` reports it by name
            continue
        sizes[min(width, height)] += 1
        greys.append(is_grey)
    if not sizes:
        raise DataError(f"{request.spec}: none of the {len(paths)} images can be read (first: {paths[0]})")
    side = sizes.most_common(1)[0][0]
    return side, side, 1 if all(greys) else 3


def _decode(request, paths, shape, read):
    """Decode the files in parallel; return (images, rows of `paths` that could not be read)."""
    import tensorflow as tf

    def decode(start):
        pixels, errors = np.zeros((_CHUNK, *shape), np.uint8), [""] * _CHUNK
        for row, path in enumerate(paths[start : start + _CHUNK]):
            try:
                pixels[row] = decode_image(read(path), shape)
            except Exception as error:  # Pillow raises many types, and one bad file must not end the pass
                errors[row] = " ".join(str(error).split()) or type(error).__name__
        return pixels, np.asarray(errors, object)

    # Pillow releases the interpreter lock while it decodes and resizes.
    chunks = tf.data.Dataset.range(0, len(paths), _CHUNK).map(
        lambda start: tf.numpy_function(decode, [start], [tf.uint8, tf.string]), num_parallel_calls=PARALLEL_CALLS
    )
    images, broken, kept = allocate((len(paths), *shape)), [], 0
    decoded = (pair for chunk in with_fixed_options(chunks).as_numpy_iterator() for pair in zip(*chunk, strict=True))
    for row, (path, (pixels, error)) in enumerate(zip(paths, decoded, strict=False)):  # the last chunk is padded
        if not error:
            images[kept] = pixels
            kept += 1
            continue
        if request.strict:
            raise DataError(f"{request.spec}: {path} cannot be read ({error.decode()}): repair or remove it")
        broken.append(row)
    if not kept:
        raise DataError(f"{request.spec}: none of the {len(paths)} images can be read (first: {paths[0]})")
    if broken:
        names = ", ".join(str(paths[row]) for row in broken[:5]) + (", ..." if len(broken) > 5 else "")
        warnings.warn(
            f"{request.spec}: skipped {len(broken)} of {len(paths)} images that cannot be read: {names}", stacklevel=4
        )
    return images[:kept], broken
