"""Which names of folders are versions of a model."""

LARGEST = 2**63 - 1  # as in TensorFlow Serving
_DIGITS = 19  # of the largest


def version_number(name):
    """The number of a version.

    Args:
        name: str. Of a folder, or from a request.

    Returns:
        int or None. None where the name is no number from 0 to 2**63 - 1 in ASCII digits.

    Example:
        >>> version_number("0012"), version_number("-4"), version_number("9" * 23)
        (12, None, None)
    """
    digits = name.lstrip("0") or name[:1]
    if not (name.isascii() and name.isdecimal()) or len(digits) > _DIGITS or int(digits) > LARGEST:
        return None
    return int(digits)
