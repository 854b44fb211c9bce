"""Checkpoints of a run: `.keras` files that hold everything training needs to go on exactly."""

import os
from pathlib import Path

import numpy as np

from kerazoo.presets.runs import saved_checkpoints
from kerazoo.utils.errors import TrainingError
from kerazoo.utils.files import new_file

KEEP = 2


def save_checkpoint(model, run, own=None):
    """Write the model, its optimizers and its step; keep the latest few.

    Args:
        model: ZooModel. Compiled.
        run: str or Path. The run folder.
        own: collection of Path or None. The files that are this run's, of which old ones go. Defaults to None, all.

    Returns:
        Path. The checkpoint.

    Raises:
        TrainingError: a weight is not finite; the checkpoints before stay as they are.
        OutputError: the file cannot be written.
    """
    step = int(model.step.numpy())
    broken = next((variable.path for variable in model.weights if not np.isfinite(variable.numpy()).all()), None)
    if broken:
        raise TrainingError(f"{broken} is not finite at step {step}; {last_good(run)}")
    path = Path(run, "checkpoints", f"step-{step:08d}.keras")
    with new_file(path, overwrite=True) as temporary:
        model.save(temporary)
    kept = [file for _, file in saved_checkpoints(run) if own is None or file in own or file == path]
    for old in kept[:-KEEP]:
        old.unlink(missing_ok=True)
    return path


def next_start(run):
    """One phrase that says how to go on with a run whose workers stopped."""
    checkpoints = saved_checkpoints(run)
    if not checkpoints:
        return f"{run} has no checkpoint yet: start all workers again with --overwrite"
    return f"start all workers again with --resume, to go on from step {checkpoints[-1][0]} of {run}"


def last_good(run):
    """One phrase that says which checkpoint to go back to."""
    checkpoints = saved_checkpoints(run)
    if not checkpoints:
        return "no checkpoint was saved before"
    step, path = checkpoints[-1]
    return f"the last good checkpoint is {path} (step {step}); a lower learning rate may help"


def folder_identity(folder):
    """The identity of a folder, which another one of the same name does not have; None where there is none."""
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return status.st_dev, status.st_ino
