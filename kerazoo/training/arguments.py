"""From a preset and command-line options to the configuration of a run."""

from kerazoo.attachments import shorten
from kerazoo.config import make_config
from kerazoo.data import open_source
from kerazoo.presets import find_preset
from kerazoo.registry import model_class


def training_config(name, *, data=None, options=None, overrides=(), download=False, say=lambda line: None):
    """The configuration of a run: the preset's, with other data and options applied.

    With other data than the preset's, the model takes from them what its architecture says (the images' size and
    channels, a vocabulary), unless that is overridden.

    Args:
        name: str. A preset, as for `kerazoo.load`.
        data: str or None. Another training source. Defaults to None.
        options: dict[str, Any] or None. Values of the `training` section; None among them means unchanged.
        overrides: sequence of str. `--set` items; they have the last word.
        download: bool. Whether missing data may be downloaded. Defaults to False.
        say: callable. Told, in one line, what was chosen. Defaults to silence.

    Returns:
        Config.

    Raises:
        ConfigError, DataError, UnknownNameError: one line each.
    """
    values = find_preset(name).config.model_dump(mode="json")
    changed = {key: value for key, value in (options or {}).items() if value is not None}
    if "epochs" in changed and "steps" not in changed:
        changed["steps"] = None  # asked for epochs: a preset's own number of steps does not cut them short
    values["training"] = values["training"] | changed
    if data is not None and data != values["data"]["source"]:
        values["data"] = values["data"] | {"source": data}
        values |= {"summary": f"{values['architecture']} trained on {data}", "notes": []}
        # The preset's extractor knows the preset's images, not these.
        values["evaluation"] = values["evaluation"] | {"data": data, "extractor": None}
        cls, overridden = model_class(values["architecture"]), make_config(values, overrides).model
        for key, value in cls.arguments_from(open_source(data, download=download), overridden).items():
            if not any(item.startswith(f"model.{key}=") for item in overrides):
                values["model"] = values["model"] | {key: value}
                say(f"{key} = {shorten(value)}, from the data; --set model.{key}=... changes it")
    return make_config(values, overrides, where=str(name))
