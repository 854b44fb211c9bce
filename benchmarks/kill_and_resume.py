"""A worker is killed in the middle of a run; the resumed run is compared with one that was never stopped.

    python benchmarks/kill_and_resume.py [--workers 2] [--kill 1] [--checkpoint-steps 20] [-- dcgan --data digits ...]

Trains three times with `kerazoo launch`: once to the end; once until a worker is killed with SIGKILL, after the second
checkpoint; and on from there with --resume. Prints what the workers said and how long they took to notice, and the
largest difference between the last checkpoints of both runs, over all weights, optimizer variables and training states.
Arguments after `--` go to `kerazoo train`. Needs Linux (/proc).
"""

import argparse
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np

TINY = ["dcgan", "--data", "digits", "--batch-size", "16", "--steps", "120"]
TINY += ["--set", "model.image_shape=[16,16,1]", "--set", "model.filters=4", "--set", "model.kernel_size=3"]


def start(workers, arguments, run, *options):
    command = [sys.executable, "-m", "kerazoo.cli", "launch", "--workers", str(workers), "train", *arguments]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*command, "--out", str(run), *options], **pipes)


def finish(process):
    """Wait for a run; exits with what it said unless it ended well."""
    errors = process.communicate()[1]
    if process.returncode:
        sys.exit(f"the run failed with status {process.returncode}:\n{errors}")


def children(process):
    """The processes that a process has started, in the order of their start."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if int(fields[1]) == process.pid:
            found.append(int(stat.parent.name))
    return sorted(found)


def kill_a_worker(process, run, index):
    """Kill one worker after the second checkpoint; returns (seconds until the launcher ended, its stderr)."""
    while len(list((run / "checkpoints").glob("step-*.keras"))) < 2:
        if process.poll() is not None:
            sys.exit(f"the run ended before its second checkpoint:\n{process.communicate()[1]}")
        time.sleep(0.02)
    began = time.perf_counter()
    os.kill(children(process)[index], signal.SIGKILL)
    errors = process.communicate()[1]
    return time.perf_counter() - began, errors


def arrays(run):
    """Every array of weights, optimizers and states in the last checkpoint of a run: name -> array.

    The sums of the epoch's log are left out: they are large, and workers add up their shares in another order.
    """
    found = {}
    last = max((run / "checkpoints").glob("step-*.keras"))
    with zipfile.ZipFile(last) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        file.visititems(lambda name, item: found.update({name: item[()]} if isinstance(item, h5py.Dataset) else {}))
    return {name: array for name, array in found.items() if not name.startswith("vars/log_")}


def largest_difference(one, other):
    """(largest absolute difference, its name) between two runs' arrays, which must have the same names."""
    if one.keys() != other.keys():
        sys.exit(f"the checkpoints hold different arrays: {sorted(one.keys() ^ other.keys())}")
    differences = {name: np.abs(one[name].astype("float64") - other[name]).max(initial=0) for name in one}
    name = max(differences, key=differences.get)
    return differences[name], name


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kill", type=int, default=1, help="which worker; 0 is the one that writes")
    parser.add_argument("--checkpoint-steps", type=int, default=20)
    parser.add_argument("arguments", nargs="*", default=TINY, help="of kerazoo train")
    options = parser.parse_args()
    arguments = [*options.arguments, "--set", f"training.checkpoint_steps={options.checkpoint_steps}"]
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = Path(folder, "whole"), Path(folder, "killed")
        finish(start(options.workers, arguments, whole))
        process = start(options.workers, arguments, killed)
        seconds, errors = kill_a_worker(process, killed, options.kill)
        print(f"killed worker {options.kill}: all ended after {seconds:.1f} s with status {process.returncode}, saying")
        print(errors.rstrip())
        finish(start(options.workers, arguments, killed, "--resume"))
        expected = arrays(whole)
        difference, name = largest_difference(arrays(killed), expected)
        print(f"largest difference over {len(expected)} arrays: {difference:g} ({name})")


if __name__ == "__main__":
    main()
