"""The data and the model of a run: fresh from the configuration, or from the latest checkpoint."""

import zipfile

import keras

from kerazoo.config import model_parameters
from kerazoo.errors import DataError, TrainingError
from kerazoo.optimizers import LinearDecay, with_overrides
from kerazoo.registry import model_class
from kerazoo.training.checkpoints import saved_checkpoints
from kerazoo.zoo import build


def open_training_source(config, data):
    """The training split; a `DataError` if it lacks the entry that the model trains on."""
    source, key = data.open(config.data.split), model_class(config.architecture).batch_key
    if key not in source.arrays:
        entries = ", ".join(source.arrays)
        raise DataError(f"{config.architecture} trains on entries {key!r}; {source.info.name} has: {entries}")
    return source


def model_shape(config):
    """The `image_shape` of a configuration's model, or of its class's default; None for a model of something else."""
    parameter = model_parameters(model_class(config.architecture)).get("image_shape")
    if parameter is None:
        return None
    return tuple(config.model.get("image_shape", parameter.default))


def new_model(config, total_steps):
    """The fresh, compiled model of a configuration, its weights and noise drawn from the configured seed."""
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


def resumed_model(run):
    """The model of a run's latest checkpoint; None where there is none yet."""
    checkpoints = saved_checkpoints(run)
    if not checkpoints:
        return None
    file = checkpoints[-1][1]
    try:
        return keras.models.load_model(file)
    except (KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())[:200]
        raise TrainingError(f"{file}: damaged ({reason}); remove it to go on from the checkpoint before") from None
