"""Request bodies of any size: small ones are parsed at once, large ones in a separate process.

Python parses JSON in one piece, during which no other thread runs, and keeps the memory that this took. A body of more
than `LARGE` bytes is therefore kept in a temporary file, which a child process turns into arrays: other requests go on,
and the memory is free again when the child ends.
"""

import contextlib
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import zlib

from kerazoo.serving.errors import Code, RequestError
from kerazoo.serving.json_request import decode_predict

SMALL = 1 << 16  # bytes that are parsed on the event loop, in a fraction of a millisecond
LARGE = 1 << 20
MEMORY = 896 << 20  # bytes that a child may use: a few bytes of JSON become very many as Python objects
_PIECE = 1 << 20  # bytes that are decompressed at a time
_GZIP = 16 + zlib.MAX_WBITS  # zlib's number for gzip
_CHILD = "import sys; sys.path[:] = {path!r}; from kerazoo.serving.bodies import child; child({size}, {max_rows})"


class UnreadError(RequestError):
    """A body that is not read to its end: too large, too slow, or damaged. The connection is closed."""


class Room:
    """The memory that all bodies of a server may take together.

    Args:
        most: int. Bytes, uncompressed.
    """

    def __init__(self, most):
        self.most, self.taken = most, 0
        self._lock = threading.Lock()

    def take(self, size):
        """Take more bytes, or give back a negative number of them; an `UnreadError` if there is no room."""
        with self._lock:
            if size > 0 and self.taken + size > self.most:
                raise UnreadError(Code.UNAVAILABLE, "too many large request bodies at the same time: try again")
            self.taken += size


class Body:
    """A body as it arrives.

    Args:
        most: int. Bytes at most, uncompressed.
        room: Room. Where it is held until it is closed.

    Attributes:
        size: int. Bytes so far.
    """

    def __init__(self, most, room):
        self.most, self.room, self.size, self._taken = most, room, 0, 0
        self._file = tempfile.SpooledTemporaryFile(max_size=LARGE)  # noqa: SIM115 (closed in close)
        self._child, self._closed = None, False

    def write(self, chunk):
        """Append bytes; an `UnreadError` if there are more than `most` in all."""
        if self.size + len(chunk) > self.most:
            raise UnreadError(Code.RESOURCE_EXHAUSTED, f"The request body is larger than {self.most} bytes.")
        size = self.size + len(chunk)
        if size > SMALL:  # small ones always have room, so that large ones do not block them
            self.room.take(size - self._taken)
            self._taken = size
        self.size = size
        self._file.write(chunk)

    def end(self):
        """End the body after its last chunk."""

    def read(self):
        """All bytes so far."""
        self._file.seek(0)
        return self._file.read()

    def decode(self, signatures, max_rows):
        """`json_request.decode_predict` of the body; may take long where the body is larger than `SMALL`."""
        if self.size > LARGE:
            return self._decode_in_child(signatures, max_rows)
        try:
            return decode_predict(self.read(), signatures, max_rows)
        except RequestError as error:
            failed = RequestError(error.code, str(error))
        raise failed  # a new error: the caught one's frames hold the whole document, in a cycle

    def close(self):
        """Release the file, and end the child that reads it."""
        self.room.take(-self._taken)
        self._taken = 0
        self._closed = True
        if self._child is not None:
            self._child.kill()
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _decode_in_child(self, signatures, max_rows):
        path = [entry or os.getcwd() for entry in sys.path]
        with tempfile.TemporaryFile() as answer, os.fdopen(os.dup(self._file.fileno()), "r+b") as body:
            body.seek(0, os.SEEK_END)
            pickle.dump(signatures, body)  # after the body, in the same file
            body.flush()
            os.lseek(body.fileno(), 0, os.SEEK_SET)
            command = [sys.executable, "-c", _CHILD.format(path=path, size=self.size, max_rows=max_rows)]
            with subprocess.Popen(command, stdin=body, stdout=answer, stderr=subprocess.PIPE) as self._child:
                if self._closed:
                    self._child.kill()
                said = self._child.stderr.read().decode(errors="replace")
            if self._child.returncode != 0:
                lines = said.strip().splitlines()
                reason = lines[-1] if lines else f"exit status {self._child.returncode}"
                raise RequestError(Code.RESOURCE_EXHAUSTED, f"the body could not be parsed: {reason}")
            answer.seek(0)
            result = pickle.load(answer)
        if isinstance(result, RequestError):
            raise result
        return result


class GzipBody(Body):
    """A compressed body as it arrives, kept uncompressed; one or more members of gzip's format."""

    def __init__(self, most, room):
        super().__init__(most, room)
        self._unpacker = zlib.decompressobj(_GZIP)

    def write(self, chunk):
        while chunk:
            if self._unpacker.eof:
                self._unpacker = zlib.decompressobj(_GZIP)
            try:
                piece = self._unpacker.decompress(chunk, _PIECE)
            except zlib.error as error:
                raise _packed_wrong(str(error)) from None
            if self.size + len(piece) > self.most:
                raise _packed_wrong(f"more than {self.most} bytes")
            super().write(piece)
            chunk = self._unpacker.unused_data if self._unpacker.eof else self._unpacker.unconsumed_tail

    def end(self):
        if not self._unpacker.eof:  # a member's checksum comes last
            raise _packed_wrong("it ends too early")


def _packed_wrong(reason):
    return UnreadError(Code.INVALID_ARGUMENT, f"Failed to uncompress the request body: {reason}")


def child(size, max_rows):
    """Run the child process: `size` bytes of body and the signatures on stdin, the arrays on stdout."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # a system without such limits
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    body, signatures = sys.stdin.buffer.read(size), pickle.load(sys.stdin.buffer)
    try:
        result = decode_predict(body, signatures, max_rows)
    except RequestError as error:
        result = error
    except MemoryError:
        reason = f"as Python's objects it takes more than {MEMORY >> 20} MB; send less at a time, or use gRPC"
        result = RequestError(Code.RESOURCE_EXHAUSTED, f"the body could not be parsed: {reason}")
    pickle.dump(result, sys.stdout.buffer, protocol=5)
