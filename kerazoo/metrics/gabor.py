"""Fits of Gabor functions to the filters that a network learned: are they edges?"""

from typing import NamedTuple

import numpy as np

from kerazoo.metrics._checks import finite_array
from kerazoo.utils.checks import check_number
from kerazoo.utils.errors import DataError

# A fit begins at the strongest frequencies of the filter's spectrum, each with these deviations of the envelope as
# fractions of the side.
_NUM_FREQUENCIES, _DEVIATIONS = 2, (0.12, 0.25)
_OVERSAMPLING = 4


class GaborFit(NamedTuple):
    """Result of `gabor_fit`.

    Attributes:
        r2: float64 array (N,) in [0, 1]. Explained fraction of each filter's variance.
        frequency: float64 array (N,). Cycles per pixel.
        orientation: float64 array (N,) in [0, 180). Degrees of the direction in which the wave runs, from the x axis.
    """

    r2: np.ndarray
    frequency: np.ndarray
    orientation: np.ndarray


def gabor_fit(filters):
    """Fit a Gabor function and a constant to each filter, by least squares.

    The function is a Gaussian envelope, of which both deviations and the place are free, times a sine of free phase,
    frequency and direction; the envelope has the axes of the wave. For given values of these six, amplitudes and
    constant are a linear least-squares problem, which each step of the fit solves.

    Args:
        filters: Array (N, H, W), or (N, H, W, 1), with sides of 4 to 64 pixels. A hidden unit's weights as an image.

    Returns:
        `GaborFit(r2, frequency, orientation)`. A filter of one value everywhere has an r2 of 0.

    Raises:
        DataError: Another shape, or values that are not finite.

    Example:
        >>> y, x = np.mgrid[-4:4, -4:4]
        >>> edge = np.exp(-(x**2 + y**2) / 8) * np.cos(2 * np.pi * 0.2 * x)
        >>> fit = gabor_fit(edge[None])
        >>> bool(fit.r2[0] > 0.999), float(fit.frequency[0].round(3))
        (True, 0.2)

    Source: Jones and Palmer 1987, "An Evaluation of the Two-Dimensional Gabor Filter Model of Simple Receptive Fields".
    """
    from threadpoolctl import threadpool_limits

    # Threads would wait for each other longer than they compute.
    with threadpool_limits(1, user_api="blas"):
        fits = [_fit(image) for image in _as_filters(filters)]
    return GaborFit(*(np.array(column) for column in zip(*fits, strict=True)))


def gabor_fraction(filters, *, min_r2=0.5):
    """The fraction of filters that a Gabor function explains.

    Args:
        filters: Array (N, H, W), or (N, H, W, 1). As for `gabor_fit`.
        min_r2: Float, at least 0, default 0.5. The least explained variance with which a filter counts.

    Returns:
        float in [0, 1].

    Raises:
        DataError: As for `gabor_fit`.
        ConfigError: `min_r2` is below 0.

    Example:
        >>> y, x = np.mgrid[-4:4, -4:4]
        >>> edge = np.exp(-(x**2 + y**2) / 8) * np.sin(0.9 * (x + y))
        >>> gabor_fraction(np.stack([edge, np.random.default_rng(0).normal(size=(8, 8))]))
        0.5
    """
    return float(np.mean(gabor_fit(filters).r2 >= check_number("min_r2", min_r2)))


def _as_filters(filters):
    array = np.asarray(filters)
    array = finite_array("filters", array[..., 0] if array.ndim == 4 and array.shape[-1] == 1 else array, 3)
    if len(array) == 0 or not all(4 <= side <= 64 for side in array.shape[1:]):
        raise DataError(f"filters must have shape (num, height, width), sides from 4 to 64, got {np.shape(filters)}.")
    return array


def _fit(image):
    """(r2, frequency, orientation) of the best of several starts."""
    from scipy.optimize import least_squares

    total = np.square(image - image.mean()).sum()
    if total <= 1e-20 * max(np.square(image).sum(), 1e-300):
        return 0.0, 0.0, 0.0
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(float)
    target = ((image - image.mean()) / np.sqrt(total)).ravel()
    place = np.unravel_index(np.abs(image - image.mean()).argmax(), image.shape)
    side = max(image.shape)
    # Envelopes from half a pixel to twice the side, waves of two pixels or more, places within the image.
    lower = [0, 0, np.log(0.5), np.log(0.5), -0.5, -0.5]
    upper = [image.shape[1] - 1, image.shape[0] - 1, np.log(2 * side), np.log(2 * side), 0.5, 0.5]
    best = None
    for u, v in _strongest_frequencies(image):
        for deviation in np.log(side * np.array(_DEVIATIONS)):
            start = np.clip(
                [place[1], place[0], deviation, deviation, u, v], np.add(lower, 1e-6), np.subtract(upper, 1e-6)
            )
            found = least_squares(_residual, start, bounds=(lower, upper), args=(x, y, target), max_nfev=60)
            if best is None or found.cost < best.cost:
                best = found
    u, v = best.x[4:]
    return max(0.0, 1 - 2 * best.cost), float(np.hypot(u, v)), float(np.degrees(np.arctan2(v, u)) % 180)


def _strongest_frequencies(image):
    """The frequencies (x, y), in cycles per pixel, of the highest local maxima of the spectrum's upper half."""
    from scipy.ndimage import maximum_filter

    shape = [_OVERSAMPLING * side for side in image.shape]
    spectrum = np.abs(np.fft.rfft2(image - image.mean(), shape))
    peaks = np.where(spectrum == maximum_filter(spectrum, 2 * _OVERSAMPLING - 1), spectrum, -1)
    rows, columns = np.unravel_index(np.argsort(peaks, axis=None)[::-1][:_NUM_FREQUENCIES], peaks.shape)
    return list(zip(np.fft.rfftfreq(shape[1])[columns], np.fft.fftfreq(shape[0])[rows], strict=True))


def _residual(parameters, x, y, target):
    x0, y0, log_along, log_across, u, v = parameters
    dx, dy = x - x0, y - y0
    frequency = np.hypot(u, v)
    cosine, sine = (u / frequency, v / frequency) if frequency > 0 else (1.0, 0.0)
    along, across = (dx * cosine + dy * sine) / np.exp(log_along), (dy * cosine - dx * sine) / np.exp(log_across)
    envelope = np.exp(-0.5 * (along**2 + across**2))
    phase = 2 * np.pi * (u * dx + v * dy)
    basis = np.stack([(envelope * np.cos(phase)).ravel(), (envelope * np.sin(phase)).ravel(), np.ones(x.size)], axis=1)
    # A small ridge term keeps the solution unique where the sine vanishes.
    gram = basis.T @ basis + 1e-9 * np.eye(3)
    return target - basis @ np.linalg.solve(gram, basis.T @ target)
