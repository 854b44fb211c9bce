"""Run one configuration: data, devices, precision, callbacks, resumption, and the preset at the end."""

import contextlib
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from kerazoo.base.own_modules import module_of
from kerazoo.data import augmented, keep_labels
from kerazoo.presets.preset import save_preset
from kerazoo.presets.runs import RUN_PRESET, read_record
from kerazoo.tasks import Data, write_samples
from kerazoo.training.callbacks import (
    Checkpoints,
    EpochGoesOn,
    EpochSamples,
    RunLog,
    StopOnNonFinite,
    StopOnSignal,
    read_log,
)
from kerazoo.training.checkpoints import next_start
from kerazoo.training.folder import (
    change_length,
    check_data,
    check_run,
    check_same,
    data_mark,
    held,
    make_run,
    software_versions,
)
from kerazoo.training.pictures import LossPlot, write_pictures
from kerazoo.training.plan import Plan, stage_batch_sizes
from kerazoo.training.setup import (
    check_batch_memory,
    compile_new,
    completed,
    model_shape,
    new_model,
    prepared,
    resumed_model,
    rows_of_a_step,
    set_stage_rates,
    warn_of_short_epochs,
)
from kerazoo.training.strategies import any_worker, is_chief, lost_worker, make_strategy
from kerazoo.utils.console import progress_callback
from kerazoo.utils.files import temporary_folder, writing


