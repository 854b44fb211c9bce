"""Models that complete images of which some quadrants are given: completions, and their likelihood."""

import numpy as np

from kerazoo.metrics import neighbour_completion_nats
from kerazoo.tasks.grids import write_grid
from kerazoo.utils.images import as_float_array, binarised

HEADLINES = ("negative_cll_1", "negative_cll_2", "negative_cll_3")  # of a card's table of exported files

GIVEN = (1, 2, 3)  # quadrants
NUM_IMAGES, NUM_COMPLETIONS, MISSING = 9, 6, 0.5
NUM_IMPORTANCE_SAMPLES = 100  # as in Sohn et al. 2015


def sample(model, path, *, num=NUM_IMAGES, seed=0, data=None, scale=None, overwrite=False):
    """Write `num` rows: what is given of a held-out image, one, two or three quadrants; completions; the image."""
    source = data.open("test")
    images = as_float_array(source.sample(min(num, len(source)), seed=seed)["image"])
    masks = np.stack([model.quadrants(GIVEN[i * len(GIVEN) // len(images)]) for i in range(len(images))])
    given = np.where(masks[..., None], images, MISSING)
    found = [model.complete(images, masks, seed=seed + i) for i in range(NUM_COMPLETIONS)]
    rows = np.stack([given, *found, images], axis=1)
    grid = rows.reshape(-1, *images.shape[1:])
    return (write_grid(grid, path, columns=rows.shape[1], scale=scale, overwrite=overwrite),)


def evaluate(model, data, settings):
    """The conditional likelihood of the missing quadrants of binarised held-out images, in nats an image.

    Args:
        model: ZooModel with `score(images, mask)`, `complete(images, mask)` and `quadrants(number)`.
        data: Data. Splits `settings.split`, and `train` for the nearest neighbours.
        settings: EvaluationConfig. `num` images of `seed`.

    Returns:
        dict[str, float]. Of one, two and three quadrants given, `negative_cll_<given>`: minus the log-likelihood of the
        others, by 100 importance samples; `nearest_neighbours_<given>`: the same under the frequencies among the
        nearest training images, see `kerazoo.metrics.neighbour_completion_nats`; `num_images`.
    """
    test, train = data.open(settings.split), data.open("train")
    num, report = min(settings.num, len(test)), {}
    images = as_float_array(test.sample(num, seed=settings.seed)["image"])
    images = binarised(images, np.random.default_rng(settings.seed))
    known = as_float_array(train.arrays["image"][:])
    for given in GIVEN:
        mask = model.quadrants(given)
        nats = model.score(images, mask, num_importance_samples=NUM_IMPORTANCE_SAMPLES, seed=settings.seed)
        report[f"negative_cll_{given}"] = float(-nats.mean())
        mask = np.broadcast_to(mask[..., None], images.shape[1:]).reshape(-1)
        peer = neighbour_completion_nats(known.reshape(len(known), -1), images.reshape(num, -1), mask)
        report[f"nearest_neighbours_{given}"] = float(peer.mean())
    return {**report, "num_images": num}
