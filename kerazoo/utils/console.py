"""What the command line shows: a quiet TensorFlow, one line an error, a live progress bar."""

import contextlib
import os
import sys
import tempfile
import warnings

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
    """Import TensorFlow and find its devices without their log lines; for the command line only, never the library."""
    if "tensorflow" in sys.modules:
        return
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    with silent_stderr():
        import keras  # noqa: F401
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")
        for gpu in tf.config.list_physical_devices("GPU"):
            # Other programs on the same GPU keep their memory.
            tf.config.experimental.set_memory_growth(gpu, True)
        if "TF_CONFIG" not in os.environ:  # several workers must find each other before the first operation
            tf.config.list_logical_devices()
            tf.constant(0)  # the first operation makes the context, which logs too


def progress_callback(total_epochs):
    """A Keras callback that shows a live bar in a terminal, and one line an epoch elsewhere.

    Args:
        total_epochs: int. Epochs of the whole run, for "epoch 3/10".

    Returns:
        keras.callbacks.Callback. Every loss it shows is the average over the epoch so far.
    """
    import keras
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    class Bar(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.console = Console(soft_wrap=True)
            columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn(), TimeRemainingColumn())
            self.bar = Progress(*columns, TextColumn("{task.fields[losses]}"), console=self.console)
            self.row = self.bar.add_task("", losses="")

        def on_epoch_begin(self, epoch, logs=None):
            name = f"epoch {epoch + 1}/{total_epochs}"
            self.bar.reset(self.row, description=name, total=self.params["steps"], losses="")
            if self.console.is_terminal:
                self.bar.start()

        def on_train_batch_end(self, batch, logs=None):
            self.bar.update(self.row, completed=batch + 1, losses=describe(logs))

        def on_epoch_end(self, epoch, logs=None):
            self.stop()
            if not self.console.is_terminal:
                self.console.print(f"epoch {epoch + 1}/{total_epochs}  {describe(logs)}", highlight=False)

        def on_train_end(self, logs=None):
            self.stop()

        def stop(self):
            if self.bar.live.is_started:  # stopping a bar that never started prints an empty line
                self.bar.stop()

    def describe(logs):
        return "  ".join(f"{name} {float(value):.4f}" for name, value in (logs or {}).items())

    return Bar()
