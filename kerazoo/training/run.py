"""Run one configuration: data, devices, precision, callbacks, resumption, and the preset at the end."""

import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from kerazoo.config import check_arguments, model_parameters
from kerazoo.console import progress_callback
from kerazoo.errors import DataError, TrainingError
from kerazoo.files import writing
from kerazoo.optimizers import with_overrides
from kerazoo.presets import RUN_PRESET, save_preset
from kerazoo.registry import model_class
from kerazoo.tasks import Data, task_module
from kerazoo.training.callbacks import Checkpoints, EpochSamples, RunLog, StopOnNonFinite, StopOnSignal
from kerazoo.training.checkpoints import saved_checkpoints
from kerazoo.training.folder import check_run, make_run, software_versions
from kerazoo.training.schedules import LinearDecay
from kerazoo.training.strategies import make_strategy
from kerazoo.zoo import build


@dataclass(frozen=True)
class Result:
    """How a run ended.

    Attributes:
        folder: Path. The run folder.
        step: int. Training steps done.
        finished: bool. False where Ctrl-C or SIGTERM ended it; `train(..., resume=True)` goes on.
        preset: Path or None. The preset folder of a finished run.
    """

    folder: Path
    step: int
    finished: bool
    preset: Path | None = None


def train(
    config,
    out,
    *,
    resume=False,
    overwrite=False,
    download=False,
    strict=False,
    command=None,
    progress=False,
    callbacks=(),
):
    """Train a configuration from scratch, or go on where an earlier run stopped.

    The run folder holds `config.yaml` (everything resolved), `versions.json`, `log.csv`, `tensorboard/`, `samples/`
    (of the same seed after every epoch), `checkpoints/` and, at the end, `preset/`, which `kerazoo.load(out)` reads.
    A resumed run ends with the weights of an uninterrupted one.

    Args:
        config: Config. See `kerazoo.config.read_config`, `kerazoo.presets.find_preset(name).config`.
        out: str or Path. The run folder.
        resume: bool. Go on from the latest checkpoint of `out`, whose configuration must be the same. Defaults to
            False.
        overwrite: bool. Replace an existing run folder. Defaults to False.
        download: bool. Whether a missing data set may be downloaded. Defaults to False.
        strict: bool. Whether a broken image in a folder is an error. Defaults to False.
        command: str or None. The command line, recorded in the preset. Defaults to None.
        progress: bool. Show a live progress bar. Defaults to False.
        callbacks: sequence of keras.callbacks.Callback. More callbacks. Defaults to `()`.

    Returns:
        Result.

    Raises:
        ConfigError, DataError, OutputError, TrainingError: one line each.

    Example:
        >>> config = kerazoo.config.make_config({"architecture": "dcgan", "model": {"image_shape": [16, 16, 1]},
        ...                                      "training": {"steps": 10, "batch_size": 16}})
        >>> kerazoo.training.train(config, "runs/tiny").step
        10
    """
    settings, run = config.training, Path(out)
    check_run(run, config, resume=resume, overwrite=overwrite)
    check_arguments(model_class(config.architecture), config.model, keras_arguments=())
    data = Data(config.data.source, model_shape(config), download, strict)
    source = data.open(config.data.split)
    steps_per_epoch = max(1, len(source) // settings.batch_size)
    total_steps = settings.steps or settings.epochs * steps_per_epoch
    key = model_class(config.architecture).batch_key
    if key not in source.arrays:
        entries = ", ".join(source.arrays)
        raise DataError(f"{config.architecture} trains on entries {key!r}; {source.info.name} has: {entries}")
    with make_strategy(settings.strategy).scope():
        model = _resumed_model(run) if resume else None
        model = model or new_model(config, total_steps)
    if not resume:  # only now: a configuration that the model refuses leaves no folder behind
        make_run(run, config, overwrite=overwrite)
    start = int(model.step.numpy())
    checkpoints = Checkpoints(run, settings.checkpoint_steps)
    checkpoints.set_model(model)  # a run resumed at its end makes no call of fit, which would set it
    checkpoints.set_model(model)  # fit() does, but a finished run that is resumed has nothing left to fit
    task = task_module(model.task)
    shown = [progress_callback(-(-total_steps // steps_per_epoch))] if progress else []

    def write_samples(model, path):
        task.sample(model, path, data=data, overwrite=True)

    with writing(run), StopOnSignal() as stop:
        observers = [
            StopOnNonFinite(run), stop, RunLog(run, start), checkpoints, EpochSamples(run, write_samples),
            *shown, *callbacks
        ]  # fmt: skip
        for segment in segments(start, total_steps, steps_per_epoch):
            stream = source.batches(settings.batch_size, seed=settings.seed, start_step=segment.start_step)
            began = int(model.step.numpy())
            model.fit(
                stream,
                initial_epoch=segment.first_epoch,
                epochs=segment.last_epoch,
                steps_per_epoch=segment.steps_per_epoch,
                callbacks=observers,
                verbose=0,
            )
            if stop.received is not None:
                break
            if int(model.step.numpy()) == began:
                raise TrainingError("no step was made: the data ended early")
        checkpoints.save()
        step = int(model.step.numpy())
        if step < total_steps:
            return Result(run, step, finished=False)
        return Result(run, step, finished=True, preset=_save_preset(model, run, config, source, write_samples, command))


def model_shape(config):
    """The `image_shape` of a configuration's model, or of its class's default; None for a model of something else."""
    parameter = model_parameters(model_class(config.architecture)).get("image_shape")
    if parameter is None:
        return None
    return tuple(config.model.get("image_shape", parameter.default))


def new_model(config, total_steps):
    """The fresh, compiled model of a configuration, its weights and its noise drawn from the configured seed."""
    settings = config.training
    keras.utils.set_random_seed(settings.seed)
    model = build(config, dtype=settings.precision)
    optimizers = dict(config.optimizers)  # compile() reports roles that the model does not have
    for role, default in model.default_optimizers().items():
        optimizer = with_overrides(default, config.optimizers.get(role, {}))
        if settings.decay_start is not None:
            schedule = LinearDecay(optimizer.learning_rate.numpy(), total_steps, settings.decay_start)
            optimizer = with_overrides(optimizer, {"learning_rate": schedule})
        optimizers[role] = optimizer
    model.compile(optimizers, seed=settings.seed)
    return model


def _resumed_model(run):
    checkpoints = saved_checkpoints(run)
    if not checkpoints:
        return None
    file = checkpoints[-1][1]
    try:
        return keras.models.load_model(file)
    except (KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())[:200]
        raise TrainingError(f"{file}: damaged ({reason}); remove it to go on from the checkpoint before") from None


@dataclass(frozen=True)
class Segment:
    """Epochs that one call of `fit` makes: numbers `first_epoch` (from 0) up to `last_epoch`, of equal length."""

    start_step: int
    first_epoch: int
    last_epoch: int
    steps_per_epoch: int


def segments(start, total, steps_per_epoch):
    """Split the steps from `start` to `total` into a partial first epoch, whole epochs and a partial last one."""
    while start < total:
        epoch, done = divmod(start, steps_per_epoch)
        whole = (total - start) // steps_per_epoch if done == 0 else 0
        length = steps_per_epoch if whole else min(steps_per_epoch - done, total - start)
        yield Segment(start, epoch, epoch + max(whole, 1), length)
        start += length * max(whole, 1)


def _save_preset(model, run, config, source, write_samples, command):
    log = RunLog(run, int(model.step.numpy()))
    rows = log.rows()
    last = rows[-1] if rows else {}  # killed between its last checkpoint and the end of its only epoch
    training = {
        "command": command,
        "steps": int(model.step.numpy()),
        "batch_size": config.training.batch_size,
        "seed": config.training.seed,
        "precision": config.training.precision,
        "seconds": round(sum(float(row["seconds"]) for row in rows)),
        "date": time.strftime("%Y-%m-%d"),
        "devices": _devices(),
        "data": str(source),
        "losses": {name: float(v) for name, v in last.items() if name not in ("epoch", "step", "seconds")},
        "versions": software_versions(),
    }
    folder = save_preset(model, run / RUN_PRESET, config=config, training=training, overwrite=True)
    write_samples(model, folder / "samples")
    return folder


def _devices():
    strategy = tf.distribute.get_strategy()
    gpus = tf.config.list_physical_devices("GPU")
    kind = f"{len(gpus)} GPU" if gpus else "CPU"
    return f"{kind}, {strategy.num_replicas_in_sync} replica"
