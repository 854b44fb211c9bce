"""Errors of serving: those of starting a server, those of one request, and the codes of both protocols."""

import enum
import re

from kerazoo.utils.errors import KerazooError


class Code(enum.Enum):
    """The status codes of gRPC; the value is (number in gRPC, TensorFlow Serving's HTTP status for it)."""

    OK = (0, 200)
    CANCELLED = (1, 499)
    UNKNOWN = (2, 500)
    INVALID_ARGUMENT = (3, 400)
    DEADLINE_EXCEEDED = (4, 504)
    NOT_FOUND = (5, 404)
    ALREADY_EXISTS = (6, 409)
    PERMISSION_DENIED = (7, 403)
    RESOURCE_EXHAUSTED = (8, 429)
    FAILED_PRECONDITION = (9, 400)
    ABORTED = (10, 409)
    OUT_OF_RANGE = (11, 400)
    UNIMPLEMENTED = (12, 501)
    INTERNAL = (13, 500)
    UNAVAILABLE = (14, 503)
    DATA_LOSS = (15, 500)
    UNAUTHENTICATED = (16, 401)

    @property
    def number(self):
        """int. The code in gRPC and in `tensorflow.errors`."""
        return self.value[0]

    @property
    def http_status(self):
        """int. The HTTP status that TensorFlow Serving answers with."""
        return self.value[1]


_BY_NUMBER = {code.number: code for code in Code}


class ServingError(KerazooError, RuntimeError):
    """A server cannot start: a port is taken, or the folder has no model."""


class RequestError(KerazooError):
    """One request cannot be answered.

    Args:
        code: Code. What both protocols report.
        message: str. TensorFlow Serving's wording where it has one.
    """

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code

    def __reduce__(self):  # it crosses a process boundary where a large body is parsed
        return type(self), (self.code, str(self))


def invalid(message):
    """The `RequestError` for a request that is wrong in itself."""
    return RequestError(Code.INVALID_ARGUMENT, message)


def from_tensorflow(error):
    """The `RequestError` for a `tf.errors.OpError`: the kernel's own words, or those of an assertion, in one line."""
    message = str(error.message)
    message = message.rpartition("<stack traces unavailable>\n")[2].removeprefix("Graph execution error:\n\n")
    message = re.sub(r"\s*\[Op:[^\]]*\]\s*$", "", message).partition("\n\t [[{{")[0]  # where in the graph it was
    message = " ".join(message.split())
    if asserted := re.fullmatch(r"assertion failed: \[(.*)\]", message):
        message = asserted[1].replace("] [", " ")
    return RequestError(_BY_NUMBER.get(error.error_code, Code.UNKNOWN), message)


def from_exception(error):
    """The `RequestError` for any exception met while a request was answered."""
    if isinstance(error, RequestError):
        return error
    if hasattr(error, "error_code") and hasattr(error, "message"):
        return from_tensorflow(error)
    for kind, code in ((FileNotFoundError, Code.NOT_FOUND), (MemoryError, Code.RESOURCE_EXHAUSTED)):
        if isinstance(error, kind):
            return RequestError(code, str(error) or "not enough memory for this request")
    return RequestError(Code.INTERNAL, f"{type(error).__name__}: {error}")
