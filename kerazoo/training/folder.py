"""The run folder: made new, replaced, or taken up again when its configuration is the same."""

import contextlib
import importlib.metadata
import json
import platform

from kerazoo.presets.config import config_differences, read_config, write_config
from kerazoo.presets.runs import CONFIG, RECORD, VERSIONS
from kerazoo.utils.errors import TrainingError
from kerazoo.utils.files import check_free, check_owned, locked, new_file, new_folder

COMMENTS = ("summary ", "notes ", "page_inputs")  # keys that change nothing of a training
LENGTH = ("training.epochs ", "training.steps ", "training.stages.", "training.stages ")  # keys that say how long
PACKAGES = ("tensorflow", "keras", "numpy")


def check_run(run, *, resume, overwrite):
    """Check that a run folder can be made, or that there is a run to go on with.

    Args:
        run: Path. The folder.
        resume: bool. Whether `run` must be a run.
        overwrite: bool. Whether an existing run folder may be replaced.

    Raises:
        TrainingError: nothing to resume.
        OutputError: the folder exists, or is none of a run.
    """
    if not resume:
        check_free(run, overwrite=overwrite)
        check_owned(run, (CONFIG, VERSIONS))
    elif not (run / CONFIG).is_file():
        raise TrainingError(f"{run}: no run to resume (it has no {CONFIG}); leave out --resume to begin one")


def make_run(run, config, record, stack, *, overwrite):
    """Make a run folder with the configuration, every default resolved, and the software's versions; hold it.

    Args:
        run: Path. The folder.
        config: Config. What is to be trained.
        record: dict. `run.json`.
        stack: contextlib.ExitStack. Holds the folder until it is closed; see `held`.
        overwrite: bool. Whether an existing run folder may be replaced.

    Raises:
        OutputError: the folder exists, is no run folder, or cannot be written.
    """
    with new_folder(run, overwrite=overwrite, owned=(CONFIG, VERSIONS)) as temporary:
        stack.enter_context(held(temporary))  # the lock stays on it under its own name
        write_config(config, temporary / CONFIG, defaults=True)
        (temporary / VERSIONS).write_text(json.dumps(software_versions(), indent=2) + "\n", encoding="utf-8")
        (temporary / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def check_same(run, config):
    """Check that a run is one of a configuration, but for its length.

    Returns:
        Config. The run's own.

    Raises:
        TrainingError: it is one of another, or its length cannot change.
    """
    own = read_config(run / CONFIG)
    differences = config_differences(own.model_copy(update={"module": config.module}), config)
    differences = [line for line in differences if not line.startswith(COMMENTS)]
    others = [line for line in differences if not line.startswith(LENGTH)]
    if others:
        raise TrainingError(
            f"{run} is a run of another configuration: {'; '.join(differences)}; give the same, or another --out"
        )
    if differences and config.training.decay_start is not None:
        raise TrainingError(
            f"{run}: {'; '.join(differences)}; the learning rates fall linearly to the end of the run "
            f"(training.decay_start = {config.training.decay_start:g}), so its length cannot change: resume it as it is"
        )
    return own


def change_length(run, config, record, old, new, model):
    """Give a run that goes on another length.

    Args:
        run: Path. The folder.
        config: Config. With the new length.
        record: dict. Of `run.json`, with the new length.
        old, new: Plan.
        model: ZooModel. At the step and stage where it goes on.

    Raises:
        TrainingError: it is past the new length, or a stage before the present one had another length.
    """
    step, past = int(model.step.numpy()), [stage.name for stage in model.stages()]
    for stage in past[: past.index(model.stage.name)]:
        if old.stage_steps[stage] != new.stage_steps[stage]:
            raise TrainingError(
                f"{run}: the stage {stage} was trained for {old.stage_steps[stage]:,} steps, not for "
                f"{new.stage_steps[stage]:,}, and is over; change the stages behind it (training.stages)"
            )
    if step > new.total_steps:
        raise TrainingError(f"{run}: it stands at step {step:,} already; {new.total_steps:,} were asked for")
    with new_file(run / CONFIG, overwrite=True) as temporary:
        for name in write_config(config, temporary, defaults=True):
            temporary.with_name(name).replace(run / name)
    write_record(run, record)


def write_record(run, record):
    """Write `run.json` of a run folder."""
    with new_file(run / RECORD, overwrite=True) as temporary:
        temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def data_mark(source):
    """A mark of the training data: a line about them, and their `fingerprint`, for `check_data`."""
    return {"source": str(source), "fingerprint": source.fingerprint() if hasattr(source, "fingerprint") else None}


def check_data(run, record, source):
    """Raise a `TrainingError` where a source does not hold what the run began with, as its `run.json` says."""
    began, now = record.get("data"), data_mark(source)
    if began is None or began == now:
        return
    seen = f"they were {began.get('source')}" if began.get("source") != now["source"] else "their contents differ"
    raise TrainingError(
        f"{run}: the data have changed since the run began ({seen}; now {now['source']}); restore them, or begin a new "
        "run with another --out"
    )


def software_versions():
    """Versions of kerazoo, Python and the packages that numbers depend on."""
    import kerazoo

    packages = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"kerazoo": kerazoo.__version__, "python": platform.python_version(), **packages}


@contextlib.contextmanager
def held(run):
    """Inside, no other process of this machine may train in the run folder; a `TrainingError` where one does.

    The lock is on the folder itself, under whatever name it has, and ends with the process.
    """
    with locked(run) as free:
        if free is False:
            raise TrainingError(f"{run} is being trained in by another process; wait, or give another --out")
        yield
