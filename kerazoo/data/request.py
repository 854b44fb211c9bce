"""`Request`: the argument of a scheme's function."""

import dataclasses
from collections.abc import Callable, Mapping

from kerazoo.utils.errors import UnknownSplitError


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
