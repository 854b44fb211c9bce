"""Models with an exact likelihood, of images or of points: samples, nats, and what simpler densities reach."""

import math

import numpy as np

from kerazoo.metrics import kernel_density_nats, pixel_histogram_nats
from kerazoo.tasks import point_generation, refuse
from kerazoo.tasks.grids import write_grid

HEADLINES = ("bits_per_dimension", "nats")  # of a card's table of exported files

NUM_IMAGES = 64
# Points that carry a kernel; the estimate's time grows with them.
NUM_KERNELS = 10_000


def sample(model, path, *, num=None, seed=0, data=None, scale=None, overwrite=False):
    """Write `num` samples: 64 images as a grid, or 2,500 points over held-out ones where `data` names a source."""
    options = {"scale": scale, "overwrite": overwrite}
    if model.image_shape is not None:
        refuse("data", data, "images are drawn by the model alone")
        return (write_grid(model.generate(num or NUM_IMAGES, seed=seed), path, **options),)
    return point_generation.sample(model, path, num=num or point_generation.NUM_POINTS, seed=seed, data=data, **options)


def evaluate(model, data, settings):
    """The likelihood of held-out examples, beside that of a simpler density fitted on the train split.

    Args:
        model: ZooModel with `score`, log p of each example in nats: the density of points; of images the probability
            of the 8-bit image, or a bound of it by dequantisation, every Jacobian counted.
        data: Data. Splits `settings.split`, and `train` for the simpler density.
        settings: EvaluationConfig. `num` examples of `seed`.

    Returns:
        dict[str, float]. `nats`, the mean of -log p, lower is better; `bits_per_dimension`, the same over log 2 and the
        number of values of an example; `nats_standard_error`; of points `nats_kernel_density`, of a Gaussian kernel
        density estimate whose bandwidth is chosen on a part of the train split; of images
        `bits_per_dimension_pixels`, of independent pixels with their own histograms; `num_examples`.
    """
    test, train = data.open(settings.split), data.open("train")
    num, key = min(settings.num, len(test)), test.info.key
    examples = test.sample(num, seed=settings.seed)[key]
    nats = -np.asarray(model.score(examples), np.float64)
    bits = 1 / (math.log(2) * examples[0].size)
    report = {
        "nats": float(nats.mean()),
        "bits_per_dimension": float(nats.mean() * bits),
        "nats_standard_error": float(nats.std() / math.sqrt(num)),
    }
    if key == "image":
        peer = pixel_histogram_nats(train.arrays[key][:], examples)
        report["bits_per_dimension_pixels"] = float(peer.mean() * bits)
    else:
        known = train.sample(min(len(train), NUM_KERNELS), seed=settings.seed)[key]
        report["nats_kernel_density"] = float(kernel_density_nats(known, examples, seed=settings.seed).mean())
    return {**report, "num_examples": num}
