"""One row an architecture: what the shared checks in `test_zoo.py` need to know of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


def tiny_images(num=8, size=16, channels=1, classes=3):
    """Images with a bright square whose place is the class: uint8, with labels."""
    rng = np.random.default_rng(0)
    labels = np.arange(num) % classes
    images = rng.integers(0, 60, (num, size, size, channels), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[4 * label : 4 * label + 4] += 180
    return {"image": images, "label": labels}


@dataclass(frozen=True)
class Verb:
    """A call of one verb: what it must return."""

    call: Callable[[Any, dict], np.ndarray]
    shape: tuple
    range: tuple[float, float] = (-np.inf, np.inf)


@dataclass(frozen=True)
class Row:
    """An architecture's tiny model, a batch for it, and what is known of both.

    Attributes:
        arguments: of a model that trains in milliseconds.
        batch: eight examples.
        parameters: exact number for `arguments`, trainable and not.
        verbs: name -> Verb.
        sample: `sample(model, seed)`, for models that generate; None for those that do not.
        falling: names of losses that must fall when one batch is repeated.
        unchanged: paths of trainable variables that rightly get no gradient.
    """

    arguments: dict
    batch: Callable[[], dict]
    parameters: int
    verbs: dict[str, Verb]
    sample: Callable | None = None
    falling: tuple[str, ...] = ()
    unchanged: frozenset = field(default_factory=frozenset)


ROWS = {
    "cnn_classifier": Row(
        arguments={"image_shape": (16, 16, 1), "num_classes": 3, "filters": (4, 4), "feature_dim": 6},
        batch=tiny_images,
        # 3x3 convolutions 1 -> 4 and 4 -> 4, the hidden layer 4 x 4 x 4 -> 6 and the output 6 -> 3, all with biases
        parameters=40 + 148 + 390 + 21,
        verbs={
            "classify": Verb(lambda model, batch: model.classify(batch["image"]), (8, 3), (0, 1)),
            "features": Verb(lambda model, batch: model.features(batch["image"]), (8, 6), (0, np.inf)),
        },
        falling=("classifier_loss",),
    ),
    "dcgan": Row(
        arguments={"image_shape": (16, 16, 1), "latent_dim": 5, "filters": 4, "kernel_size": 3},
        batch=tiny_images,
        # generator: 5 x 4 x 4 x 8, 3x3 kernels 8 -> 4 and 4 -> 1 with bias, batch normalisation of 8 and 4 channels;
        # discriminator: 3x3 kernels 1 -> 4 with bias and 4 -> 8, batch normalisation of 8, and 4 x 4 x 8 -> 1
        parameters=(640 + 288 + 37 + 4 * 12) + (40 + 288 + 32 + 129),
        verbs={
            "generate": Verb(lambda model, batch: model.generate(3, seed=0), (3, 16, 16, 1), (0, 1)),
            "interpolate": Verb(
                lambda model, batch: model.interpolate(4, num_rows=2, seed=0), (2, 4, 16, 16, 1), (0, 1)
            ),
            "discriminate": Verb(lambda model, batch: model.discriminate(batch["image"]), (8,), (0, 1)),
            "features": Verb(lambda model, batch: model.features(batch["image"]), (8, 16 * (4 + 8))),
        },
        sample=lambda model, seed: model.generate(3, seed=seed),
    ),
    "vae": Row(
        arguments={"image_shape": (16, 16, 1), "latent_dim": 3, "hidden": (7, 6)},
        batch=tiny_images,
        # 256 -> 7 -> 6 -> 2 x 3 and 3 -> 6 -> 7 -> 256, all with biases
        parameters=(1799 + 48 + 42) + (24 + 49 + 2048),
        verbs={
            "generate": Verb(lambda model, batch: model.generate(3, seed=0), (3, 16, 16, 1), (0, 1)),
            "encode": Verb(lambda model, batch: model.encode(batch["image"])["mean"], (8, 3)),
            "reconstruct": Verb(lambda model, batch: model.reconstruct(batch["image"]), (8, 16, 16, 1), (0, 1)),
            "traverse": Verb(lambda model, batch: model.traverse(batch["image"][0], 1), (7, 16, 16, 1), (0, 1)),
            "score": Verb(lambda model, batch: model.score(batch["image"]), (8,), (-np.inf, 0)),
        },
        sample=lambda model, seed: model.generate(3, seed=seed),
        falling=("vae_loss",),
    ),
}
