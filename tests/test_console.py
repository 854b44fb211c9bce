"""Output of a run: lines with the time left, with and without a terminal, and on terminals with few characters."""

import io
import sys

from kerazoo.cli.commands import main
from kerazoo.utils.console import duration, progress_callback, tolerant_output, working


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def run(capsys, epochs, steps, seconds_a_step, losses):
    """The lines of a run of so many epochs of so many steps, on a clock of its own."""
    clock = Clock()
    bar = progress_callback(epochs, epochs * steps, clock=clock)
    bar.set_params({"steps": steps})
    for epoch in range(epochs):
        bar.on_epoch_begin(epoch)
        for batch in range(steps):
            clock.now += seconds_a_step
            bar.on_train_batch_end(batch, losses)
        bar.on_epoch_end(epoch, losses)
    bar.on_train_end()
    return capsys.readouterr().out.splitlines()


def test_a_line_an_epoch_and_a_line_a_minute(capsys):
    assert run(capsys, 2, 4, 20.0, {"loss": 1.5}) == [
        "epoch 1/2  step 3/4  loss 1.5000  1:40 left",
        "epoch 1/2  loss 1.5000  1:20 left",
        "epoch 2/2  step 3/4  loss 1.5000  0:20 left",
        "epoch 2/2  loss 1.5000  0:00 left",
    ]


def test_fast_epochs_have_a_line_each(capsys):
    lines = run(capsys, 3, 5, 0.1, {})
    assert lines == ["epoch 1/3  0:01 left", "epoch 2/3  0:00 left", "epoch 3/3  0:00 left"]


def test_durations():
    assert [duration(s) for s in (0, 59.6, 61, 3600, 7384)] == ["0:00", "1:00", "1:01", "1:00:00", "2:03:04"]


def ascii_stream():
    return io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)


def test_a_terminal_that_knows_few_characters(monkeypatch):
    monkeypatch.setattr(sys, "stdout", ascii_stream())
    bar = progress_callback(1, 1)
    bar.set_params({"steps": 1})
    bar.on_epoch_begin(0)
    bar.on_train_batch_end(0, {"größe_→": 1.0})
    bar.on_epoch_end(0, {"größe_→": 1.0})
    assert sys.stdout.buffer.getvalue() == b"epoch 1/1  gr\\xf6\\xdfe_\\u2192 1.0000\n"
    tolerant_output()
    print("→")
    assert sys.stdout.buffer.getvalue().endswith(b"\\u2192\n")


def test_errors_are_shown_there_too(monkeypatch):
    monkeypatch.setattr(sys, "stderr", ascii_stream())
    assert main(["info", "modèle"]) == 1
    assert b"unknown model or data source 'mod\\xe8le'" in sys.stderr.buffer.getvalue()


def test_long_work_says_that_it_goes_on(capsys):
    import time

    with working("measuring x", line_seconds=0.05):
        time.sleep(0.2)
    lines = capsys.readouterr().err.splitlines()
    assert 1 <= len(lines) <= 4
    assert lines[0] == "measuring x: 0:00 so far"
    with working("measuring x"):
        pass
    assert capsys.readouterr().err == ""
