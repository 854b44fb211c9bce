"""The data and the model of a run: fresh from the configuration, or from the latest checkpoint."""

import warnings

import keras

from kerazoo.base.arguments import check_arguments, model_parameters
from kerazoo.base.optimizers import LinearDecay, with_overrides
from kerazoo.base.rates import follows_schedule
from kerazoo.base.registry import model_class
from kerazoo.base.stages import set_learning_rate
from kerazoo.presets.checkpoint import load_checkpoint
from kerazoo.presets.loading import build
from kerazoo.presets.runs import saved_checkpoints
from kerazoo.utils.errors import ConfigError, DataError, TrainingError
from kerazoo.utils.memory import check_memory


def completed(config, source):
    """The configuration with those required arguments of the model that the training data determine."""
    cls = model_class(config.architecture)
    required = {name for name, parameter in model_parameters(cls).items() if parameter.default is parameter.empty}
    if required <= set(config.model):
        return config
    found = cls.arguments_from(source, config.model)
    return config.model_copy(update={"model": {**found, **config.model}})


def prepared(model, source):
    """The source as the model trains on it; a `DataError` if it lacks the entry that batches need."""
    source, key = model.prepare_examples(source), model.batch_key
    if key not in source.arrays:
        entries = ", ".join(source.arrays)
        raise DataError(f"{model.architecture} trains on entries {key!r}; {source.info.name} has: {entries}")
    return source


def model_shape(config):
    """The `image_shape` of a configuration's model, or of its class's default; None for a model of something else."""
    cls = model_class(config.architecture)
    # The data are opened before the model is built, which checks again: some arguments come from the data.
    check_arguments(cls, config.model, keras_arguments=(), complete=False)
    parameter = model_parameters(cls).get("image_shape")
    if parameter is None:
        return None
    shape = config.model.get("image_shape", parameter.default)
    return None if shape is None else tuple(shape)


def new_model(config):
    """The fresh model of a configuration, its weights drawn from the configured seed."""
    keras.utils.set_random_seed(config.training.seed)
    return build(config, dtype=config.training.precision)


def compile_new(model, config, plan):
    """Compile a fresh model with its configuration's optimizers, schedules and seed of all noise."""
    settings = config.training
    if settings.decay_start is not None and any(stage.learning_rates for stage in settings.stages.values()):
        raise ConfigError("training.stages sets learning rates, and training.decay_start a schedule: give one of both")
    optimizers = dict(config.optimizers)  # compile() reports roles that the model does not have
    for role, default in model.default_optimizers().items():
        optimizer = with_overrides(default, config.optimizers.get(role, {}))
        if settings.decay_start is not None:
            if follows_schedule(optimizer):
                raise ConfigError(
                    f"training.decay_start: the rate of role {role!r} follows a schedule of its own; leave it out, or "
                    f"set optimizers.{role}.learning_rate"
                )
            steps = sum(plan.stage_steps[stage.name] for stage in model.stages() if role in stage.roles)
            updates = max(1, steps * model.updates_per_step(role))
            schedule = LinearDecay(optimizer.learning_rate.numpy(), updates, settings.decay_start)
            optimizer = with_overrides(optimizer, {"learning_rate": schedule})
        optimizers[role] = optimizer
    model.compile(optimizers, seed=settings.seed, accumulate=settings.accumulate, ema_decay=settings.ema_decay)
    set_stage_rates(model, settings)


def set_stage_rates(model, settings):
    """Give the roles the learning rates that a configuration sets for the model's stage."""
    stage = settings.stages.get(model.stage.name)
    for role, rate in (stage.learning_rates if stage else {}).items():
        if role not in model.optimizers:
            raise ConfigError(
                f"training.stages.{model.stage.name}: unknown role {role!r}; {', '.join(model.optimizers)}"
            )
        set_learning_rate(role, model.optimizers[role], rate)


def rows_of_a_step(model, config, batch_size):
    """Examples that one training step takes."""
    return batch_size * model.batches_per_step * config.training.accumulate


def resumed_model(run, config):
    """The model of a run's latest checkpoint, checked to be one of the configuration; None where there is none yet."""
    checkpoints = saved_checkpoints(run)
    return load_checkpoint(checkpoints[-1][1], config, error=TrainingError) if checkpoints else None


def check_batch_memory(source, rows):
    """Raise a `ConfigError` where the examples of one step alone are more than the machine's memory."""
    arrays = source.arrays.values()
    each = sum(array.nbytes // max(1, len(array)) for array in arrays)
    check_memory(rows * each, f"one step of {rows:,} examples", "lower training.batch_size (--batch-size)")


def warn_of_short_epochs(config, source, rows, plan):
    """Warn where one step goes through all the data, so that a few epochs are a few steps."""
    if config.training.steps is None and plan.total_steps == plan.total_epochs:
        warnings.warn(
            f"{source.info.name}: {len(source):,} examples, and a step takes {rows:,}: an epoch is one step, and the "
            f"run {plan.total_steps:,}; set --batch-size lower (training.batch_size), or give --steps",
            stacklevel=3,
        )
