"""Image generators: grids of samples, and their distance from real images."""

from pathlib import Path

import keras
import numpy as np

from kerazoo.metrics import (
    as_extractor,
    asked_class_accuracy,
    class_diversities,
    image_generation_report,
    linear_probe,
)
from kerazoo.presets.loading import load
from kerazoo.presets.preset import find_preset
from kerazoo.tasks.grids import write_grid
from kerazoo.utils.errors import ConfigError, DataError, PresetError
from kerazoo.utils.images import as_float_array

HEADLINES = ("classifier_fid", "coverage")  # of a card's table of exported files

PROBE_TRAIN, PROBE_TEST = 10_000, 10_000
NUM_IMAGES, IMAGES_PER_CLASS = 64, 8


def sample(model, path, *, num=None, seed=0, scale=None, overwrite=False):
    """Write a grid of `num` generated images; the same seed gives the same picture.

    By default there are 64; of a model that generates from labels (`model.conditional`) 8 of each class. A column of
    such a grid holds one class, and the classes follow each other from the left. A model with `sample_grid(num, seed)`
    gives `(images, columns)` of its own.
    """
    if hasattr(model, "sample_grid"):
        images, columns = model.sample_grid(num, seed=seed)
        return (write_grid(images, path, columns=columns, scale=scale, overwrite=overwrite),)
    if not is_conditional(model):
        return (write_grid(model.generate(num or NUM_IMAGES, seed=seed), path, scale=scale, overwrite=overwrite),)
    labels = labels_in_turn(num or IMAGES_PER_CLASS * model.num_classes, model.num_classes)
    images = model.generate(len(labels), labels=labels, seed=seed)
    return (write_grid(images, path, columns=model.num_classes, scale=scale, overwrite=overwrite),)


def is_conditional(model):
    """Whether a generator takes the labels of what it shall draw: `generate(num, labels=..., seed=...)`."""
    return bool(getattr(model, "conditional", False))


def labels_in_turn(num, num_classes):
    """int32 labels 0, 1, ..., num_classes - 1, 0, 1, ..., shape `(num,)`."""
    return (np.arange(num) % num_classes).astype(np.int32)


def evaluate(model, data, settings):
    """Measure generated images against real ones, and the model's features by a linear probe.

    Args:
        model: ZooModel with `generate`; where it also has `features`, they are probed. Where it generates from labels
            (`model.conditional`), it is asked for each class in turn.
        data: Data. Splits `settings.split` (what is compared with) and `train` (the floor, and the probe's training).
        settings: EvaluationConfig. `num` images of `seed`; `extractor` is what `load_extractor` takes.

    Returns:
        dict[str, float]. As `kerazoo.metrics.image_generation_report`, and `linear_probe_accuracy`. Of a model that
        generates from labels also `asked_class_accuracy`, the fraction of images in which the extractor finds the class
        that was asked for; with labels of the data `asked_class_accuracy_real`, the same for real images and their
        labels, `class_diversity_lowest`, and `class_diversity_<class>`: the mean distance of two generated images of
        the class over that of two real ones.
    """
    test = data.open(settings.split)
    train = data.open("train")
    num = min(settings.num, len(test), len(train))
    extractor = load_extractor(settings.extractor)
    rows = test.sample(num, seed=settings.seed)
    real, labels = as_float_array(rows["image"]), None
    if is_conditional(model):
        labels = labels_in_turn(num, model.num_classes)
    fake = model.generate(num, seed=settings.seed, **({} if labels is None else {"labels": labels}))
    train_images = as_float_array(train.sample(num, seed=settings.seed)["image"])
    report = image_generation_report(fake, real, train_images, extractor, seed=settings.seed)
    if labels is not None:
        report |= _class_report(extractor, fake, labels, real, rows.get("label"), model.num_classes)
    if hasattr(model, "features") and "label" in test.arrays:
        rows = train.sample(min(PROBE_TRAIN, len(train)), seed=settings.seed)
        held_out = test.sample(min(PROBE_TEST, len(test)), seed=settings.seed)
        report["linear_probe_accuracy"] = linear_probe(
            model.features(rows["image"]), rows["label"], model.features(held_out["image"]), held_out["label"]
        )
    return report


def _class_report(extractor, fake, asked, real, real_labels, num_classes):
    found = extractor.classify(fake)
    if found.shape[1] < num_classes:
        raise DataError(f"the extractor knows {found.shape[1]} classes where the model generates {num_classes}")
    report = {"asked_class_accuracy": asked_class_accuracy(asked, found.argmax(axis=1))}
    if real_labels is None:
        return report
    kept = real_labels < num_classes
    real, real_labels = real[kept], real_labels[kept]
    diversities = class_diversities(extractor.features(fake), asked, extractor.features(real), real_labels, num_classes)
    lowest = np.nan if np.isnan(diversities).all() else np.nanmin(diversities)
    return report | {
        "asked_class_accuracy_real": asked_class_accuracy(real_labels, extractor.classify(real).argmax(axis=1)),
        "class_diversity_lowest": float(lowest),
        **{f"class_diversity_{c}": float(value) for c, value in enumerate(diversities)},
    }


def check_extractor(name):
    """Raise a `PresetError` unless an extractor of a name is there; arguments as for `load_extractor`."""
    if not str(name).endswith(".keras"):
        find_preset(name)
    elif not Path(name).is_file():
        raise PresetError(f"{name}: no such file; give a preset of a classifier or a Keras classifier's file")


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
