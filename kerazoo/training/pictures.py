"""Pictures of a run: its losses as a plot, and its samples, epoch by epoch, as a moving picture."""

import time
from pathlib import Path

import keras

from kerazoo.tasks.plots import line_plot
from kerazoo.training.callbacks import read_log
from kerazoo.utils.files import new_file

LOSSES, FILM = "losses.png", "samples.gif"
MAX_FRAMES, MILLISECONDS, LAST_MILLISECONDS = 100, 150, 1500
COLUMNS = ("epoch", "step", "seconds")  # of a log, beside its losses


def losses_of(run):
    """The losses of a run: name -> (epochs, values), two lists; a loss of one stage has the epochs of that stage."""
    curves = {}
    for row in read_log(run):
        for name, value in row.items():
            if name not in COLUMNS and value:
                epochs, values = curves.setdefault(name, ([], []))
                epochs.append(int(row["epoch"]))
                values.append(float(value))
    return curves


class LossPlot(keras.callbacks.Callback):
    """`losses.png` of a run in progress: after an epoch, unless the last plot is less than `seconds` old."""

    def __init__(self, run, seconds=30.0):
        super().__init__()
        self.run = run
        self.seconds = seconds
        self._drawn = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        if time.monotonic() - self._drawn > self.seconds:
            write_losses(self.run)
            self._drawn = time.monotonic()


def write_pictures(run):
    """Write `losses.png` and, of pictures alone, `samples.gif` of a run that ends or is stopped."""
    write_losses(run)
    write_film(run)


def write_losses(run):
    """Write `losses.png`: each loss over the epochs; nothing where the run has no whole epoch yet."""
    curves = losses_of(run)
    if curves:
        line_plot(curves, Path(run, LOSSES), x_label="epoch", overwrite=True)


def write_film(run):
    """Write `samples.gif` of the pictures in `samples/`, 100 at most, evenly chosen; nothing of fewer than two."""
    from PIL import Image

    files = sorted(Path(run, "samples").glob("epoch-*.png"))
    count = min(MAX_FRAMES, len(files))
    if count < 2:
        return
    chosen = [files[round(i * (len(files) - 1) / (count - 1))] for i in range(count)]
    frames = [Image.open(file).convert("RGB") for file in chosen]
    frames = [frame.resize(frames[-1].size) for frame in frames]
    durations = [MILLISECONDS] * (count - 1) + [LAST_MILLISECONDS]
    with new_file(Path(run, FILM), overwrite=True) as temporary:
        frames[0].save(temporary, save_all=True, append_images=frames[1:], duration=durations, loop=0)
