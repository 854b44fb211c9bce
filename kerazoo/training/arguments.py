"""From a preset and command-line options to the configuration of a run, and its data."""

import functools

from kerazoo.base.arguments import shorten
from kerazoo.base.registry import model_class
from kerazoo.presets.config import make_config
from kerazoo.presets.preset import find_recipe
from kerazoo.tasks import Data
from kerazoo.training.setup import model_shape
from kerazoo.utils.errors import ConfigError


def training_arguments(
    name, *, data=None, options=None, overrides=(), download=False, strict=False, say=lambda line: None
):
    """The arguments of `train`: the preset's configuration with other data and options applied, and the data.

    With other data than the preset's, the model takes from them what its architecture says (the images' size and
    channels, a vocabulary), unless that is overridden. They are read once, in the size that the model takes.

    Args:
        name: str. A preset, as for `kerazoo.load`.
        data: str or None. Another training source. Defaults to None.
        options: dict[str, Any] or None. Values of the `training` section; None among them means unchanged.
        overrides: sequence of str. `--set` items; they have the last word.
        download: bool. Whether missing data may be downloaded. Defaults to False.
        strict: bool. Whether a broken image in a folder is an error. Defaults to False.
        say: callable. Told, in one line, what was chosen. Defaults to silence.

    Returns:
        (Config, Data).

    Raises:
        ConfigError, DataError, UnknownNameError: one line each.

    Example:
        >>> config, data = training_arguments("dcgan", data="folder:photos", options={"epochs": 5})
        >>> train(config, "runs/photos", data=data)
    """
    recipe = find_recipe(name)
    values = recipe.config.model_dump(mode="json")
    source = values["data"]["source"] if recipe.folder is not None else None
    if source is None and data is None:
        raise ConfigError(f"{name} has no preset that says what it is trained on; give --data, such as --data digits")
    changed = {key: value for key, value in (options or {}).items() if value is not None}
    if "epochs" in changed and "steps" not in changed:
        # Asked for epochs: the preset's own steps, and the epochs of its stages, do not count.
        stages = values["training"]["stages"].items()
        changed |= {"steps": None, "stages": {name: {**stage, "epochs": None} for name, stage in stages}}
    values["training"] = values["training"] | changed
    if data is not None:
        # How many labels were kept of the configured data says nothing of others.
        values["data"] = values["data"] | {"source": data, "labels_per_class": None}
    config = make_config(values, overrides, where=str(name))
    flags = {"download": download, "strict": strict}
    if config.data.source == source:
        return config, Data(source, **flags)
    source = config.data.source
    values |= {"summary": f"{config.architecture} trained on {source}", "notes": [], "page_inputs": {}}
    # The preset's extractor knows the preset's images, not these.
    values["evaluation"] = values["evaluation"] | {"data": source, "extractor": None}
    chosen = {item.partition("=")[0].strip() for item in overrides}
    cls, shape = model_class(config.architecture), None
    if "model.image_shape" in chosen:
        shape = model_shape(config)
    elif cls.image_sizes is not None:
        shape = functools.partial(cls.fitting_shape, arguments=config.model)
    opened = Data(source, shape, **flags)
    for key, value in cls.arguments_from(opened.open(config.data.split), config.model).items():
        if f"model.{key}" not in chosen:
            values["model"] = values["model"] | {key: value}
            say(f"{key} = {shorten(value)}, from the data; --set model.{key}=... changes it")
    return make_config(values, overrides, where=str(name)), opened
