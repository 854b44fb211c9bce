"""Image generators: grids of samples, and their distance from real images."""

import numpy as np

from kerazoo.figures import image_grid, save_png
from kerazoo.metrics import as_extractor, image_generation_report, linear_probe

PROBE_TRAIN, PROBE_TEST = 10_000, 10_000


def sample(model, path, *, num=64, seed=0, data=None, overwrite=False):
    """Write a grid of `num` generated images as `<path>.png`; the same seed gives the same picture."""
    images = model.generate(num, seed=seed)
    file = path.with_name(path.name + ".png")
    save_png(image_grid(images), file, overwrite=overwrite)
    return file


def evaluate(model, data, settings):
    """Measure generated images against real ones, and the model's features by a linear probe.

    Args:
        model: ZooModel with `generate`; where it also has `features`, they are probed.
        data: Data. Splits `settings.split` (what is compared with) and `train` (the floor, and the probe's training).
        settings: EvaluationConfig. `num` images of `seed`; `extractor` names the classifier preset.

    Returns:
        dict[str, float]. As `kerazoo.metrics.image_generation_report`, and `linear_probe_accuracy`.
    """
    from kerazoo.zoo import load

    test = data.open(settings.split)
    train = data.open("train")
    num = min(settings.num, len(test), len(train))
    extractor = as_extractor(load(settings.extractor))
    report = image_generation_report(
        model.generate(num, seed=settings.seed),
        _images(test.sample(num, seed=settings.seed)),
        _images(train.sample(num, seed=settings.seed)),
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


def _images(rows):
    images = rows["image"]
    return images.astype(np.float32) / 255.0 if images.dtype == np.uint8 else images
