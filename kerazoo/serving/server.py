"""The server: a repository of models, a thread that watches their folder, and the two protocols."""

import contextlib
import functools
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

from kerazoo.serving.errors import ServingError
from kerazoo.serving.folders import check_folder
from kerazoo.serving.limits import Limits
from kerazoo.serving.repository import Repository
from kerazoo.utils.errors import MissingDependencyError

_RPC_THREADS = 128  # calls that wait for their batch at the same time; more wait in gRPC


class Server:
    """Serves the exported models of a folder over REST and gRPC, as TensorFlow Serving does.

    The newest version of each model is served, and the versions that `MODEL/labels.json` names (`{"stable": 1}`). The
    folder is read again every `poll_seconds`: a new version is loaded and warmed up, then takes over; one that is
    broken is reported in its status, and the one before goes on serving.

    Args:
        folder: str or Path. Holds `MODEL/VERSION/` with `saved_model.pb`.
        host: str. The address to listen on. Defaults to "127.0.0.1": this machine only.
        rest_port: int or None. 0 takes a free one, None switches REST off. Defaults to 8501.
        grpc_port: int or None. The same for gRPC. Defaults to 8500.
        batching: bool. Whether requests that wait at the same time run as one. Defaults to True.
        max_batch_size: int. Rows of such a run, at most. Defaults to 64.
        batch_timeout_micros: int. How long the first request waits for others. Defaults to 1000.
        num_batch_threads: int or None. Runs of one model at the same time; half as many for one signature. Defaults to
            None: as many as there are CPUs, and at least 2.
        max_queued: int. Requests of one version that may wait; more are refused with UNAVAILABLE. Defaults to 1024.
        poll_seconds: float. Defaults to 2.0.
        labels: dict or None. Model -> label -> version; overrides `labels.json`. Defaults to None.
        max_rows: int. Rows of one request. Defaults to 4096.
        max_length: int. Characters of a text, or tokens of a row. Defaults to 8192.
        max_request_mb: int. Megabytes of a request's arrays, and of its answer's. Defaults to 16.
        max_seconds: float. How long a request may take. Defaults to 60.0.
        allowed_hosts: iterable of str. Names, besides localhost and the address that is listened on, by which REST
            requests may call the server in their header `Host`; "*" allows all. Defaults to none.
        grace_seconds: float. How long `stop` waits for running requests. Defaults to 30.0.
        say: callable. Called with a line for each load and unload. Defaults to doing nothing.

    Attributes:
        rest_port, grpc_port: int or None. The ports in use, once started.

    Raises:
        ServingError: from `start`; a port is taken, the folder is missing, or no model in it can be loaded.
        MissingDependencyError: FastAPI, uvicorn or prometheus_client is not installed.

    Example:
        >>> with Server("models", rest_port=0, grpc_port=None) as server:
        ...     print(f"http://127.0.0.1:{server.rest_port}/v1/models")
    """

    def __init__(
        self,
        folder,
        *,
        host="127.0.0.1",
        rest_port=8501,
        grpc_port=8500,
        batching=True,
        max_batch_size=64,
        batch_timeout_micros=1000,
        num_batch_threads=None,
        max_queued=1024,
        poll_seconds=2.0,
        labels=None,
        max_rows=4096,
        max_length=8192,
        max_request_mb=16,
        max_seconds=60.0,
        allowed_hosts=(),
        grace_seconds=30.0,
        say=lambda line: None,
    ):
        num_batch_threads = max(2, os.cpu_count() or 1) if num_batch_threads is None else num_batch_threads
        least = {"max_batch_size": (max_batch_size, 1), "batch_timeout_micros": (batch_timeout_micros, 0)}
        least |= {"num_batch_threads": (num_batch_threads, 1), "max_queued": (max_queued, 1)}
        least |= {"max_rows": (max_rows, 1), "max_length": (max_length, 1), "max_request_mb": (max_request_mb, 1)}
        least |= {"max_seconds": (max_seconds, 0.01), "poll_seconds": (poll_seconds, 0.01)}
        for option, (value, bound) in least.items():
            if not value >= bound:
                raise ServingError(f"{option} = {value}: {bound} or more is expected")
        self.folder, self.host, self.rest_port, self.grpc_port = folder, host, rest_port, grpc_port
        self.poll_seconds, self.labels, self.grace_seconds, self.say = poll_seconds, labels, grace_seconds, say
        self.repository = self.metrics = None
        self.limits = Limits(max_rows, max_length, max_request_mb, max_seconds)
        self.allowed_hosts = tuple(allowed_hosts)
        self._batching = {
            "max_batch_size": max_batch_size,
            "join": batching,
            "timeout": batch_timeout_micros / 1e6,
            "threads": num_batch_threads,
            "capacity": max_queued,
        }
        self._stack = contextlib.ExitStack()  # what `stop` undoes, in reverse order

    def start(self):
        """Load the models, then open the ports; returns the server."""
        check_folder(self.folder)
        with self._stack:  # a failure undoes what was started
            for port in {self.rest_port, self.grpc_port} - {None}:  # before models are loaded in vain
                self._listen(port).close()
            metrics_module, rest, rpc = front_doors()
            self.metrics = metrics_module.Metrics(lambda: self.repository)
            self.repository = Repository(self.folder, self._load, labels=self.labels, say=self.say)
            self._stack.callback(self.repository.close, self.grace_seconds)
            self._load_first()
            self._start_polling()
            if self.grpc_port is not None:
                self.grpc_port = self._start_grpc(rpc)
            if self.rest_port is not None:
                self.rest_port = self._start_rest(rest)
            self._stack = self._stack.pop_all()
        return self

    def stop(self):
        """Refuse new requests, finish the running ones, unload the models."""
        self._stack.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def _load(self, path, name):
        from kerazoo.serving.servable import Servable

        def observe(signature, rows):
            self.metrics.rows.labels(name, signature).observe(rows)

        return Servable(path, limits=self.limits, observe=observe, name=name, **self._batching)

    def _load_first(self):
        self.repository.poll()
        if not self.repository.available():
            tried = [self.repository.status(name)[0] for name in sorted(self.repository.models)]
            reasons = [f"{one.model}, version {one.number}: {' '.join(one.message.split())}" for one in tried]
            raise ServingError(f"no model of {self.folder} can be loaded; {next(iter(reasons), 'none can be read')}")

    def _start_polling(self):
        done = threading.Event()

        def poll():
            while not done.wait(self.poll_seconds):
                try:
                    self.repository.poll()
                except Exception as error:  # such as a folder that vanished while it was read; the next poll sees
                    with contextlib.suppress(OSError):  # perhaps nobody is left to read it
                        self.say(f"{self.folder}: {error}")

        thread = threading.Thread(target=poll, name="kerazoo-poll", daemon=True)
        thread.start()
        self._stack.callback(thread.join)
        self._stack.callback(done.set)

    def _listen(self, port):
        """A listening socket; `create_server` allows a port whose last owner has just ended."""
        try:
            family = socket.getaddrinfo(self.host, port, type=socket.SOCK_STREAM)[0][0]
            return socket.create_server((self.host, port), family=family)
        except (OSError, OverflowError) as error:
            number = getattr(error, "errno", None) or 0  # create_server adds to the text; resolver errors lack numbers
            reason = os.strerror(number) if number > 0 else getattr(error, "strerror", str(error))
            raise ServingError(
                f"cannot listen on {self.host}:{port}: {reason.lower()}; stop what uses it, or choose another port"
            ) from None

    def _start_rest(self, rest):
        import uvicorn

        from kerazoo.serving.connections import PatientProtocol

        listener = self._listen(self.rest_port)
        self._stack.callback(listener.close)
        app = rest.make_app(self.repository, self.metrics, self.limits, (self.host, *self.allowed_hosts))
        options = {"log_config": None, "access_log": False, "lifespan": "off", "ws": "none", "http": PatientProtocol}
        config = uvicorn.Config(app, timeout_graceful_shutdown=int(self.grace_seconds), **options)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), name="kerazoo-rest", daemon=True)
        thread.start()
        self._stack.callback(thread.join)
        self._stack.callback(functools.partial(setattr, server, "should_exit", True))
        while not server.started and thread.is_alive():
            thread.join(0.005)
        return listener.getsockname()[1]

    def _start_grpc(self, rpc):
        import grpc

        options = [("grpc.max_receive_message_length", self.limits.message_bytes)]
        options += [("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)]
        server = grpc.server(ThreadPoolExecutor(_RPC_THREADS, "kerazoo-grpc"), options=options)
        self._stack.callback(rpc.add_services(server, self.repository, self.metrics, self.limits))
        host = f"[{self.host}]" if ":" in self.host else self.host
        try:
            port = server.add_insecure_port(f"{host}:{self.grpc_port}")
        except RuntimeError as error:
            raise ServingError(f"cannot listen on {host}:{self.grpc_port}: {error}") from None
        server.start()
        self._stack.callback(lambda: server.stop(self.grace_seconds).wait())
        return port


def front_doors():
    """The modules that need `kerazoo[serve]`: metrics, rest, rpc; a `MissingDependencyError` if it is missing."""
    try:
        import uvicorn  # noqa: F401

        from kerazoo.serving import metrics, rest, rpc
    except ModuleNotFoundError as error:
        raise MissingDependencyError(f"serving needs {error.name}: pip install 'kerazoo[serve]'") from None
    return metrics, rest, rpc
