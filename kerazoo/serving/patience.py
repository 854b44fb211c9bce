"""An end to waiting: one thread for everything that waits, since a timer each would be a thread each."""

import contextlib
import threading
import time


class Patience:
    """Calls back whatever has waited for too long.

    Args:
        seconds: float. The time allowed; it is checked four times in that time.

    Example:
        >>> patience = Patience(10.0)
        >>> with patience.of(connection.close):
        ...     connection.read()
    """

    def __init__(self, seconds):
        self.seconds = seconds
        self._waiting, self._closed = {}, threading.Event()
        threading.Thread(target=self._look, name="kerazoo-patience", daemon=True).start()

    @contextlib.contextmanager
    def of(self, callback):
        """Call `callback` if the block takes longer than `seconds`."""
        key = object()
        self._waiting[key] = (time.monotonic() + self.seconds, callback)
        try:
            yield
        finally:
            self._waiting.pop(key, None)

    def close(self):
        """End the thread."""
        self._closed.set()

    def _look(self):
        while not self._closed.wait(self.seconds / 4):
            now = time.monotonic()
            for key, (end, callback) in list(self._waiting.items()):
                if now >= end and self._waiting.pop(key, None):
                    callback()
