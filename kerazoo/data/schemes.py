"""The registry of data sources: scheme -> function, and `open_source`, which looks a spec up in it."""

import dataclasses
import difflib
import os
from collections.abc import Callable, Mapping

import numpy as np

from kerazoo.data.images import check_image_shape, fit_source
from kerazoo.data.info import check_integer
from kerazoo.data.sources import Source, from_arrays
from kerazoo.utils.errors import DataError, UnknownNameError, UnknownSplitError

_SCHEMES = {}


@dataclasses.dataclass(frozen=True)
class Request:
    """What a scheme's function is asked for; the fields are those of `open_source`.

    Attributes:
        spec: the whole spec, for messages and `source.info.name`.
        argument: what follows the scheme's colon, or "".
        split, image_shape, download, strict, limit: as in `open_source`, already checked.
        fixed_shape: the `image_shape` where it is a shape, None where it is a function or None.
    """

    spec: str
    argument: str
    split: str
    image_shape: tuple | Callable | None
    download: bool
    strict: bool
    limit: int | None

    @property
    def fixed_shape(self):
        return None if callable(self.image_shape) else self.image_shape

    def no_split(self, splits, hint=""):
        """The error of data that have other splits.

        Args:
            splits: iterable of str. Their names, or descriptions of them.
            hint: str, default "". Stands behind them in the message.

        Returns:
            An `UnknownSplitError`, to be raised.
        """
        return UnknownSplitError(f"{self.spec} has no split {self.split!r}: it has {', '.join(splits)}{hint}")


def source(scheme, argument=None):
    """Register the decorated function `Request -> Source` under a scheme.

    Args:
        scheme: str, what stands before the colon.
        argument: str or None: the word for what stands behind it in listings ("NAME"); None (the default) if the scheme
            takes none.

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
        _SCHEMES[scheme] = (opener, argument)
        return opener

    return register


def list_sources():
    """List the kinds of sources.

    Returns:
        list of str: the known specs as they are written, sorted.

    Example:
        >>> list_sources()
        ['copy', 'digits', 'folder:PATH', 'grid', ..., 'verse']
    """
    return sorted(f"{scheme}:{argument}" if argument else scheme for scheme, (_, argument) in _SCHEMES.items())


def open_source(spec, *, split="train", image_shape=None, download=False, strict=False, limit=None):
    """Open a named source, or wrap arrays as one.

    Args:
        spec: str such as "tfds:mnist", "folder:photos", "folder:photos.zip", "digits", "ring", "grid"; or a `Source`,
            which is returned as it is (shortened where `limit` says so); or a NumPy array or dict of arrays, which
            have no splits.
        split: str, default "train". Most named sources have "train" and "test"; `tfds:` takes all of TFDS's notation
            ("train[:1000]"); `folder:`, `text:` and `pairs:` describe their own.
        image_shape: (height, width, channels); or a function from the data's own to the one wanted, which other data
            than images pass by; or None (default, the data's own). Images of another aspect are cropped about the
            centre, resized with antialiasing, and turned into grey (1) or RGB (3).
        download: bool, default False. Let `tfds:` fetch and prepare a dataset that is not on disk.
        strict: bool, default False. Make an image file that cannot be read an error instead of skipping it.
        limit: int or None (default): keep the first `limit` examples only.

    Returns:
        A `Source`.

    Raises:
        UnknownNameError: no source has that name.
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
        opener, argument = _look_up(os.fspath(spec))
        opened = opener(Request(os.fspath(spec), argument, split, image_shape, download, strict, limit))
    else:
        raise DataError(f"data of type {type(spec).__name__}: expected one of {', '.join(list_sources())}, or arrays")
    return opened if limit is None else opened.take(limit)


def _look_up(spec):
    """Return (function, argument) of a spec."""
    scheme, colon, argument = spec.partition(":")
    if scheme not in _SCHEMES:
        nearest = [f"{name}{colon}{argument}" for name in difflib.get_close_matches(scheme, _SCHEMES, n=3)]
        if os.path.exists(os.path.expanduser(spec)):
            nearest = [f"text:{spec}" if spec.endswith((".txt", ".txt.gz")) else f"folder:{spec}"]
        elif not nearest and not colon:
            nearest = [f"tfds:{spec}"]  # "mnist" alone is what most people type first
        hint = f"did you mean {' or '.join(nearest)}? " if nearest else ""
        raise UnknownNameError(f"unknown data source {spec!r}: {hint}The sources are {', '.join(list_sources())}")
    opener, word = _SCHEMES[scheme]
    if word and not argument:
        raise DataError(f"{spec!r} does not say which: write {scheme}:{word}")
    if argument and not word:
        raise DataError(f"{spec!r}: nothing may follow {scheme}: write {scheme}")
    return opener, argument
