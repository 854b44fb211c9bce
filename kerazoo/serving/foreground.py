"""A server that runs until it is told to stop, as `kerazoo serve` does."""

import gc
import signal
import threading

from kerazoo.serving.folders import check_folder
from kerazoo.serving.server import Server, front_doors

_FOR_ALL = ("0.0.0.0", "::", "")  # addresses that let other machines in


def serve(folder, *, say=print, stop=None, **options):
    """Serve the exported models of a folder until SIGINT or SIGTERM, or until `stop` is set.

    In a thread of a notebook or of another server there are no signals, which Python gives to the main thread alone.

    Args:
        folder: str or Path. Holds `MODEL/VERSION/` with `saved_model.pb`.
        say: callable. Called with one line on what is served. Defaults to `print`.
        stop: threading.Event or None. Ends the server when it is set. Defaults to None.
        **options: as for `Server`.

    Raises:
        ServingError: a port is taken, the folder is missing, or no model in it can be loaded.

    Example:
        >>> serve("models/", rest_port=8501, grpc_port=None)
    """
    asked = threading.Event() if stop is None else stop
    heard = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    before = {number: signal.signal(number, lambda *_: asked.set()) for number in heard}
    server = Server(folder, say=say, **options)
    try:
        check_folder(folder)
        front_doors()
        gc.collect()
        gc.freeze()  # imported modules stay; else each unloading would halt requests to walk all of TensorFlow
        server.start()
        for form, port in (("REST http://", server.rest_port), ("gRPC ", server.grpc_port)):
            if port is not None:
                say(f"{form}{server.host}:{port}")
        if server.host in _FOR_ALL and server.rest_port is not None:
            say("REST answers to localhost and this machine's addresses; allow other names: --allowed-host NAME")
        asked.wait()
        say("stopping: running requests are finished")
    finally:
        for number, handler in before.items():  # a second signal ends the process at once
            signal.signal(number, handler)
        server.stop()
