"""The registry of data sources: scheme -> function, and `open_source`, which looks a spec up in it."""

import dataclasses
import difflib
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kerazoo.data.arrays import from_arrays
from kerazoo.data.augmentation import augmented
from kerazoo.data.images import check_image_shape, fit_source
from kerazoo.data.info import check_integer
from kerazoo.data.paths import DATA_DIR, printable
from kerazoo.data.request import Request
from kerazoo.data.sources import Source
from kerazoo.utils.errors import DataError, UnknownNameError

_SCHEMES: dict[str, Any] = {}
_OPTION = re.compile(r"(?:(.*),)?(\w+)=([^,]*)", re.DOTALL)
# The scheme that a path without one was probably meant for.
_BY_SUFFIX = {".txt": "text", ".txt.gz": "text", ".csv": "csv", ".csv.gz": "csv", ".npz": "npz"}


@dataclasses.dataclass(frozen=True)
class _Scheme:
    """A registered scheme; the fields are the arguments of `source`."""

    opener: Callable
    argument: str | None
    options: Mapping
    files: Callable | None
    optional: bool

    def listing(self, name):
        """The spec as it is written in lists."""
        return f"{name}:{self.argument}" if self.argument else name


def source(scheme, argument=None, *, options=None, files=None, optional=False):
    """Register the decorated function `Request -> Source` under a scheme.

    Args:
        scheme: str, the part before the colon.
        argument: str or None: the word for what follows it in listings ("NAME"); None (the default) if the scheme
            takes none.
        options: dict or None: the options that may follow the argument, name -> the word for its value: {"label":
            "COLUMN"} allows "folder:photos,label=COLUMN". Default None: no options.
        files: callable or None: the class that lists the scheme's files before they are read, for `paired:`; see
            `kerazoo.data.folders.Folder`. Default None: its examples have no file names.
        optional: bool, default False. Whether the argument may be left out.

    Returns:
        The decorator; it returns the function.

    Example:
        >>> @source("zeros")
        ... def open_zeros(request):
        ...     return from_arrays(np.zeros((8, 2), "float32"), name=request.spec, split=request.split)
        >>> len(open_source("zeros"))
        8
    """

    def register(opener):
        _SCHEMES[scheme] = _Scheme(opener, argument, options or {}, files, optional)
        return opener

    return register


def list_sources():
    """List the kinds of sources.

    Returns:
        list of str: the known specs as they are written, sorted.

    Example:
        >>> list_sources()
        ['adding:T', 'ahead:LENGTH', ..., 'csv:PATH', 'digits', 'folder:PATH', ..., 'xml:DEPTH']
    """
    return sorted(scheme.listing(name) for name, scheme in _SCHEMES.items())


def names_source(name):
    """Tell whether a word of a command line is meant for a data source, known or not, rather than a model.

    Args:
        name: str.

    Returns:
        bool. True for a known scheme, for anything else with a colon but addresses ("hf://me/model"), for a file, and
        for what is almost a scheme's name and no folder.

    Example:
        >>> [names_source(name) for name in ("digits", "fodler:photos", "digit", "dcgan", "hf://me/dcgan")]
        [True, True, True, False, False]
    """
    scheme, colon, rest = name.partition(":")
    if rest.startswith("//"):
        return False
    if scheme in _SCHEMES or colon or any(map(os.path.isfile, _places(name))):
        return True
    return bool(difflib.get_close_matches(scheme, _SCHEMES, cutoff=0.8)) and not os.path.exists(name)


