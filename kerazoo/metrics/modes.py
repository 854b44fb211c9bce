"""The mixture-of-Gaussians benchmark: how many modes a generator reaches, and how closely."""

from typing import NamedTuple

import numpy as np

from kerazoo.metrics._checks import as_feature_pair
from kerazoo.utils.checks import check_integer
from kerazoo.utils.errors import ConfigError


class ModeCoverage(NamedTuple):
    """Modes covered, the high-quality fraction, and the divergence of the mode histogram from uniform, in nats."""

    covered: int
    high_quality: float
    kl_to_uniform: float

    @property
    def reverse_kl(self):
        """KL(generated || real) over equally likely modes: `kl_to_uniform` under its name in papers on GANs."""
        return self.kl_to_uniform


def mode_coverage(points, modes, std, *, min_count=20):
    """Modes that a sample reaches, for equally likely modes such as the ring and the grid of Gaussians.

    A point is of high quality within 3 standard deviations of the nearest mode (Srivastava et al. 2017, "VEEGAN");
    a mode is covered by at least `min_count` such points. In two dimensions perfect samples have a high-quality
    fraction of 1 - exp(-9/2) = 0.989.

    Args:
        points: Array (N, D) of samples; 2,500 of them by convention, which the default `min_count` is meant for.
        modes: Array (K, D) of the centres of the modes.
        std: Positive float, the standard deviation of each mode along each axis, in the unit of `points`.
        min_count: Integer, at least 1, default 20.

    Returns:
        `ModeCoverage(covered, high_quality, kl_to_uniform)`: an integer in [0, K]; a fraction in [0, 1]; and
        KL(histogram || uniform) in [0, log K], where every point counts for its nearest mode, good or not (Lin et
        al. 2018, "PacGAN"), so that it is defined for any sample.

    Raises:
        DataError: Widths disagree, an array is empty, or values are not finite.
        ConfigError: `std` is not positive or `min_count` is below 1.

    Example:
        >>> mode_coverage([[0.0], [0.1], [9.0], [5.5]], modes=[[0.0], [9.0]], std=0.1, min_count=1)
        ModeCoverage(covered=2, high_quality=0.75, kl_to_uniform=0.0)
    """
    min_count = check_integer("min_count", min_count)
    if not (np.isscalar(std) and np.isfinite(std) and std > 0):
        raise ConfigError(f"std must be a positive number, got {std!r}.")
    points, modes = as_feature_pair(points, modes, min_rows=1, names=("points", "modes"))

    from scipy.spatial.distance import cdist

    distances = cdist(points, modes)
    nearest = distances.argmin(axis=1)
    good = distances.min(axis=1) <= 3.0 * std
    counts_of_good = np.bincount(nearest[good], minlength=len(modes))
    histogram = np.bincount(nearest, minlength=len(modes)) / len(points)
    present = histogram[histogram > 0]
    kl = np.sum(present * np.log(present * len(modes)))
    return ModeCoverage(int((counts_of_good >= min_count).sum()), float(good.mean()), max(float(kl), 0.0))
