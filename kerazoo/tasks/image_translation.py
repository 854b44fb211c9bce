"""Image translators between two domains: before-and-after pictures; what the way there and back keeps."""

import numpy as np

from kerazoo.data.unpaired import DOMAINS, require_unpaired
from kerazoo.metrics import kid
from kerazoo.tasks.grids import write_grid
from kerazoo.tasks.image_generation import load_extractor
from kerazoo.utils.images import as_float_array

HEADLINES = ("class_kept_a_to_b", "class_kept_b_to_a")  # of a card's table of exported files

CAPTIONS = ("a", "a to b", "and back", "b", "b to a", "and back")


def sample(model, path, *, num=16, seed=0, data=None, overwrite=False):
    """Write `num` images of the data, half of each domain, before and after, as `<path>.png`.

    A row has an image of domain a, its translation and the way back, then the same for one of domain b.
    """
    source = require_unpaired(data.open("test"))
    images = source.sample(min(max(1, num // 2), *(len(source.arrays[domain]) for domain in DOMAINS)), seed=seed)
    columns = [
        column
        for domain, there in zip(DOMAINS, ("a_to_b", "b_to_a"), strict=True)
        for column in (
            as_float_array(images[domain]),
            model.translate(images[domain], there),
            model.cycle(images[domain], there),
        )
    ]
    rows = np.stack(columns, axis=1)
    images, labels = rows.reshape(-1, *rows.shape[2:]), CAPTIONS * len(rows)
    return (write_grid(images, path, columns=len(columns), labels=labels, overwrite=overwrite),)


def evaluate(model, data, settings):
    """Measure both directions.

    Args:
        model: ZooModel with `translate` and `cycle`.
        data: Data. Its split `settings.split` has two domains; with labels and `to_class_images`, the classes are
            measured too.
        settings: EvaluationConfig. `num` images of each domain, of `seed`; `extractor` is a classifier of the original
            images, as `load_extractor` takes it, or None.

    Returns:
        dict[str, float]. For each domain `cycle_l1_<domain>`, the mean absolute difference (images in [0, 1]) between
        an image and its return from the other domain, and `identity_l1_<domain>`, between an image and its translation
        to its own domain. With an extractor, for each direction `class_kept_<direction>`, the fraction of translations
        in which it finds the class of the original's label, `class_accuracy_<domain>`, the same for the real images
        of the domain, and `kid_<direction>`, the kernel distance of translations from real images of the domain, with
        `kid_floor_<domain>`, of one half of the real images from the other. `num_images` of each domain.
    """
    source = require_unpaired(data.open(settings.split))
    num = min(settings.num, *(len(source.arrays[domain]) for domain in DOMAINS))
    parts = {domain: getattr(source, domain).sample(num, seed=settings.seed) for domain in DOMAINS}
    images = {domain: as_float_array(part["image"]) for domain, part in parts.items()}
    ways = {"a": ("a_to_b", "b"), "b": ("b_to_a", "a")}
    translated = {domain: model.translate(images[domain], way) for domain, (way, _) in ways.items()}
    report = {}
    for domain, (way, other) in ways.items():
        same = model.translate(images[domain], ways[other][0])
        report[f"cycle_l1_{domain}"] = float(np.abs(model.cycle(images[domain], way) - images[domain]).mean())
        report[f"identity_l1_{domain}"] = float(np.abs(same - images[domain]).mean())
    if settings.extractor is not None and source.to_class_images and all("label" in part for part in parts.values()):
        extractor = load_extractor(settings.extractor)
        to_class = {domain: as_class_images(convert) for domain, convert in source.to_class_images.items()}
        for domain, (way, other) in ways.items():
            real, fake = to_class[other](images[other]), to_class[other](translated[domain])
            report[f"class_kept_{way}"] = _accuracy(extractor, fake, parts[domain]["label"])
            report[f"class_accuracy_{other}"] = _accuracy(extractor, real, parts[other]["label"])
            report |= _distances(extractor, real, fake, way, other, settings.seed)
    return report | {"num_images": num}


def as_class_images(convert):
    """A domain's function to class images, with its result as contiguous float32 in [0, 1]."""
    return lambda images: np.ascontiguousarray(np.clip(convert(images), 0, 1), dtype=np.float32)


def _accuracy(extractor, images, labels):
    return float(np.mean(extractor.classify(images).argmax(axis=1) == labels))


def _distances(extractor, real, fake, way, domain, seed):
    real, fake, half = extractor.features(real), extractor.features(fake), len(real) // 2
    size = min(1000, half)
    return {
        f"kid_{way}": kid(real, fake, subset_size=size, seed=seed).mean,
        f"kid_floor_{domain}": kid(real[:half], real[half:], subset_size=max(2, size // 2), seed=seed).mean,
    }