@dataclass(frozen=True)
class Result:
    """The end of a run.

    Attributes:
        folder: Path. The run folder.
        step: int. Training steps done.
        finished: bool. False where Ctrl-C or SIGTERM ended it; `train(..., resume=True)` goes on.
        preset: Path or None. The preset folder, of the last step; None on every worker but the first.
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
    data=None,
):
    """Train a configuration from scratch, or go on where an earlier run stopped.

    The run folder holds `config.yaml` (everything resolved), `versions.json`, `log.csv`, `tensorboard/`, `samples/`
    (of the same seed after every epoch; `samples.gif` shows them in a row), `losses.png`, `checkpoints/` and, at the
    end or where it is stopped, `preset/`. `kerazoo.load(out)` gives the latest model of it, at any moment. A resumed
    run ends with the weights, and the log but for its seconds, of an uninterrupted one.

    Args:
        config: Config. See `kerazoo.presets.config.read_config`, `kerazoo.presets.preset.find_preset(name).config`.
        out: str or Path. The run folder.
        resume: bool. Go on from the latest checkpoint of `out`, whose configuration must be the same; its length may
            be another one where no schedule depends on it. Defaults to False.
        overwrite: bool. Replace an existing run folder. Defaults to False.
        download: bool. Whether a missing data set may be downloaded. Defaults to False.
        strict: bool. Whether a broken image in a folder is an error. Defaults to False.
        command: str or None. The command line, recorded in the preset. Defaults to None.
        progress: bool. Show a live progress bar, and elsewhere than in a terminal a line now and then. Defaults to
            False.
        callbacks: sequence of keras.callbacks.Callback. More callbacks. Defaults to `()`.
        data: kerazoo.tasks.Data or None. The configured data where they are open already, as `training_arguments`
            gives them; `download` and `strict` are its own then. Defaults to None.

    Returns:
        Result.

    Raises:
        ConfigError, DataError, OutputError, TrainingError: one line each.

    Example:
        >>> config = kerazoo.presets.config.make_config({"architecture": "dcgan", "model": {"image_shape": [16, 16, 1]},
        ...                                      "training": {"steps": 10, "batch_size": 16}})
        >>> kerazoo.training.train(config, "runs/tiny").step
        10
    """
    strategy = make_strategy(config.training.strategy)  # before TensorFlow's first operation
    chief = is_chief(strategy)
    with contextlib.ExitStack() as stack:
        out = run = Path(out)
        if not chief:  # every worker saves, as Keras wants it, but only the first one's files are kept
            run = stack.enter_context(temporary_folder()) / "worker"
        if chief or resume:
            check_run(out, resume=resume, overwrite=overwrite)
        if chief and out.is_dir():
            stack.enter_context(held(out))  # before anything of it is read or replaced
        data = (data or Data(config.data.source, None, download, strict)).of_shape(model_shape(config))
        source = data.open(config.data.split)
        if config.data.labels_per_class is not None:
            source = keep_labels(source, config.data.labels_per_class, seed=config.data.label_seed)
        config = completed(config, source).model_copy(update={"module": module_of(config.architecture)})
        own, record = config, {}
        if resume:
            own, record = check_same(out, config), read_record(out)
            check_data(out, record, source)
        mark = record.get("data") or data_mark(source)
        stack.enter_context(lost_worker(strategy, lambda: next_start(out)))
        with strategy.scope():
            resumed = resumed_model(out, config) if resume else None
            model = resumed or new_model(config)
            raw, source = source, prepared(model, source)
            if config.data.augment:
                source = augmented(source, config.data.augment)
            batch_sizes = stage_batch_sizes(config.training, model.stages())
            rows = {name: rows_of_a_step(model, config, size) for name, size in batch_sizes.items()}
            check_batch_memory(source, max(rows.values()))
            epoch_steps = {name: source.num_batches(count) for name, count in rows.items()}
            plan = Plan.of(config.training, model.stages(), epoch_steps)
            if resumed is None:
                compile_new(model, config, plan)
                model.adapt(source.arrays)
        record = {"total_steps": plan.total_steps, "data": mark}
        warn_of_short_epochs(config, source, min(rows.values()), plan)
        if not (resume and chief):  # only now: a configuration that the model refuses leaves no folder behind
            make_run(run, config, record, stack, overwrite=overwrite)
        elif own != config:
            change_length(run, config, record, Plan.of(own.training, model.stages(), plan.steps_per_epoch), plan, model)
        with writing(run):
            try:
                finished = _fit(model, config, source, plan, run, data, progress, callbacks)
            except Exception:  # of the first step: nothing to go on with, and the corrected command has the same name
                if chief and not resume and not int(model.step.numpy()):
                    shutil.rmtree(run, ignore_errors=True)
                raise
            step = int(model.step.numpy())
            with model.averaged():
                preset = _save_preset(model, run, config, raw, plan, data, command)
            write_pictures(run)
        return Result(out, step, finished, preset if chief else None)


def _fit(model, config, source, plan, run, data, progress, callbacks):
    """Train to the plan's end; False where a signal stopped it before."""
    settings = config.training
    batch_sizes = stage_batch_sizes(settings, model.stages())
    start = int(model.step.numpy())
    checkpoints = Checkpoints(run, settings.checkpoint_steps)
    checkpoints.set_model(model)  # fit() does, but a finished run that is resumed has nothing left to fit
    samples = EpochSamples(run, lambda path: write_samples(model, path, data=data, overwrite=True))
    bar = [progress_callback(plan.total_epochs, plan.total_steps - start)] if progress else []
    segments = list(plan.segments(start))
    log = RunLog(run, start, segments[0].first_epoch if segments else plan.total_epochs, samples.pictures)
    with StopOnSignal(any_worker(model.distribute_strategy)) as stop:
        observers = [StopOnNonFinite(run), stop, samples, log, LossPlot(run), checkpoints, *bar, *callbacks]
        for segment in segments:
            if segment.stage != model.stage.name:
                model.begin_stage(segment.stage, num_steps=plan.stage_steps[segment.stage])
                set_stage_rates(model, settings)
            model.plan_stage(plan.stage_steps[segment.stage])
            goes_on = [EpochGoesOn(model.log_sums())] if segment.done else []
            model.fit(
                source,  # from the model's step on, in the order of its seed
                batch_size=batch_sizes[segment.stage],
                initial_epoch=segment.first_epoch,
                epochs=segment.last_epoch,
                steps_per_epoch=segment.steps_per_epoch,
                callbacks=[*goes_on, *observers],
                verbose=0,
            )
            if stop.stopped:
                break
    checkpoints.save()
    return int(model.step.numpy()) >= plan.total_steps


def _save_preset(model, run, config, source, plan, data, command):
    rows = read_log(run)
    last = rows[-1] if rows else {}  # killed between its last checkpoint and the end of its only epoch
    training = {
        "command": command,
        "steps": int(model.step.numpy()),
        "total_steps": plan.total_steps,
        "batch_size": config.training.batch_size,
        "seed": config.training.seed,
        "precision": config.training.precision,
        "seconds": round(sum(float(row["seconds"]) for row in rows)),
        "date": time.strftime("%Y-%m-%d"),
        "devices": _devices(model),
        "data": str(source),
        "losses": {name: float(v) for name, v in last.items() if v and name not in ("epoch", "step", "seconds")},
        "versions": software_versions(),
    }
    folder = save_preset(model, run / RUN_PRESET, config=config, training=training, overwrite=True)
    write_samples(model, folder / "samples", data=data, overwrite=True)
    return folder


def _devices(model):
    replicas = model.distribute_strategy.num_replicas_in_sync
    gpus = tf.config.list_physical_devices("GPU")
    kind = f"{len(gpus)} GPU" if gpus else "CPU"
    return f"{kind}, {replicas} replica{'s' * (replicas > 1)}"
