"""Sources that need no files: scikit-learn's real digits, two mixtures of 2-D Gaussians, and two moons."""

import numpy as np

from kerazoo.data.arrays import from_arrays
from kerazoo.data.images import fit_source
from kerazoo.data.info import Modes
from kerazoo.data.schemes import source
from kerazoo.data.splits import num_and_seed

_NUM_POINTS = {"train": (100_000, 0), "test": (10_000, 1)}  # split -> (number of points, seed)


@source("digits")
def open_digits(request):
    """Open the 1,797 real handwritten digits of 8x8 pixels that ship with scikit-learn.

    Args:
        request: a `Request`. Splits: "test" is every fifth example (360), "train" the others (1,437), "all" both.

    Returns:
        A `Source` of {"image": uint8 `(n, 8, 8, 1)` in 0..255, "label": int64 `(n,)`}. The original pixels 0..16 are
        scaled by 255/16 and rounded.
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    test = np.arange(len(data.target)) % 5 == 0
    rows = {"train": ~test, "test": test, "all": np.full_like(test, True)}
    if request.split not in rows:
        raise request.no_split(rows)
    chosen = rows[request.split]
    images = np.rint(data.images[chosen] * (255 / 16)).astype(np.uint8)[..., None]
    opened = from_arrays(
        {"image": images, "label": data.target[chosen].astype(np.int64)},
        name=request.spec,
        split=request.split,
        class_names=tuple(str(digit) for digit in data.target_names),
        licence="CC BY 4.0",
        homepage="https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
        citation="E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Repository, 1998.",
    )
    return fit_source(opened, request.image_shape)


@source("ring")
def open_ring(request):
    """Open 8 Gaussians on a circle: radius 2, standard deviation 0.02, all divided by 1.414.

    Args:
        request: a `Request`. Splits: "train" (100,000 points) and "test" (10,000, other noise).

    Returns:
        A `Source` of {"points": float32 `(n, 2)`, "label": int64 `(n,)`, the index of the mode}.
    """
    angle = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    return _mixture(request, 2 * np.stack([np.cos(angle), np.sin(angle)], axis=-1), std=0.02, scale=1.414)


@source("grid")
def open_grid(request):
    """Open 25 Gaussians on a 5x5 grid from -4 to 4: standard deviation 0.05, all divided by 2.828.

    Args:
        request: a `Request`. Splits: "train" (100,000 points) and "test" (10,000, other noise).

    Returns:
        A `Source` of {"points": float32 `(n, 2)`, "label": int64 `(n,)`, the index of the mode, row by row}.
    """
    axis = np.linspace(-4, 4, 5)
    centres = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    return _mixture(request, centres, std=0.05, scale=2.828)


@source("moons")
def open_moons(request):
    """Open points of two interleaved half circles, with noise of standard deviation 0.1: scikit-learn's `make_moons`.

    Args:
        request: a `Request`. Splits: "train" (100,000 points) and "test" (10,000, other noise).

    Returns:
        A `Source` of {"points": float32 `(n, 2)`, "label": int64 `(n,)`, the half circle}.
    """
    from sklearn.datasets import make_moons

    num, seed = num_and_seed(request, _NUM_POINTS)
    request.refuse_images("2-D points")
    points, label = make_moons(num, noise=0.1, random_state=seed)
    return from_arrays(
        {"points": points.astype(np.float32), "label": label.astype(np.int64)},
        name=request.spec,
        split=request.split,
        class_names=("upper", "lower"),
        licence="none needed (synthetic)",
    )


def _mixture(request, centres, std, scale):
    """Sample an equal-weight mixture; example i belongs to mode i % K, so that any prefix is balanced too."""
    num, seed = num_and_seed(request, _NUM_POINTS)
    request.refuse_images("2-D points")
    label = np.arange(num) % len(centres)
    noise = np.random.default_rng(seed).normal(scale=std, size=(num, 2))
    return from_arrays(
        {"points": ((centres[label] + noise) / scale).astype(np.float32), "label": label.astype(np.int64)},
        name=request.spec,
        split=request.split,
        class_names=tuple(f"mode {index}" for index in range(len(centres))),
        licence="none needed (synthetic)",
        modes=Modes((centres / scale).astype(np.float32), std / scale),
    )
