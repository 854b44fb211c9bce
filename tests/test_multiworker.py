"""Worker processes on this machine train like one: `kerazoo launch`, its signals, and workers that die."""

import ast
import os
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from kerazoo.training.checkpoints import saved_checkpoints
from kerazoo.training.launch import free_ports, launch, tf_config
from kerazoo.utils.errors import ConfigError
from tests.conftest import TINY_OPTIONS, finish, python, state

TRAIN = ["train", "dcgan", *TINY_OPTIONS]
SCRIPT = Path(__file__).parents[1] / "benchmarks" / "kill_and_resume.py"
RBM = ["rbm", "--data=digits", "--set=model.image_shape=[8,8,1]", "--set=model.hidden_units=9"]
DBN = ["dbn", "--data=digits", "--set=model.image_shape=[8,8,1]", "--set=model.hidden_units=[6,5]"]


def launched(*arguments):
    return python("-m", "kerazoo.cli", "launch", "--workers=2", *arguments)


@pytest.mark.parametrize(
    ("arguments", "num_workers", "expected"),
    [
        (["list"], 2, "launch runs train, not list: kerazoo launch --workers 2 train ..."),
        ([], 2, "launch runs train, not nothing: kerazoo launch --workers 2 train ..."),
        (["train", "dcgan"], 0, "--workers 0: 1 or more is expected"),
    ],
)
def test_what_launch_refuses(arguments, num_workers, expected):
    with pytest.raises(ConfigError) as caught:
        launch(arguments, num_workers)
    assert str(caught.value) == expected


def test_launch_needs_no_tensorflow_of_its_own():
    code = "import sys, kerazoo.training.launch; sys.exit('tensorflow' in sys.modules)"
    assert finish(python("-c", code))[0] == 0


@pytest.mark.parametrize(
    ("arguments", "expected", "code"),
    [
        (["dcgan", "--steps=many"], "Invalid value for '--steps'", 2),  # before TensorFlow is imported
        pytest.param(["nothing-of-this-name"], "unknown model 'nothing-of-this-name'", 1, marks=pytest.mark.slow),
    ],
)
def test_an_error_of_every_worker_is_one_line_each(arguments, expected, code):
    status, stdout, stderr = finish(launched("train", *arguments))
    lines = sorted(stderr.splitlines())
    assert (status, stdout) == (code, "")
    assert [line.split("kerazoo: ")[0] for line in lines] == ["[worker 0] ", "[worker 1] "]
    assert all(expected in line for line in lines)


@pytest.mark.slow
def test_two_workers_train_like_one_process(tmp_path):
    # Without `accumulate`: batch normalisation takes each part's statistics, and two workers part a batch otherwise.
    options = [*TRAIN, "--steps=6", "--set=training.ema_decay=0.9"]
    # Adam's first steps are as long where a gradient is rounding error alone, unless epsilon is larger than that.
    options += [f"--set=optimizers.{role}.epsilon=1e-4" for role in ("generator", "discriminator")]
    processes = [launched(*options, "--out", tmp_path / "two")]
    processes.append(python("-m", "kerazoo.cli", *options, "--out", tmp_path / "one"))
    for process in processes:
        status, _, errors = finish(process, timeout=300)
        assert status == 0, errors
    assert not list(tmp_path.glob(".*"))  # the second worker's files are gone
    one, two = state(tmp_path / "one"), state(tmp_path / "two")
    assert one.keys() == two.keys()
    for name in (name for name in one if name.startswith(("weights", "state"))):  # averages are states
        np.testing.assert_allclose(two[name], one[name], atol=1e-5, err_msg=name)


INDICES = """
import numpy as np, tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()
from kerazoo.data import from_arrays
stream = from_arrays({"points": np.arange(40, dtype="float32")[:, None]}).batches(8, seed=3, num_steps=5)
batches = [batch["points"] for batch in strategy.experimental_distribute_dataset(stream)]
print([[int(x) for x in strategy.experimental_local_results(batch)[0][:, 0]] for batch in batches])
"""


@pytest.mark.slow
def test_workers_share_every_batch_without_overlap():
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    processes = [python("-c", INDICES, env={"TF_CONFIG": tf_config(addresses, index)}) for index in range(2)]
    results = [finish(process) for process in processes]
    assert [status for status, _, _ in results] == [0, 0], results
    first, second = (ast.literal_eval(stdout.splitlines()[-1]) for _, stdout, _ in results)
    from kerazoo.data import from_arrays

    stream = from_arrays({"points": np.arange(40, dtype="float32")[:, None]}).batches(8, seed=3, num_steps=5)
    whole = [batch["points"].numpy()[:, 0].astype(int).tolist() for batch in stream]
    assert [a + b for a, b in zip(first, second, strict=True)] == whole  # halves of the one stream, in its order
    assert sorted(index for part in first + second for index in part) == list(range(40))


@pytest.mark.slow
def test_ctrl_c_stops_all_workers_after_the_same_step(tmp_path):
    run = tmp_path / "run"
    options = [*TRAIN, "--batch-size=16", "--steps=120", "--set=training.checkpoint_steps=7", "--out", run]
    process = launched(*options)
    while not saved_checkpoints(run):
        assert process.poll() is None, finish(process)
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    status, stdout, stderr = finish(process)
    assert (status, stderr) == (130, "")
    command = re.search(r"go on with: (kerazoo launch --workers 2 train .* --resume)$", stdout.strip()).group(1)
    assert str(run) in command
    status, _, stderr = finish(launched(*options, "--resume"), timeout=300)
    assert status == 0, stderr
    assert finish(launched(*options[:-1], tmp_path / "whole"), timeout=300)[0] == 0
    stopped, whole = state(run), state(tmp_path / "whole")
    assert max(np.abs(stopped[name] - whole[name]).max() for name in whole) <= 1e-6


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc"), reason="the script reads /proc")
@pytest.mark.parametrize(("kill", "model"), [(0, []), (1, RBM), (1, DBN)], ids=["first of dcgan", "rbm", "dbn"])
def test_a_killed_worker_ends_the_run_which_goes_on_exactly(kill, model):
    tiny = [*model, "--batch-size=16", "--steps=60"] if model else []
    options = ["--kill", kill, "--checkpoint-steps=7", *(["--", *tiny] if tiny else [])]
    status, stdout, stderr = finish(python(SCRIPT, *options), timeout=400)
    assert status == 0, stderr
    lines = stdout.splitlines()
    seconds = float(re.search(r"all ended after ([\d.]+) s with status 1", lines[0]).group(1))
    assert seconds < 40
    assert [line.split(";")[0] for line in lines[1:-1]] == [
        f"[worker {1 - kill}] kerazoo: another worker is gone",
        f"kerazoo: worker {kill} was killed (SIGKILL)",
    ]
    assert float(re.search(r"largest difference over \d+ arrays: (\S+)", lines[-1]).group(1)) <= 1e-6
