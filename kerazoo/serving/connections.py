"""HTTP connections that end if a client takes too long, or too many bytes, to send its headers."""

import asyncio

from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEADER_SECONDS = 10.0  # from a connection's beginning, or a request's first byte, to the end of its headers
HEADER_BYTES = 1 << 16


class PatientProtocol(AutoHTTPProtocol):  # type: ignore[valid-type, misc]
    """uvicorn's protocol with an end to waiting: by itself it waits for ever for a request's headers."""

    _limit, _heard = None, 0

    def connection_made(self, transport):
        super().connection_made(transport)
        self._wait()

    def data_received(self, data):
        super().data_received(data)
        if self._answering():
            self._done()
            return
        self._wait()
        self._heard += len(data)
        if self._heard > HEADER_BYTES and self.transport is not None:
            self.transport.close()

    def connection_lost(self, exc):
        self._done()
        super().connection_lost(exc)

    def _answering(self):
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self):
        if self._limit is None:
            self._limit = asyncio.get_running_loop().call_later(HEADER_SECONDS, self._end)

    def _done(self):
        self._heard = 0
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _end(self):
        self._limit = None
        if not self._answering() and self.transport is not None:
            self.transport.close()
