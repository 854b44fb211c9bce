"""Distances of images from what they should be: squared error, PSNR and SSIM."""

import numpy as np

from kerazoo.metrics._checks import as_images
from kerazoo.utils.checks import check_integer
from kerazoo.utils.errors import DataError

# Wang et al. 2004, section III-C: an 11 x 11 Gaussian window of deviation 1.5, K1 and K2.
_WINDOW, _DEVIATION, _K1, _K2 = 11, 1.5, 0.01, 0.03


def squared_error(images, references):
    """The squared error of each image, summed over its pixels: the figure of Hinton and Salakhutdinov 2006.

    Args:
        images: Float array (N, H, W, C) in [0, 1].
        references: Float array of the same shape.

    Returns:
        float64 array (N,).

    Raises:
        DataError: Shapes disagree, or values are not in [0, 1].

    Example:
        >>> squared_error(np.full((1, 2, 2, 1), 0.5), np.zeros((1, 2, 2, 1)))
        array([1.])
    """
    images, references = _image_pair(images, references)
    return np.square(images - references).sum(axis=(1, 2, 3))


def luminance(images):
    """The luma of RGB images as super-resolution measures it: channel Y of MATLAB's rgb2ycbcr (ITU-R BT.601).

    Args:
        images: Float array (N, H, W, 3) in [0, 1], or (N, H, W, 1), which is returned as it is.

    Returns:
        float32 array (N, H, W, 1); of RGB images in [16 / 255, 235 / 255].

    Raises:
        DataError: Images of another shape or range.

    Example:
        >>> (luminance(np.ones((1, 1, 1, 3))) * 255).round(3).item()
        235.0

    Source: ITU-R BT.601; Ledig et al. 2017, "Photo-Realistic Single Image Super-Resolution", section 3.1.
    """
    images = as_images("images", images)
    if images.shape[-1] == 1:
        return images
    if images.shape[-1] != 3:
        raise DataError(f"luminance takes images with 1 or 3 channels, got shape {images.shape}.")
    weights = np.array([65.481, 128.553, 24.966], np.float32)
    return (images @ weights[:, None] + np.float32(16)) / np.float32(255)


def psnr(images, references, *, border=0):
    """Peak signal-to-noise ratio, 10 log10(1 / mean squared error), of each image, in decibels.

    Args:
        images: Float array (N, H, W, C) in [0, 1]; for a figure on luminance give `luminance(images)`.
        references: Float array of the same shape.
        border: Integer, at least 0, default 0. Pixels left out at each side; super-resolution leaves out as many as
            its factor.

    Returns:
        float64 array (N,), higher is better; inf where an image equals its reference. Report the mean.

    Raises:
        DataError: Shapes disagree, values are not in [0, 1], or the border leaves nothing.
        ConfigError: `border` is below 0.

    Example:
        >>> psnr(np.full((1, 4, 4, 1), 0.1), np.zeros((1, 4, 4, 1))).round(6)
        array([20.])
    """
    images, references = _image_pair(images, references, border)
    with np.errstate(divide="ignore"):
        return -10 * np.log10(np.square(images - references).mean(axis=(1, 2, 3)))


def ssim(images, references, *, border=0):
    """Structural similarity of each image, the mean over its windows and channels.

    As in Wang et al. 2004: Gaussian windows of 11 x 11 pixels, deviation 1.5, wholly inside the image; variances with
    the window's weights; a range of 1.

    Args:
        images: Float array (N, H, W, C) in [0, 1], of 11 pixels or more a side; for a figure on luminance give
            `luminance(images)`.
        references: Float array of the same shape.
        border: Integer, at least 0, default 0. Pixels left out at each side.

    Returns:
        float64 array (N,) in [-1, 1]; 1 where an image equals its reference. Report the mean.

    Raises:
        DataError: Shapes disagree, values are not in [0, 1], or the images are smaller than a window.
        ConfigError: `border` is below 0.

    Example:
        >>> images = np.random.default_rng(0).random((2, 16, 16, 1))
        >>> ssim(images, images)
        array([1., 1.])

    Source: Wang et al. 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity", equation 13.
    """
    x, y = _image_pair(images, references, border)
    if min(x.shape[1:3]) < _WINDOW:
        raise DataError(f"ssim needs images of at least {_WINDOW} pixels a side, got {x.shape[1]}x{x.shape[2]}.")
    mean_x, mean_y = _smoothed(x), _smoothed(y)
    variance_x, variance_y = _smoothed(x * x) - mean_x**2, _smoothed(y * y) - mean_y**2
    covariance = _smoothed(x * y) - mean_x * mean_y
    above = (2 * mean_x * mean_y + _K1**2) * (2 * covariance + _K2**2)
    below = (mean_x**2 + mean_y**2 + _K1**2) * (variance_x + variance_y + _K2**2)
    return (above / below).mean(axis=(1, 2, 3))


def _smoothed(images):
    """Means under the window, at every place where all of it lies inside the image."""
    from scipy.ndimage import correlate1d

    half = _WINDOW // 2
    window = np.exp(-0.5 * np.square(np.arange(-half, half + 1) / _DEVIATION))
    window /= window.sum()
    for axis in (1, 2):
        images = correlate1d(images, window, axis=axis)
    return images[:, half:-half, half:-half]


def _image_pair(images, references, border=0):
    images, references = as_images("images", images), as_images("references", references)
    if images.shape != references.shape:
        raise DataError(f"images and references must have one shape, got {images.shape} and {references.shape}.")
    border = check_integer("border", border, 0)
    if 2 * border >= min(images.shape[1:3]):
        raise DataError(f"a border of {border} pixels leaves nothing of {images.shape[1]}x{images.shape[2]}.")
    inside = slice(border, -border or None)
    return tuple(x[:, inside, inside].astype(np.float64) for x in (images, references))
