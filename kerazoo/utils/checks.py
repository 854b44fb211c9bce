"""Checks of the arguments that many functions take: numbers, seeds, texts. Each names what is wrong in one line."""

import math
import numbers

from kerazoo.utils.errors import ConfigError, DataError

MAX_SEED = 2**31 - 1


def check_integer(name, value, minimum=1, maximum=None, *, error=ConfigError):
    """`value` as an int.

    Args:
        name: str. Its name in the message.
        value: int. Python's or NumPy's; True and False are not accepted.
        minimum: int. The smallest that fits. Defaults to 1.
        maximum: int or None. The largest that fits. Defaults to None, no bound.
        error: type. The error to raise: `ConfigError`, or `DataError` where data are described. Defaults to
            `ConfigError`.

    Returns:
        int.

    Raises:
        ConfigError (or `error`): `value` is anything else.
    """
    integral = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not integral or value < minimum or (maximum is not None and value > maximum):
        allowed = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
        raise error(f"{name} = {value!r}: an integer {allowed} is expected")
    return int(value)


def check_number(name, value, minimum=0.0, *, above=False):
    """`value` as a float; a `ConfigError` unless it is finite and at least `minimum` (above it with `above`)."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
    if not real or value < minimum or (above and value == minimum):
        allowed = f"{'above' if above else 'of at least'} {minimum:g}"
        raise ConfigError(f"{name} = {value!r}: a number {allowed} is expected")
    return float(value)


def check_seed(seed, *, error=ConfigError):
    """`seed` as an int; a `ConfigError` (or `error`) unless it is an integer from 0 to 2**31 - 1."""
    return check_integer("seed", seed, 0, MAX_SEED, error=error)


def check_texts(name, texts, *, blank=True):
    """One text or several, as a list of str.

    Args:
        name: str. Their name in the message.
        texts: str, or sequence of str.
        blank: bool. Whether a text may be empty or only white space. Defaults to True.

    Returns:
        list[str]. At least one.

    Raises:
        DataError: anything else.
    """
    texts = [texts] if isinstance(texts, str) else texts
    if isinstance(texts, bytes) or not hasattr(texts, "__len__") or len(texts) == 0:
        raise DataError(f"{name} = {texts!r:.80}: a string or a list of strings is expected")
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(f"{name}[{index}] is of type {type(text).__name__}: a string is expected")
        if not blank and not text.strip():
            raise DataError(f"{name}[{index}] is empty: leave it out")
    return list(texts)
