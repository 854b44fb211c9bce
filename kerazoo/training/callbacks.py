"""Callbacks of a run: logs, samples, checkpoints, a clean stop, and a stop at the first loss that is not finite."""

import csv
import math
import signal
import threading
import time
from pathlib import Path

import keras

from kerazoo.presets.runs import saved_checkpoints
from kerazoo.training.checkpoints import folder_identity, last_good, save_checkpoint
from kerazoo.utils.errors import TrainingError
from kerazoo.utils.files import new_file
from kerazoo.utils.reading import read_text

LOG = "log.csv"


def read_log(run):
    """The rows of a run's log, as dicts of strings; none where it has no log yet.

    Raises:
        TrainingError: the file is no such log.
    """
    path = Path(run, LOG)
    if not path.exists():
        return []
    text = read_text(path, error=TrainingError)
    try:
        rows = list(csv.DictReader(text.splitlines(), strict=True))
        for row in rows:
            int(row["epoch"]), int(row["step"])
            if None in row or not all(math.isfinite(float(value)) for value in row.values() if value):
                raise ValueError
    except (csv.Error, KeyError, OverflowError, TypeError, ValueError):
        raise TrainingError(
            f"{path}: damaged (rows of epoch, step, seconds and numbers are expected); remove it"
        ) from None
    return rows


class RunLog(keras.callbacks.Callback):
    """One row an epoch in `log.csv` and in TensorBoard: epoch, step, seconds and the average of each loss.

    Args:
        run: Path. The run folder.
        start_step: int. Where training goes on. Later rows, left by a run that was killed after its last checkpoint,
            are dropped.
        start_epoch: int. The whole epochs up to there. The row of an epoch that was stopped in its middle is dropped,
            too: its rest gets a row for all of it.
        pictures: callable. `pictures(epoch)`: the PNG files of an epoch's samples, which TensorBoard shows too.
            Defaults to none.
    """

    def __init__(self, run, start_step, start_epoch, pictures=lambda epoch: ()):
        super().__init__()
        self.run = run
        self.pictures = pictures
        self.tensorboard = Path(run) / "tensorboard"
        rows = [row for row in read_log(run) if int(row["step"]) <= start_step]
        self._write([row for row in rows if int(row["epoch"]) <= start_epoch])
        self._seconds = sum(float(row["seconds"]) for row in rows if int(row["epoch"]) > start_epoch)
        self._writer = None
        self._batches = 0
        self._began = time.perf_counter()

    def _write(self, rows):
        if not rows:
            Path(self.run, LOG).unlink(missing_ok=True)
            return
        with new_file(Path(self.run, LOG), overwrite=True) as new, new.open("w", newline="", encoding="utf-8") as file:
            # Each stage of training has losses of its own.
            writer = csv.DictWriter(file, dict.fromkeys(name for row in rows for name in row))
            writer.writeheader()
            writer.writerows(rows)

    def on_epoch_begin(self, epoch, logs=None):
        self._began, self._batches = time.perf_counter(), 0

    def on_train_batch_end(self, batch, logs=None):
        self._batches += 1

    def on_epoch_end(self, epoch, logs=None):
        import tensorflow as tf

        step = int(self.model.step.numpy())
        seconds, self._seconds = self._seconds + time.perf_counter() - self._began, 0
        row = {"epoch": epoch + 1, "step": step, "seconds": f"{seconds:.2f}"}
        self._write([*read_log(self.run), row | {name: f"{value:.6g}" for name, value in logs.items()}])
        if self._batches < self.params["steps"]:  # stopped: the point comes with the rest of the epoch
            return
        self._writer = self._writer or tf.summary.create_file_writer(str(self.tensorboard))
        with self._writer.as_default(step=step):
            for name, value in logs.items():
                tf.summary.scalar(name, value)
            for picture in self.pictures(epoch):
                tf.summary.image("samples", tf.io.decode_png(picture.read_bytes(), channels=3)[None])
        self._writer.flush()


class EpochGoesOn(keras.callbacks.Callback):
    """Gives the first epoch of a `fit` the averages of the steps that it had before the run stopped in it.

    Args:
        sums: dict. `model.log_sums()` of the checkpoint.
    """

    def __init__(self, sums):
        super().__init__()
        self.sums = sums

    def on_epoch_begin(self, epoch, logs=None):
        self.model.restore_log(self.sums)
        self.sums = {}


class EpochSamples(keras.callbacks.Callback):
    """Samples after every epoch, always of the same seed, so that a run's pictures show one thing growing.

    Args:
        run: Path. The run folder; files go to `samples/`.
        write: callable. `write(path_without_suffix)`.
    """

    def __init__(self, run, write):
        super().__init__()
        self.folder = Path(run) / "samples"
        self.write = write

    def on_epoch_end(self, epoch, logs=None):
        with self.model.averaged():
            self.write(self.path(epoch))

    def path(self, epoch):
        """Where the samples of an epoch (counted from 0) are, without a suffix."""
        return self.folder / f"epoch-{epoch + 1:04d}"

    def pictures(self, epoch):
        """The PNG files of an epoch's samples."""
        path = self.path(epoch)
        return sorted(path.parent.glob(f"{path.name}*.png"))


class Checkpoints(keras.callbacks.Callback):
    """A checkpoint at the end of each epoch, and every `every_steps` steps where that is given.

    Only files that were there when it began, and its own, are removed again.
    """

    def __init__(self, run, every_steps=None):
        super().__init__()
        self.run = run
        self.every_steps = every_steps
        self.saved_step = None
        self._own = {file for _, file in saved_checkpoints(run)}
        self._folder = folder_identity(run)

    def save(self):
        """Save now, unless this step is saved already."""
        step = int(self.model.step.numpy())
        if step == self.saved_step:
            return
        if folder_identity(self.run) != self._folder:
            raise TrainingError(f"{self.run} was removed or replaced while it was trained in; nothing is written there")
        self._own.add(save_checkpoint(self.model, self.run, self._own))
        self.saved_step = step

    def on_train_batch_end(self, batch, logs=None):
        if self.every_steps and int(self.model.step.numpy()) % self.every_steps == 0:
            self.save()

    def on_epoch_end(self, epoch, logs=None):
        self.save()


class StopOnNonFinite(keras.callbacks.Callback):
    """Ends the run at the first loss that is NaN or infinite, before anything of it is saved."""

    def __init__(self, run):
        super().__init__()
        self.run = run

    def on_train_batch_end(self, batch, logs=None):
        for name, value in (logs or {}).items():
            if not math.isfinite(value):
                step = int(self.model.step.numpy())
                raise TrainingError(f"{name} is {float(value)} at step {step}; {last_good(self.run)}")


class StopOnSignal(keras.callbacks.Callback):
    """Ctrl-C (or SIGTERM) ends training after the step in progress; a second Ctrl-C interrupts at once.

    In a thread of a notebook or a server, which gets no signals, they stay with the main thread.

    Args:
        agree: callable. `agree(flag)`: whether to stop, of whether a signal was received here; see `any_worker`.
    """

    def __init__(self, agree=bool):
        super().__init__()
        self.agree = agree
        self.stopped = False
        self.received = None
        self._previous = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():  # Python gives signals to no other one
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *error):
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _receive(self, number, frame):
        if self.received is not None:
            raise KeyboardInterrupt
        self.received = number

    def on_train_batch_end(self, batch, logs=None):
        self.stopped = self.agree(self.received is not None)
        if self.stopped:
            self.model.stop_training = True
