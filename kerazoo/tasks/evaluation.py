"""Measuring a preset with what its configuration says, reproducibly."""

import functools
import warnings

from kerazoo.data import open_source
from kerazoo.presets.config import with_options
from kerazoo.presets.loading import load
from kerazoo.presets.preset import find_preset
from kerazoo.tasks import Data, task_module
from kerazoo.tasks.image_generation import check_extractor, load_extractor
from kerazoo.utils.errors import ConfigError


def evaluate_preset(name, *, options=None, overrides=(), download=False):
    """Measure a preset.

    Args:
        name: str or Path. As for `kerazoo.load`.
        options: dict[str, Any] or None. Values of the `evaluation` section, such as `{"num": 2000}`; None among them
            means unchanged. Defaults to None.
        overrides: sequence of str. `--set` items, for example `"evaluation.num=2000"`; they have the last word.
        download: bool. Whether missing data may be downloaded. Defaults to False.

    Returns:
        dict. `metrics` (name -> number), and how they were measured: `data`, `split`, `num`, `seed`, `extractor`.

    Raises:
        ConfigError: the preset does not say what to measure it on, and `evaluation.data` was not given.
        PresetError, DataError: one line each.

    Example:
        >>> evaluate_preset("dcgan_mnist")["metrics"]["classifier_fid"]
    """
    preset = find_preset(name)
    settings = with_options(preset.config, "evaluation", options, overrides, where=str(name)).evaluation
    if settings.data is None:
        raise ConfigError(f"{preset.name} does not say what data to measure it on; give --data (evaluation.data)")
    model = load(name)
    data = Data(settings.data, model.image_shape, download)
    metrics = task_module(model.task).evaluate(model, data, settings)
    metrics |= model.own_figures(data, settings, functools.partial(load_extractor, settings.extractor))
    _warn_of_few(metrics)
    measured = {key: value for key, value in settings.model_dump(mode="json").items() if value is not None}
    return {**measured, "metrics": metrics}


def check_evaluation(config, *, opens=False, download=False):
    """Check what a configuration says of its evaluation as far as that can be without a trained model.

    Args:
        config: RunConfig.
        opens: bool. Whether the data must be there. Defaults to False.
        download: bool. Whether missing data may be downloaded. Defaults to False.

    Raises:
        ConfigError: `opens`, and no data are named.
        PresetError: an extractor that is not there.
        DataError: data that are not there.
    """
    settings = config.evaluation
    if settings.extractor is not None:
        check_extractor(settings.extractor)
    if not opens:
        return
    if settings.data is None:
        raise ConfigError(f"{config.architecture}: no data to measure it on; give --set evaluation.data=SOURCE")
    open_source(settings.data, split=settings.split, limit=1, download=download)


FEW_IMAGES = 2000


def _warn_of_few(metrics):
    """Warn where a Frechet distance is one of so few images that it says more of their number than of the model."""
    num, name = metrics.get("num_images"), next((key for key in metrics if key.endswith("fid")), None)
    if name and num is not None and num < FEW_IMAGES:
        warnings.warn(
            f"{name} of {int(num):,} images is biased upwards, and is comparable only with others of as many; take "
            f"{FEW_IMAGES:,} or more (evaluation.num; 10,000 is usual)",
            stacklevel=3,
        )
