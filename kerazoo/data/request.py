"""`Request`: the argument of a scheme's function."""

import dataclasses
import warnings
from collections.abc import Callable, Mapping

from kerazoo.data.info import check_integer
from kerazoo.utils.errors import DataError, UnknownSplitError


@dataclasses.dataclass(frozen=True)
class Request:
    """Argument of a scheme's function: a spec and how to open it; the fields are those of `open_source`.

    Attributes:
        spec: the whole spec as printable text, for messages and `source.info.name`.
        argument: what follows the scheme's colon, without the options, or "".
        split, image_shape, download, strict, limit: as in `open_source`, already checked.
        options: dict, name -> text, from the end of the spec: {"label": "tone"} of "folder:emoji,label=tone".
        fixed_shape: the `image_shape` where it is a shape, None where it is a function or None.
    """

    spec: str
    argument: str
    split: str
    image_shape: tuple | Callable | None
    download: bool
    strict: bool
    limit: int | None
    options: Mapping = dataclasses.field(default_factory=dict)

    @property
    def fixed_shape(self):
        return None if callable(self.image_shape) else self.image_shape

    def no_split(self, splits, hint=""):
        """The error for data that have other splits.

        Args:
            splits: iterable of str. Their names, or descriptions of them.
            hint: str, default "". Follows them in the message.

        Returns:
            An `UnknownSplitError`, to be raised.
        """
        return UnknownSplitError(f"{self.spec} has no split {self.split!r}: it has {', '.join(splits)}{hint}")

    def refuse_images(self, noun):
        """Raise a `DataError` where images are asked for.

        Args:
            noun: str. What the source holds instead.
        """
        if self.fixed_shape is not None:
            raise DataError(f"{self.spec} holds {noun} where images of shape {self.fixed_shape} are asked for")

    def integer(self, name, text, minimum=1, maximum=None):
        """A number of the spec.

        Args:
            name: str. The word for it in listings.
            text: str.
            minimum: int, default 1. The smallest that fits.
            maximum: int or None (default). The largest that fits.

        Returns:
            int.

        Raises:
            DataError: the text is anything else.
        """
        number = int(text) if text.isdecimal() and len(text) < 19 else text
        return check_integer(f"{self.spec}: {name}", number, minimum, maximum)

    def left_out(self, lines, why, *, stacklevel):
        """Say what of the data is left out: an error under `strict`, otherwise a warning; nothing without lines.

        Args:
            lines: list of str. What it is, each with its count and names.
            why: str. What they have in common.
            stacklevel: int. As for `warnings.warn`, from the caller.

        Raises:
            DataError: there is something, and `strict` is set.
        """
        if not lines:
            return
        message = f"{self.spec}: left out {why}: {'; '.join(lines)}"
        if self.strict:
            raise DataError(message)
        warnings.warn(message, stacklevel=stacklevel + 1)
