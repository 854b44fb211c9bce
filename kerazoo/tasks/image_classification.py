"""Image classifiers: pictures with their predicted class, accuracy, and what is left of it on adversarial examples."""

import math

import numpy as np

from kerazoo.metrics.robustness import adversarial_error, fast_gradient_sign, predicted_classes
from kerazoo.tasks.grids import write_grid
from kerazoo.utils.errors import DataError
from kerazoo.utils.images import as_float_array

HEADLINES = ("accuracy",)  # of a card's table of exported files


def sample(model, path, *, num=None, seed=0, data=None, epsilon=None, scale=None, overwrite=False):
    """Write a grid of images of the data, each with its predicted class.

    Of a model that also draws images (`generate`), two rows of its own follow, with the classes that it finds in them.

    Args:
        model: ZooModel with `classify`; with `epsilon` also `logits`.
        path: Path. As for `write_grid`, as are `scale` and `overwrite`.
        num: int or None. Images. Defaults to None: 64, with `epsilon` 8.
        seed: int. Which images. Defaults to 0.
        data: Data. Its split `test`.
        epsilon: float or None. Where it is given, each row has an image, the perturbation of this size (grey is none),
            and their sum, with the model's answers. Defaults to None.
        scale, overwrite: see `path`.

    Returns:
        tuple[Path]. The file.
    """
    source = data.open("test")
    if epsilon is not None:
        labels_of(source)
    chosen = source.sample(min(num or (64 if epsilon is None else 8), len(source)), seed=seed)
    names = dict(enumerate(source.info.class_names or ()))
    options = {"scale": scale, "overwrite": overwrite}
    if epsilon is not None:
        return (adversarial_picture(model, path, chosen["image"], chosen["label"], epsilon, names=names, **options),)
    images, columns = as_float_array(chosen["image"]), math.ceil(math.sqrt(len(chosen["image"])))
    labels = [names.get(c, str(c)) for c in predicted_classes(model, images)]
    if hasattr(model, "generate"):
        drawn = model.generate(2 * columns, seed=seed)
        white = np.ones((-len(images) % columns, *images.shape[1:]), "float32")
        images = np.concatenate([images, white, drawn])
        labels += [""] * len(white) + [f"drawn: {names.get(c, c)}" for c in predicted_classes(model, drawn)]
    return (write_grid(images, path, columns=columns, labels=labels, **options),)


def labels_of(source):
    """The labels of a source; a `DataError` where it has none."""
    if "label" not in source.arrays:
        raise DataError(f"{source.info.name} has no labels, which a classifier is measured on: give a folder a class")
    return source.arrays["label"]


def adversarial_picture(model, path, images, labels, epsilon, *, names=None, scale=None, overwrite=False):
    """Write one row an image: the image, its perturbation, and their sum, with the class found in each of both.

    Args:
        model: classifier, as for `kerazoo.robustness.fast_gradient_sign`.
        path: str or Path. As for `write_grid`, as are `scale` and `overwrite`.
        images: array. uint8, or float in [0, 1], shape `(num, *image_shape)`.
        labels: array of integers, shape `(num,)`.
        epsilon: float. The largest change of a pixel.
        names: dict[int, str] or None. The classes' names. Defaults to None, their numbers.
        scale, overwrite: see `path`.

    Returns:
        Path. The file.
    """
    images = as_float_array(images)
    changed = fast_gradient_sign(model, images, labels, epsilon)
    size = f"{epsilon:g}"
    answers = [[(names or {}).get(c, str(c)) for c in predicted_classes(model, x)] for x in (images, changed)]
    captions = [caption for before, after in zip(*answers, strict=True) for caption in (before, size, after)]
    # Grey is no change; the largest ones are black and white.
    perturbation = 0.5 + (changed - images) / (2 * epsilon) if epsilon else np.full_like(images, 0.5)
    rows = np.stack([images, perturbation, changed], axis=1)
    options = {"columns": 3, "labels": captions, "scale": scale, "overwrite": overwrite}
    return write_grid(rows.reshape(-1, *images.shape[1:]), path, **options)


def evaluate(model, data, settings):
    """Accuracy and cross-entropy (nats) on the whole split, or on its first `settings.num` examples.

    Returns:
        dict[str, float]. `accuracy`, `cross_entropy`, `num_images`; where `settings.epsilon` is given also
        `clean_error`, which is 1 - `accuracy`, and `adversarial_error`, that of the images changed by the fast
        gradient sign method with this epsilon.
    """
    source = data.open(settings.split)
    images, labels = source.arrays["image"][: settings.num], labels_of(source)[: settings.num]
    probabilities = model.classify(images)
    if labels.max() >= probabilities.shape[1]:
        raise DataError(
            f"{source.info.name} has labels up to {labels.max()} where the model has {probabilities.shape[1]} classes: "
            "measure it on data with the classes that it was trained on"
        )
    of_label = probabilities[np.arange(len(labels)), labels]
    accuracy = float(np.mean(probabilities.argmax(axis=1) == labels))
    attacked = {}
    if settings.epsilon is not None:
        error = adversarial_error(model, images, labels, settings.epsilon)
        attacked = {"clean_error": 1 - accuracy, "adversarial_error": error}
    return {
        "accuracy": accuracy,
        "cross_entropy": float(-np.mean(np.log(np.maximum(of_label, 1e-12)))),
        **attacked,
        "num_images": len(labels),
    }
