"""Output of the command line: a quiet TensorFlow, one line per error, a live progress bar."""

import contextlib
import os
import sys
import tempfile
import threading
import time
import warnings

from kerazoo.utils.backend import check_backend

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1", "GRPC_VERBOSITY": "ERROR", "GLOG_minloglevel": "3"}


@contextlib.contextmanager
def silent_stderr():
    """Keep what C++ libraries write to file descriptor 2; show it only if the block raises."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            kept.seek(0)
            os.write(2, kept.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)


@contextlib.contextmanager
def plain_warnings():
    """Show each warning once and in one line, without the source line that gave it."""
    shown = set()

    def show(message, *_):
        if str(message) not in shown:
            shown.add(str(message))
            print(f"kerazoo: warning: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.showwarning = show
        yield


def import_tensorflow():
    """Import TensorFlow and find its devices without their log lines.

    The command line begins with it, and so may a script or a notebook, before anything else imports TensorFlow. The
    library itself never calls it: what a process logs is not for a library to decide.

    Raises:
        ConfigError: Keras has another backend.
    """
    if "tensorflow" in sys.modules:
        return
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    with silent_stderr():
        check_backend()  # imports Keras
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")
        for gpu in tf.config.list_physical_devices("GPU"):
            # Other programs on the same GPU keep their memory.
            tf.config.experimental.set_memory_growth(gpu, True)
        if "TF_CONFIG" not in os.environ:  # several workers must find each other before the first operation
            tf.config.list_logical_devices()
            tf.constant(0)  # the first operation makes the context, which also logs


def begin_worker():
    """Set up a process that works beside others: one core of its own, and no log lines of TensorFlow.

    It must be called before the process imports TensorFlow, as a pool's initializer is.
    """
    # Matrices of a small model are no faster on several cores.
    os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")
    import_tensorflow()


def tolerant_output():
    """Let stdout and stderr write the escape of a character that they cannot encode, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            with contextlib.suppress(OSError, ValueError):  # closed, or being read
                stream.reconfigure(errors="backslashreplace")


def duration(seconds):
    """Seconds as `1:02:03`, `2:03` below an hour."""
    minutes, seconds = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


@contextlib.contextmanager
def working(what, *, line_seconds=60.0):
    """Show on stderr that something takes a while: a spinner in a terminal, elsewhere one line a minute.

    Args:
        what: str. The work that is being done.
        line_seconds: float. Seconds between two lines. Defaults to 60.0.
    """
    from rich.console import Console

    console = Console(stderr=True, soft_wrap=True)
    if console.is_terminal:
        with console.status(f"{what} ..."):
            yield
        return
    began, done = time.monotonic(), threading.Event()

    def say():
        while not done.wait(line_seconds):
            print(f"{what}: {duration(time.monotonic() - began)} so far", file=sys.stderr, flush=True)

    thread = threading.Thread(target=say, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


LINE_SECONDS = 60.0  # between two lines within an epoch, elsewhere than in a terminal


def progress_callback(total_epochs, total_steps, *, line_seconds=LINE_SECONDS, clock=time.monotonic):
    """A Keras callback that shows a live bar in a terminal; elsewhere one line per epoch, and one a minute within it.

    Args:
        total_epochs: int. Epochs of the whole run, for "epoch 3/10".
        total_steps: int. Steps from now to the end of the run, for the time that is left.
        line_seconds: float. Seconds between two lines within an epoch. Defaults to 60.0.
        clock: callable. Seconds. Defaults to `time.monotonic`.

    Returns:
        keras.callbacks.Callback. Every loss it shows is the average over the epoch so far. The time left is that of
        the whole run, by the pace since the first step, which compiles.
    """
    import keras
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.table import Column

    class Bar(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.console = Console(soft_wrap=True)
            # In a narrow terminal the losses are cut short, and nothing else.
            whole, rest = {"no_wrap": True, "min_width": 12}, {"no_wrap": True, "overflow": "ellipsis", "ratio": 1}
            columns = [TextColumn("{task.description}", table_column=Column(**whole)), BarColumn(12)]
            columns += [MofNCompleteColumn(), TextColumn("{task.fields[left]}", table_column=Column(**whole))]
            columns += [TextColumn("{task.fields[losses]}", table_column=Column(**rest))]
            self.bar = Progress(*columns, console=self.console, expand=True)
            self.row = self.bar.add_task("", losses="", left="")
            self.steps, self.began, self.said = 0, None, clock()

        def on_epoch_begin(self, epoch, logs=None):
            self.name = f"epoch {epoch + 1}/{total_epochs}"
            self.bar.reset(self.row, description=self.name, total=self.params["steps"], losses="", left=self.left())
            if self.console.is_terminal:
                self.bar.start()

        def on_train_batch_end(self, batch, logs=None):
            self.steps += 1
            if self.began is None:
                self.began = clock()
            self.bar.update(self.row, completed=batch + 1, losses=self.describe(logs), left=self.left())
            if not self.console.is_terminal and clock() - self.said >= line_seconds:
                self.say(f"{self.name}  step {batch + 1}/{self.params['steps']}", logs)

        def on_epoch_end(self, epoch, logs=None):
            self.stop()
            if not self.console.is_terminal:
                self.say(self.name, logs)

        def on_train_end(self, logs=None):
            self.stop()

        def left(self):
            if self.steps < 2:
                return ""
            pace = (clock() - self.began) / (self.steps - 1)
            return f"{duration(pace * max(0, total_steps - self.steps))} left"

        def say(self, begin, logs):
            self.said = clock()
            parts = [begin, self.describe(logs), self.left()]
            self.console.print("  ".join(part for part in parts if part), highlight=False, markup=False)

        def stop(self):
            if self.bar.live.is_started:  # stopping a bar that never started prints an empty line
                self.bar.stop()

        def describe(self, logs):
            text = "  ".join(f"{name} {float(value):.4f}" for name, value in (logs or {}).items())
            return text.encode(self.console.encoding, "backslashreplace").decode(self.console.encoding)

    return Bar()
