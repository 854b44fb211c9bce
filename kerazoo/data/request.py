"""`Request`: what a scheme's function is asked for."""

import dataclasses
from collections.abc import Callable, Mapping

from kerazoo.utils.errors import UnknownSplitError


@dataclasses.dataclass(frozen=True)
class Request:
    """What a scheme's function is asked for; the fields are those of `open_source`.

    Attributes:
        spec: the whole spec as printable text, for messages and `source.info.name`.
        argument: what follows the scheme's colon, without the options, or "".
        split, image_shape, download, strict, limit: as in `open_source`, already checked.
        options: dict, name -> text, of what the spec ends with: {"label": "tone"} of "folder:emoji,label=tone".
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
        """The error of data that have other splits.

        Args:
            splits: iterable of str. Their names, or descriptions of them.
            hint: str, default "". Stands behind them in the message.

        Returns:
            An `UnknownSplitError`, to be raised.
        """
        return UnknownSplitError(f"{self.spec} has no split {self.split!r}: it has {', '.join(splits)}{hint}")
