"""A run that was interrupted, in any way, ends exactly like one that was not."""

import csv
import shlex
import signal
import time

import pytest

from kerazoo.cli import main
from kerazoo.presets.config import write_config
from kerazoo.training import train
from kerazoo.training.checkpoints import saved_checkpoints
from kerazoo.utils.errors import TrainingError
from tests.conftest import assert_same_state, finish, python, state, tiny_config

# 1,437 training images in batches of 16 are 89 steps an epoch: 120 steps end within the second.
CONFIG = tiny_config(120, training={"batch_size": 16, "checkpoint_steps": 7})
STEPS_PER_EPOCH = 89


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    run = tmp_path_factory.mktemp("uninterrupted") / "run"
    assert train(CONFIG, run).finished
    return run


use_uninterrupted = pytest.mark.xdist_group("uninterrupted")  # once, in one process


def start_run(folder):
    """Start `kerazoo train` in a process of its own and return (process, run folder) after its second checkpoint."""
    (folder / "preset").mkdir()
    write_config(CONFIG, folder / "preset" / "config.yaml")
    run = folder / "run"
    process = python("-m", "kerazoo.cli", "train", folder / "preset", "--out", run)
    deadline = time.monotonic() + 90
    while not any(step >= 14 for step, _ in saved_checkpoints(run)):
        assert process.poll() is None, finish(process)
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process, run


def log(run):
    with open(run / "log.csv", newline="") as file:
        return [{name: float(row[name]) for name in row if name != "seconds"} for row in csv.DictReader(file)]


@use_uninterrupted
def test_killed_within_an_epoch(tmp_path, uninterrupted):
    process, run = start_run(tmp_path)
    time.sleep(0.05)  # some steps beyond the checkpoint, which are lost
    process.kill()
    assert finish(process)[0] == -signal.SIGKILL
    stopped_at = saved_checkpoints(run)[-1][0]
    assert 14 <= stopped_at < STEPS_PER_EPOCH
    assert not (run / "log.csv").exists()
    result = train(CONFIG, run, resume=True)
    assert (result.step, result.finished) == (120, True)
    assert_same_state(state(run), state(uninterrupted))
    assert [(row["epoch"], row["step"]) for row in log(run)] == [(1, 89), (2, 120)]
    assert log(run) == log(uninterrupted)  # the epoch's averages count the steps before the kill


@use_uninterrupted
def test_ctrl_c_says_how_to_go_on(tmp_path, uninterrupted, capsys):
    process, run = start_run(tmp_path)
    process.send_signal(signal.SIGINT)
    status, stdout, stderr = finish(process)
    assert (status, stderr) == (130, "")
    stopped_at = saved_checkpoints(run)[-1][0]
    assert stopped_at < STEPS_PER_EPOCH
    assert [(row["epoch"], row["step"]) for row in log(run)] == [(1, stopped_at)]
    line = stdout.splitlines()[-1]
    assert line.startswith(f"stopped and saved at step {stopped_at}; go on with: kerazoo train ")
    command = shlex.split(line.split("go on with: ")[1])
    assert command[-1] == "--resume"
    assert main(command[1:]) == 0
    assert "trained 120 steps" in capsys.readouterr().out
    assert_same_state(state(run), state(uninterrupted))
    assert log(run) == log(uninterrupted)


def test_after_the_end_nothing_changes(run_copy):
    before = state(run_copy)
    result = train(tiny_config(), run_copy, resume=True)
    assert (result.step, result.finished) == (6, True)
    assert_same_state(state(run_copy), before)


def test_killed_before_the_first_checkpoint_begins_again(run_copy, finished_run):
    for _, checkpoint in saved_checkpoints(run_copy):
        checkpoint.unlink()
    assert train(tiny_config(), run_copy, resume=True).step == 6
    assert_same_state(state(run_copy), state(finished_run))
    assert log(run_copy) == log(finished_run)


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_serves(run_copy, finished_run):
    (_, before), (_, last) = saved_checkpoints(run_copy)
    last.write_bytes(last.read_bytes()[:200])
    with pytest.raises(TrainingError, match="remove it to go on from the checkpoint before") as caught:
        train(tiny_config(), run_copy, resume=True)
    assert str(caught.value).startswith(f"{last}: damaged (")
    assert "\n" not in str(caught.value)
    last.unlink()
    assert before.name == "step-00000004.keras"
    train(tiny_config(), run_copy, resume=True)
    assert_same_state(state(run_copy), state(finished_run))


def test_another_configuration_is_refused_with_the_differences(run_copy):
    config = tiny_config(8, model={"filters": 5})
    with pytest.raises(TrainingError) as caught:
        train(config, run_copy, resume=True)
    assert str(caught.value) == (
        f"{run_copy} is a run of another configuration: model.filters is 4 there and 5 here; "
        "training.steps is 6 there and 8 here; give the same, or another --out"
    )


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="no run to resume"):
        train(tiny_config(), tmp_path, resume=True)
    with pytest.raises(TrainingError, match="no run to resume"):
        train(tiny_config(), tmp_path / "missing", resume=True)
    assert list(tmp_path.iterdir()) == []
