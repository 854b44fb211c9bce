"""Image classifiers: pictures with their predicted class, and accuracy."""

import numpy as np

from kerazoo.tasks.grids import write_grid

HEADLINES = ("accuracy",)  # of a card's table of exported files


def sample(model, path, *, num=64, seed=0, data=None, overwrite=False):
    """Write a grid of `num` images of the data, each with its predicted class, as `<path>.png`."""
    source = data.open("test")
    images = source.sample(min(num, len(source)), seed=seed)["image"]
    names = dict(enumerate(source.info.class_names or ()))
    classes = model.classify(images).argmax(axis=1)
    return (write_grid(images, path, labels=[names.get(c, str(c)) for c in classes], overwrite=overwrite),)


def evaluate(model, data, settings):
    """Accuracy and cross-entropy (nats) on the whole split, or on its first `settings.num` examples.

    Returns:
        dict[str, float]. `accuracy`, `cross_entropy`, `num_images`.
    """
    source = data.open(settings.split)
    images, labels = source.arrays["image"][: settings.num], source.arrays["label"][: settings.num]
    probabilities = model.classify(images)
    of_label = probabilities[np.arange(len(labels)), labels]
    return {
        "accuracy": float(np.mean(probabilities.argmax(axis=1) == labels)),
        "cross_entropy": float(-np.mean(np.log(np.maximum(of_label, 1e-12)))),
        "num_images": len(labels),
    }
