"""A local server of exported models that speaks TensorFlow Serving's REST and gRPC contract, without Docker.

It serves the folders `MODEL/VERSION/` of SavedModels that `kerazoo export` writes, and any other SavedModel. TensorFlow
is imported when a server is made, not before.

Example:
    >>> from kerazoo.serving import serve
    >>> serve("models/", rest_port=8501, grpc_port=8500)  # until Ctrl-C or SIGTERM
"""

_ATTRIBUTES = {"Server": "server", "serve": "foreground", "RequestError": "errors", "ServingError": "errors"}
__all__ = sorted(_ATTRIBUTES)


def __getattr__(name):
    if name not in _ATTRIBUTES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_ATTRIBUTES[name]}"), name)


def __dir__():
    return __all__
