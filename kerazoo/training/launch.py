"""`kerazoo launch`: several workers of one training run, as processes of this machine."""

import collections
import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time

from kerazoo.utils.errors import ConfigError, TrainingError

# Seconds that the others get to end by themselves after one worker has failed, and then to obey SIGTERM.
GRACE, TERMINATION = 60.0, 10.0
KEPT_LINES = 60  # of what a worker says beside
EXPECTED = (0, 130, -signal.SIGKILL, -signal.SIGTERM)  # done, stopped and saved, ended from outside
PAUSE = 0.05  # seconds between two looks at the workers


def launch(arguments, num_workers, *, grace=GRACE):
    """Run `kerazoo train` in several processes of this machine, which train one model together.

    The first worker's output is shown, and of each worker what kerazoo says on stderr, one line an error, with the
    worker's number before it; TensorFlow's own lines only where a worker fails without one. SIGINT and SIGTERM are
    passed on to all. If one worker fails, the others are given time to say so themselves, and are then ended.

    Args:
        arguments: sequence of str. The command line behind `kerazoo`, beginning with `train`.
        num_workers: int. How many processes, 1 or more.
        grace: float. Seconds for the others after one worker has failed. Defaults to 60.0.

    Returns:
        int. 0, or the exit status of the first worker that failed by itself (130 after Ctrl-C, say).

    Raises:
        ConfigError: another command than `train`, or no workers.
        TrainingError: a worker was killed; the line says how to go on.

    Example:
        >>> launch(["train", "dcgan", "--data", "digits", "--steps", "100", "--out", "runs/two"], 2)
        0
    """
    arguments = list(arguments)
    if arguments[:1] != ["train"]:
        given = " ".join(arguments[:1]) or "nothing"
        raise ConfigError(f"launch runs train, not {given}: kerazoo launch --workers 2 train ...")
    if num_workers < 1:
        raise ConfigError(f"--workers {num_workers}: 1 or more is expected")
    addresses = [f"127.0.0.1:{port}" for port in free_ports(num_workers)]
    workers = []
    with contextlib.ExitStack() as stack:
        stack.callback(_end, workers)
        for index in range(num_workers):
            workers.append(Worker(arguments, addresses, index))
        stack.enter_context(_signals_to(workers))
        first = _first_failure(workers)
        if first is not None:
            _wait(workers, grace)
    if first is None:
        return 0
    status = workers[first].process.returncode
    if status < 0:
        again = arguments if "--resume" in arguments else [*arguments, "--resume"]
        command = f"{_launcher(num_workers)} {shlex.join(again)}"
        raise TrainingError(f"worker {first} was killed ({signal.Signals(-status).name}); go on with: {command}")
    return status


def _launcher(num_workers):
    return f"kerazoo launch --workers {num_workers}"


class Worker:
    """One process of `launch`, and what it says.

    Args:
        arguments, addresses, index: as of `launch` and `tf_config`.
    """

    def __init__(self, arguments, addresses, index):
        self.index = index
        self._spoke, self._others = False, collections.deque(maxlen=KEPT_LINES)
        command = [sys.executable, "-m", "kerazoo.cli", *arguments]
        environment = {**os.environ, "TF_CONFIG": tf_config(addresses, index)}
        environment["KERAZOO_LAUNCHER"] = _launcher(len(addresses))  # for the command that goes on with the run
        # A session of its own: Ctrl-C of the terminal would reach it twice, once from here.
        self.process = subprocess.Popen(
            command,
            env=environment,
            start_new_session=True,
            stdout=None if index == 0 else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def running(self):
        """Whether the process has not ended."""
        return self.process.poll() is None

    def _read(self):
        for line in self.process.stderr:
            if line.startswith("kerazoo: "):
                self._spoke = True
                self._say(line)
            else:
                self._others.append(line)

    def report(self):
        """Once it has ended: show the last lines of one that failed without a word of its own."""
        self._reader.join()
        if self.process.returncode not in EXPECTED and not self._spoke:
            for line in self._others:
                self._say(line)

    def _say(self, line):
        print(f"[worker {self.index}] {line.rstrip()}", file=sys.stderr, flush=True)


def tf_config(addresses, index):
    """The value of `TF_CONFIG` for one of several workers, a JSON text.

    Args:
        addresses: sequence of str. `host:port` of each worker, the same for all; the first one writes the run folder.
        index: int. Which of them this worker is.

    Example:
        >>> tf_config(["10.0.0.1:2222", "10.0.0.2:2222"], 0)
        '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}}'
    """
    return json.dumps({"cluster": {"worker": list(addresses)}, "task": {"type": "worker", "index": index}})


def free_ports(num):
    """`num` TCP ports of this machine that nothing listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(num)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


# What ends a run: Ctrl-C, SIGTERM, and a terminal that is closed.
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextlib.contextmanager
def _signals_to(workers):
    def pass_on(number, frame):
        number = signal.SIGINT if number == signal.SIGINT else signal.SIGTERM  # which stop a worker after its step
        for worker in workers:
            worker.process.send_signal(number)

    main = threading.current_thread() is threading.main_thread()  # Python gives signals to no other one
    before = {number: signal.signal(number, pass_on) for number in STOPS} if main else {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _first_failure(workers):
    """Wait until a worker fails, and return its index; None where all end well."""
    while True:
        statuses = [worker.process.poll() for worker in workers]
        failed = [index for index, status in enumerate(statuses) if status]
        if failed:  # a killed worker makes the others fail: it is named before them
            return min(failed, key=lambda index: statuses[index] >= 0)
        if None not in statuses:
            return None
        time.sleep(PAUSE)


def _wait(workers, seconds):
    """Wait until all have ended, so many seconds at most."""
    deadline = time.monotonic() + seconds
    while any(worker.running() for worker in workers) and time.monotonic() < deadline:
        time.sleep(PAUSE)


def _end(workers):
    """End what still runs, politely, then by force; then let those that failed report."""
    for end in (subprocess.Popen.terminate, subprocess.Popen.kill):
        for worker in workers:
            if worker.running():
                end(worker.process)
        _wait(workers, TERMINATION)
    for worker in workers:
        worker.report()
