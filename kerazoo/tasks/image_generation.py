"""Image generators: grids of samples, and their distance from real images."""

import keras

from kerazoo.metrics import as_extractor, image_generation_report, linear_probe
from kerazoo.presets.loading import load
from kerazoo.tasks.grids import write_grid
from kerazoo.utils.errors import ConfigError, PresetError
from kerazoo.utils.images import as_float_array

HEADLINES = ("classifier_fid", "coverage")  # of a card's table of exported files

PROBE_TRAIN, PROBE_TEST = 10_000, 10_000


def sample(model, path, *, num=64, seed=0, data=None, overwrite=False):
    """Write a grid of `num` generated images as `<path>.png`; the same seed gives the same picture."""
    return (write_grid(model.generate(num, seed=seed), path, overwrite=overwrite),)


def evaluate(model, data, settings):
    """Measure generated images against real ones, and the model's features by a linear probe.

    Args:
        model: ZooModel with `generate`; where it also has `features`, they are probed.
        data: Data. Splits `settings.split` (what is compared with) and `train` (the floor, and the probe's training).
        settings: EvaluationConfig. `num` images of `seed`; `extractor` is what `load_extractor` takes.

    Returns:
        dict[str, float]. As `kerazoo.metrics.image_generation_report`, and `linear_probe_accuracy`.
    """
    test = data.open(settings.split)
    train = data.open("train")
    num = min(settings.num, len(test), len(train))
    extractor = load_extractor(settings.extractor)
    report = image_generation_report(
        model.generate(num, seed=settings.seed),
        as_float_array(test.sample(num, seed=settings.seed)["image"]),
        as_float_array(train.sample(num, seed=settings.seed)["image"]),
        extractor,
        seed=settings.seed,
    )
    if hasattr(model, "features") and "label" in test.arrays:
        rows = train.sample(min(PROBE_TRAIN, len(train)), seed=settings.seed)
        held_out = test.sample(min(PROBE_TEST, len(test)), seed=settings.seed)
        report["linear_probe_accuracy"] = linear_probe(
            model.features(rows["image"]), rows["label"], model.features(held_out["image"]), held_out["label"]
        )
    return report


def load_extractor(name):
    """The feature extractor of a name.

    Args:
        name: str. A preset of a classifier, or the file of any Keras classifier of NHWC images in [0, 1] (`.keras`).

    Returns:
        An object with `features(images)` and `classify(images)`; see `kerazoo.metrics.as_extractor`.

    Raises:
        ConfigError: no name.
        PresetError: the file cannot be read.
    """
    if name is None:
        raise ConfigError("no feature extractor is configured; give --set evaluation.extractor=PRESET or FILE.keras")
    if not str(name).endswith(".keras"):
        return as_extractor(load(name))
    try:
        return as_extractor(keras.models.load_model(name))
    except (OSError, ValueError, TypeError) as error:
        raise PresetError(f"{name}: cannot be loaded as a Keras model ({str(error).strip().splitlines()[0]})") from None