def open_source(spec, *, split="train", image_shape=None, download=False, strict=False, limit=None, augment=()):
    """Open a named source, or wrap arrays as one.

    Args:
        spec: str such as "tfds:mnist", "folder:photos", "folder:photos.zip", "digits", "ring", "grid"; or a `Source`,
            which is returned as it is (shortened where `limit` says so); or a NumPy array or dict of arrays, which
            have no splits.
        split: str, default "train". Most named sources have "train" and "test"; `tfds:` takes all of TFDS's notation
            ("train[:1000]"); `folder:`, `text:` and `pairs:` describe their own.
        image_shape: (height, width, channels); or a function from the data's own to the one wanted, which data other
            than images ignore; or None (default, the data's own). Images of another aspect are cropped about the
            centre, resized with antialiasing, and turned into grey (1) or RGB (3).
        download: bool, default False. Let `tfds:` fetch and prepare a dataset that is not on disk.
        strict: bool, default False. Make an image file that cannot be read an error instead of skipping it.
        limit: int or None (default): keep the first `limit` examples only.
        augment: names of augmentations, such as ("flip", "crop"), or a str of them with commas between; see
            `list_augmentations`. The training stream `Source.batches` is augmented; `Source.epoch`, `Source.sample`
            and the arrays are not, nor are splits whose names begin with "test" or "val". Default (): none.

    Returns:
        A `Source`.

    Raises:
        UnknownNameError: no source or no augmentation has that name.
        DataError: the data are missing, empty or broken, or do not fit the arguments.
        MissingDependencyError: an optional package is needed.

    Example:
        >>> print(open_source("digits", split="test", limit=100))
        digits[test]: 100 images of 8x8x1, uint8 0..255, 10 classes, licence CC BY 4.0
    """
    image_shape = check_image_shape(image_shape)
    limit = limit if limit is None else check_integer("limit", limit, 1)
    if isinstance(spec, Source):
        opened = spec
    elif isinstance(spec, (np.ndarray, Mapping)):
        opened = fit_source(from_arrays(spec), image_shape)
    elif isinstance(spec, (str, os.PathLike)):
        scheme, request = find_scheme(os.fspath(spec), split, image_shape, download, strict, limit)
        opened = scheme.opener(request)
    else:
        raise DataError(f"data of type {type(spec).__name__}: expected one of {', '.join(list_sources())}, or arrays")
    opened = opened if limit is None else opened.take(limit)
    return augmented(opened, augment) if augment and not split.startswith(("test", "val")) else opened


def find_scheme(spec, split="train", image_shape=None, download=False, strict=False, limit=None):
    """Look a spec up.

    Args:
        spec: str.
        split, image_shape, download, strict, limit: as in `open_source`, already checked.

    Returns:
        (scheme, `Request`): the registered functions as attributes `opener` and `files`, and the argument to call them
        with.

    Raises:
        UnknownNameError: no source has that name.
        DataError: the argument is missing or needless, or there is no such option.
    """
    name, colon, argument = spec.partition(":")
    if name not in _SCHEMES:
        raise UnknownNameError(
            f"unknown data source {spec!r}: {_hint(spec)}The sources are {', '.join(list_sources())}"
        )
    scheme = _SCHEMES[name]
    if argument and not scheme.argument:
        raise DataError(f"{spec!r}: nothing may follow {name}: write {name}")
    argument, options = _options(spec, scheme, argument)
    if scheme.argument and not argument and not (scheme.optional and not colon):
        raise DataError(f"{spec!r} does not say which: write {scheme.listing(name)}")
    return scheme, Request(printable(spec), argument, split, image_shape, download, strict, limit, options)


def split_specs(text):
    """Divide specs with commas between them; commas within a path stay.

    Args:
        text: str.

    Returns:
        list of str.

    Example:
        >>> split_specs("folder:cats, big,folder:dogs")
        ['folder:cats, big', 'folder:dogs']
    """
    return re.split(rf",(?=(?:{'|'.join(map(re.escape, _SCHEMES))})(?:[:,]|$))", text)


def _options(spec, scheme, argument):
    """Take the options off the end of an argument; returns (argument, dict)."""
    options = {}
    while scheme.options and (match := _OPTION.fullmatch(argument)) and not any(map(os.path.exists, _places(argument))):
        rest, key, value = match.groups()
        if key not in scheme.options:
            known = ", ".join(f"{name}={word}" for name, word in scheme.options.items())
            raise DataError(f"{spec!r}: no option {key!r}: it takes {known}")
        if key in options or not value.strip():
            raise DataError(f"{spec!r}: write {key}={scheme.options[key]} once")
        argument, options[key] = rest or "", value.strip()
    return argument, options


def _places(path):
    """The places where a path without a scheme may lie."""
    return os.path.expanduser(path), os.path.join(os.environ.get(DATA_DIR) or os.curdir, path)


def _hint(spec):
    """The words on what an unknown spec may have meant."""
    if spec.partition("[")[0] in _SCHEMES:
        return "slices are for tfds: sources, such as tfds:mnist[:1000]. "
    name, colon, argument = spec.partition(":")
    nearest = [f"{known}{colon}{argument}" for known in difflib.get_close_matches(name, _SCHEMES, n=3, cutoff=0.7)]
    if any(map(os.path.exists, _places(spec))):
        suffix = next((suffix for suffix in _BY_SUFFIX if spec.endswith(suffix)), "")
        nearest = [f"{_BY_SUFFIX.get(suffix, 'folder')}:{spec}"]
    elif not nearest and not colon:
        nearest = [f"tfds:{spec}"]  # "mnist" alone is what most people type first
    return f"did you mean {' or '.join(nearest)}? " if nearest else ""
