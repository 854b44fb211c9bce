"""Versions of a model: the folder names that are versions, and the state of one."""

from dataclasses import dataclass
from typing import Any

from kerazoo.serving.errors import Code

START, LOADING, AVAILABLE, UNLOADING, END = "START", "LOADING", "AVAILABLE", "UNLOADING", "END"
LARGEST = 2**63 - 1  # as in TensorFlow Serving
_DIGITS = 19  # of the largest


def version_number(name):
    """The number of a version.

    Args:
        name: str. Of a folder, or from a request.

    Returns:
        int or None. None if the name is not a number from 0 to 2**63 - 1 in ASCII digits.

    Example:
        >>> version_number("0012"), version_number("-4"), version_number("9" * 23)
        (12, None, None)
    """
    digits = name.lstrip("0") or name[:1]
    if not (name.isascii() and name.isdecimal()) or len(digits) > _DIGITS or int(digits) > LARGEST:
        return None
    return int(digits)


@dataclass
class Version:
    """A version of a model, with TensorFlow Serving's states.

    Attributes:
        model: str.
        number: int.
        state: str. START, LOADING, AVAILABLE, UNLOADING or END.
        code: Code. OK, or why it could not be loaded.
        message: str.
        servable: Servable or None. In memory from LOADING's end to UNLOADING's.
        users: int. Number of requests that run on it.
        stamp: tuple. Stamp of its files when it was last tried.
    """

    model: str
    number: int
    state: str = START
    code: Code = Code.OK
    message: str = ""
    servable: Any = None
    users: int = 0
    stamp: tuple = ()
