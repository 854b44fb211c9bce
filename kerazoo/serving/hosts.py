"""The host names by which a REST request may call the server.

A web page of another site can make a browser ask this server by a name of its own, which it makes resolve to this
machine (DNS rebinding), and read the answers. Such requests have that name in their header `Host`.
"""

import json

LOCAL = ("localhost", "127.0.0.1", "::1")
ANY = "*"


class HostCheck:
    """ASGI middleware that answers requests to foreign names with 403.

    Allowed are this machine's names for itself, the address that the server listens on, the address that the request
    arrived at, and the names in `allowed`.

    Args:
        app: callable. The application behind it.
        allowed: iterable of str. Further names, without port; "*" allows all. Defaults to none.
    """

    def __init__(self, app, allowed=()):
        self.app, self.allowed = app, {name.lower().strip("[]") for name in (*LOCAL, *allowed)}

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or self._fits(scope):
            await self.app(scope, receive, send)
            return
        error = f"Host {_header(scope)!r} is not a name of this server; start it with --allowed-host NAME to allow one"
        body = json.dumps({"error": error}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 403, "headers": [*headers, (b"connection", b"close")]})
        await send({"type": "http.response.body", "body": body})

    def _fits(self, scope):
        name = host_of(_header(scope))
        # Only HTTP/1.0, which no browser uses, allows a request without one.
        return not name or name in self.allowed or ANY in self.allowed or name == (scope.get("server") or ("",))[0]


def host_of(header):
    """The name in a header `Host`, in lower case, without port and brackets.

    Example:
        >>> host_of("Localhost:8501"), host_of("[::1]:8501")
        ('localhost', '::1')
    """
    header = header.strip().lower()
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]


def _header(scope):
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    return ", ".join(values)
