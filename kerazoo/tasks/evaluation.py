"""Measuring a preset with what its configuration says, reproducibly."""

from kerazoo.presets.config import with_options
from kerazoo.presets.loading import load
from kerazoo.presets.preset import find_preset
from kerazoo.tasks import Data, task_module
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
    measured = {key: value for key, value in settings.model_dump(mode="json").items() if value is not None}
    return {**measured, "metrics": metrics}
