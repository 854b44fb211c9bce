"""Names to models: `load`, `create`, `list_models`, `list_presets`, `info`."""

import contextlib
import warnings

from kerazoo.base.arguments import check_arguments, shorten
from kerazoo.base.registry import index, model_class
from kerazoo.presets.preset import check_weights, find_preset, presets_of, shipped_presets, unfrozen
from kerazoo.utils.errors import ConfigError
from kerazoo.utils.memory import bounded_variables

AUTO = "auto"


def list_models():
    """The architectures of the zoo, without importing TensorFlow.

    Returns:
        list[str]. Names for `load` and `create`, sorted.

    Example:
        >>> {"dcgan", "vae"} <= set(kerazoo.list_models())
        True
    """
    return list(index())


def list_presets(architecture=None):
    """The presets that ship with the package, without importing TensorFlow.

    Args:
        architecture: str or None. Only those of this architecture, its default first. Defaults to None, all by name.

    Returns:
        list[str]. Names for `load`.

    Example:
        >>> kerazoo.list_presets("dcgan")
        ['dcgan_mnist']
    """
    return shipped_presets() if architecture is None else [preset.name for preset in presets_of(architecture)]


def load(name, /, *, weights=AUTO, skip_mismatch=False, **arguments):
    """A trained model.

    Args:
        name: str or Path. A preset (`"dcgan_mnist"`), an architecture (`"dcgan"`: its default preset), a preset
            folder, a run folder of `kerazoo train`, or `"hf://owner/name"`. A run that is in progress or stopped gives
            the model of its latest checkpoint, and a warning that says at which step it stands.
        weights: `"auto"` or None. `"auto"` loads the preset's weights, checked by sha256; None gives fresh ones.
            Random weights are never returned unless asked for. Defaults to `"auto"`.
        skip_mismatch: bool. With changed `arguments`, keep fresh values where shapes differ (for fine-tuning with
            another head or image size) and warn which they are, instead of an error. Defaults to False.
        **arguments: changes to the preset's model arguments, and `name`, `dtype` of `keras.Model`.

    Returns:
        ZooModel. Uncompiled: call `compile()` to train it.

    Raises:
        UnknownNameError: nothing has this name.
        PresetError: no weights, damaged weights, or weights that do not fit the changed arguments.
        ConfigError: an argument that the model does not have, or a value out of range.

    Example:
        >>> model = kerazoo.load("dcgan")
        >>> model.generate(4, seed=1).shape
        (4, 28, 28, 1)
    """
    preset = find_preset(name)
    if weights is None:
        return build(unfrozen(preset.config), **arguments)
    if weights != AUTO:
        raise ConfigError(f"weights = {weights!r}: 'auto' or None is expected; to load a folder, give it as the name")
    with _weights(preset) as (path, stage):
        from kerazoo.presets.weights import check_same_shapes, read_weights

        model = build(preset.config, **arguments)
        if arguments and not skip_mismatch:
            check_same_shapes(build(preset.config), model, what=preset.name)
        read_weights(model, path, what=preset.name, skip_mismatch=skip_mismatch)
    model.preset, model.preset_folder, model.page_inputs = preset.name, preset.folder, preset.config.page_inputs
    model.continue_stage(stage or model.stages()[-1].name)  # what was trained in parts is past its earlier stages
    if preset.standing and not preset.standing.finished:
        warnings.warn(f"{name}: the run is not finished; this is its model at {preset.standing}", stacklevel=2)
    return model


@contextlib.contextmanager
def _weights(preset):
    """(weights file, stage of training or None for the last) of a preset, or of a run's latest checkpoint."""
    if preset.standing is None or preset.standing.checkpoint is None:
        yield check_weights(preset), None
        return
    from kerazoo.presets.checkpoint import checkpoint_weights

    with checkpoint_weights(preset.standing.checkpoint, preset.config) as found:
        yield found


def create(name, /, **arguments):
    """A fresh model with random weights.

    Args:
        name: str or Path. An architecture (the class's defaults), or a preset (its arguments).
        **arguments: arguments of the model's class, and `name`, `dtype` of `keras.Model`.

    Returns:
        ZooModel. Uncompiled. `keras.utils.set_random_seed(n)` before it makes the weights repeatable.

    Raises:
        UnknownNameError: nothing has this name.
        ConfigError: an argument that the model does not have, or a value out of range.

    Example:
        >>> kerazoo.create("dcgan", image_shape=(32, 32, 3), filters=64).image_shape
        (32, 32, 3)
    """
    if str(name) in index():
        with bounded_variables(name):
            return model_class(str(name))(**arguments)
    return build(unfrozen(find_preset(name).config), **arguments)


def build(config, /, **arguments):
    """A fresh model of a `Config`, with some of its model arguments changed; frozen where the configuration says so."""
    cls = model_class(config.architecture)
    # Names and precisions are chosen where a model is made: a configuration holds what the paper would say.
    check_arguments(cls, config.model, keras_arguments=())
    with bounded_variables(config.architecture):
        model = cls(**{**config.model, **arguments})
    if config.frozen is not None:
        model.freeze_layers(config.frozen)
    return model


def info(name):
    """Description and figures of a preset, without importing TensorFlow.

    Args:
        name: str or Path. As for `load`.

    Returns:
        dict. `preset`, `architecture`, `summary`, `folder`, `model` (arguments), `data`, `parameters`, `bytes`,
        `sha256`, `training` and `metrics` (name -> value, as measured by the command in `evaluation`); of a run that
        is not finished also `run`, its step.

    Raises:
        UnknownNameError: nothing has this name.
        PresetError: a folder that is no preset.

    Example:
        >>> kerazoo.info("dcgan")["parameters"]["trainable"]
        1368810
    """
    preset = find_preset(name)
    metadata = preset.metadata
    weights = metadata.get("weights", {})
    evaluation = metadata.get("evaluation", {})
    unfinished = preset.standing is not None and not preset.standing.finished
    return {
        "preset": preset.name,
        **({"run": f"not finished, at {preset.standing}"} if unfinished else {}),
        "architecture": preset.config.architecture,
        "summary": preset.config.summary,
        "folder": str(preset.folder),
        "model": {name: shorten(value) for name, value in preset.config.model.items()},
        "data": preset.config.data.source,
        "parameters": weights.get("parameters", {}),
        "bytes": weights.get("bytes"),
        "sha256": weights.get("sha256"),
        "training": metadata.get("training", {}),
        "evaluation": {key: value for key, value in evaluation.items() if key != "metrics"},
        "metrics": evaluation.get("metrics", {}),
    }


__all__ = ["build", "create", "info", "list_models", "list_presets", "load"]
