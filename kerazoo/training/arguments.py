"""From a preset and command-line options to the configuration of a run."""

from kerazoo.config import make_config
from kerazoo.data import open_source
from kerazoo.presets import find_preset
from kerazoo.registry import model_class


def training_config(name, *, data=None, options=None, overrides=(), download=False, say=lambda line: None):
    """The configuration of a run: the preset's, with other data and options applied.

    With other data than the preset's, the model takes the images' own size and channels (within what its
    architecture allows), unless `model.image_shape` is overridden.

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
        if not any(item.startswith("model.image_shape") for item in overrides):
            shape = _own_shape(values["architecture"], data, download)
            if shape:
                values["model"] = values["model"] | {"image_shape": list(shape)}
                say(f"images of {'x'.join(map(str, shape))}, from the data; --set model.image_shape=[h,w,c] changes it")
    return make_config(values, overrides, where=str(name))


def _own_shape(architecture, data, download):
    info = open_source(data, download=download).info
    shape = info.shapes[info.key]
    limits = getattr(model_class(architecture), "image_sizes", None)
    if info.kind != "image" or limits is None:
        return None
    side = min(max(min(shape[:2]), limits[0]), limits[1])
    return (side, side, shape[2])
