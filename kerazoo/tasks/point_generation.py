"""Generators of points: scatter plots, and how well the points match held-out ones and the modes of a mixture."""

import numpy as np

from kerazoo.metrics import kid, mmd_test, mode_coverage, nearest_neighbour_two_sample
from kerazoo.tasks.plots import scatter_plot

HEADLINES = ("modes_covered", "high_quality")  # of a card's table of exported files

# By convention modes are counted on this many points (Srivastava et al. 2017, "VEEGAN").
NUM_POINTS = 2500
# Points of each set in the permutation test, whose kernel matrix has as many rows and columns as both have points.
NUM_TEST = 1000


def sample(model, path, *, num=NUM_POINTS, seed=0, data=None, scale=None, overwrite=False):
    """Write `num` generated points, over as many held-out ones where `data` names a source.

    Of points in more dimensions the first two are drawn; points of one dimension lie on a line.
    """
    real = None
    if data is not None and data.spec is not None:
        source = data.open("test")
        real = _plane(source.sample(min(num, len(source)), seed=seed)["points"])
    points = _plane(model.generate(num, seed=seed))
    return (scatter_plot(points, path, reference=real, scale=scale, overwrite=overwrite),)


def _plane(points):
    return np.pad(points, ((0, 0), (0, max(0, 2 - points.shape[1]))))


def evaluate(model, data, settings):
    """Measure generated points against held-out ones.

    Args:
        model: ZooModel with `generate`; where it also has `gradient_norms`, their mean is reported.
        data: Data. Its split `settings.split` holds what is compared with.
        settings: EvaluationConfig. `num` points of `seed`, 2,500 at most; modes are always counted on 2,500.

    Returns:
        dict[str, float]. Where the source has modes, `modes_covered` of `num_modes`, `high_quality` and the reverse KL
        `kl_to_uniform`, see `kerazoo.metrics.mode_coverage`; `two_sample_accuracy` (0.5 is ideal) and its halves, see
        `nearest_neighbour_two_sample`; `squared_mmd`, of the cubic kernel of `kid`;
        `mmd_p_value`, of `mmd_test` on 1,000 points at most; `gradient_norm`; `num_points`.
    """
    source = data.open(settings.split)
    num = min(settings.num, len(source), NUM_POINTS)
    real = source.sample(num, seed=settings.seed)["points"]
    points = model.generate(NUM_POINTS, seed=settings.seed)
    fake = points[:num]
    two_sample = nearest_neighbour_two_sample(real, fake, settings.seed)
    report = {
        **_modes(points, source.info.modes),
        "two_sample_accuracy": two_sample.accuracy,
        "two_sample_accuracy_real": two_sample.real,
        "two_sample_accuracy_fake": two_sample.fake,
        "squared_mmd": kid(real, fake, subset_size=min(1000, num // 2), seed=settings.seed).mean,
        "mmd_p_value": mmd_test(real[:NUM_TEST], fake[:NUM_TEST], seed=settings.seed).p_value,
    }
    if hasattr(model, "gradient_norms"):
        report["gradient_norm"] = float(model.gradient_norms(real, seed=settings.seed).mean())
    return {**report, "num_points": num}


def _modes(points, modes):
    if modes is None:
        return {}
    found = mode_coverage(points, modes.centres, float(modes.std))
    return {
        "modes_covered": found.covered,
        "num_modes": len(modes.centres),
        "high_quality": found.high_quality,
        "kl_to_uniform": found.kl_to_uniform,
    }
