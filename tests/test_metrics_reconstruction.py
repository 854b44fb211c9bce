"""Measures of reconstructions, linear baselines and filters, against closed forms and slow second implementations."""

import os

import numpy as np
import pytest
from scipy.stats import ortho_group
from sklearn.decomposition import PCA

from kerazoo import metrics
from kerazoo.data import open_source
from kerazoo.utils.errors import ConfigError, DataError

RNG = np.random.default_rng(0)
IMAGES = RNG.random((3, 16, 14, 3), "float32")
NOISY = np.clip(IMAGES + 0.1 * RNG.normal(size=IMAGES.shape), 0, 1).astype("float32")


def test_squared_error_and_psnr():
    expected = [((a.astype(float) - b) ** 2).sum() for a, b in zip(IMAGES, NOISY, strict=True)]
    np.testing.assert_allclose(metrics.squared_error(IMAGES, NOISY), expected)
    np.testing.assert_allclose(metrics.psnr(IMAGES, NOISY), 10 * np.log10(1 / (np.array(expected) / 672)))
    inner = metrics.psnr(IMAGES[:, 2:-2, 2:-2], NOISY[:, 2:-2, 2:-2])
    np.testing.assert_allclose(metrics.psnr(IMAGES, NOISY, border=2), inner)
    assert np.isinf(metrics.psnr(IMAGES, IMAGES)).all()


def slow_ssim(x, y):
    """Equations 13 to 16 of Wang et al. 2004, window by window."""
    offsets = np.arange(11) - 5
    window = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for i in range(x.shape[0] - 10):
        for j in range(x.shape[1] - 10):
            for channel in range(x.shape[2]):
                a, b = (z[i : i + 11, j : j + 11, channel].astype(float) for z in (x, y))
                mean_a, mean_b = (window * a).sum(), (window * b).sum()
                var_a, var_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
                cov = (window * (a - mean_a) * (b - mean_b)).sum()
                above = (2 * mean_a * mean_b + 0.01**2) * (2 * cov + 0.03**2)
                values.append(above / ((mean_a**2 + mean_b**2 + 0.01**2) * (var_a + var_b + 0.03**2)))
    return np.mean(values)


def test_ssim_is_that_of_the_equations():
    expected = [slow_ssim(a, b) for a, b in zip(IMAGES, NOISY, strict=True)]
    np.testing.assert_allclose(metrics.ssim(IMAGES, NOISY), expected, rtol=1e-9)
    np.testing.assert_allclose(metrics.ssim(NOISY, IMAGES), expected, rtol=1e-9)


def test_ssim_of_even_images_is_the_luminance_term():
    a, b = np.full((1, 12, 12, 1), 0.2), np.full((1, 12, 12, 1), 0.6)
    expected = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    assert metrics.ssim(a, b).item() == pytest.approx(expected, rel=1e-6)
    bordered = np.pad(a, [(0, 0), (3, 3), (3, 3), (0, 0)], constant_values=1)
    assert metrics.ssim(bordered, np.pad(b, [(0, 0), (3, 3), (3, 3), (0, 0)]), border=3) == pytest.approx(expected)


def test_luminance_of_pure_colours():
    colours = np.eye(3, dtype="float32").reshape(1, 1, 3, 3)
    np.testing.assert_allclose(metrics.luminance(colours).ravel() * 255, [81.481, 144.553, 40.966], rtol=1e-5)
    assert metrics.luminance(np.zeros((1, 2, 2, 3))).max() * 255 == pytest.approx(16)
    grey = IMAGES[..., :1]
    assert metrics.luminance(grey) is grey


# Linear baselines


def test_what_pca_leaves_over_is_the_sum_of_the_discarded_eigenvalues():
    x = RNG.normal(size=(200, 9)) @ np.diag(np.arange(1, 10)) @ ortho_group.rvs(9, random_state=0) + 5
    eigenvalues = np.sort(np.linalg.eigvalsh(np.cov(x.T, bias=True)))[::-1]
    for k in (1, 4, 8):
        left = metrics.discarded_variance(x, k)
        assert left == pytest.approx(eigenvalues[k:].sum())
        assert np.square(metrics.pca_reconstruction(x, x, k) - x).sum(axis=1).mean() == pytest.approx(left)
    assert metrics.discarded_variance(x, 9) == 0
    np.testing.assert_allclose(metrics.pca_reconstruction(x, x[:5], 30), x[:5])


@pytest.mark.slow
@pytest.mark.skipif("TFDS_DATA_DIR" not in os.environ, reason="TFDS_DATA_DIR names no prepared MNIST")
def test_thirty_components_of_mnist_have_the_published_error():
    """13.87 a test image: Hinton and Salakhutdinov 2006, "Reducing the Dimensionality of Data", figure 2."""
    train, test = (open_source("tfds:mnist", split=split).arrays["image"] / 255.0 for split in ("train", "test"))
    found = metrics.pca_reconstruction(train.reshape(-1, 784), test.reshape(-1, 784), 30)
    assert np.square(found - test.reshape(-1, 784)).sum(axis=1).mean() == pytest.approx(13.87, abs=0.005)


@pytest.mark.parametrize("shape", [(50, 6), (10, 40)], ids=["tall", "wide"])
def test_components_are_scikit_learns(shape):
    x, test = RNG.normal(size=shape), RNG.normal(size=(7, shape[1]))
    pca = PCA(3, svd_solver="full").fit(x)
    components = metrics.principal_components(x, 3)
    np.testing.assert_allclose(np.abs(components.T @ pca.components_.T), np.eye(3), atol=1e-8)
    np.testing.assert_allclose(
        metrics.pca_reconstruction(x, test, 3), pca.inverse_transform(pca.transform(test)), atol=1e-8
    )
    assert metrics.principal_angles(components, RNG.normal(size=(1,)) * pca.components_.T).max() < 1e-5


def test_principal_angles_by_hand():
    turn = np.radians([30.0, 75.0])
    a = np.eye(4)[:, :2]
    b = np.array([[np.cos(turn[0]), 0], [0, np.cos(turn[1])], [np.sin(turn[0]), 0], [0, np.sin(turn[1])]])
    # Another basis of the same plane has the same angles.
    np.testing.assert_allclose(metrics.principal_angles(a, b @ [[2.0, 1.0], [0.0, 3.0]]), [75, 30])
    np.testing.assert_allclose(metrics.principal_angles(a, np.eye(4)[:, 2:]), [90, 90])
    np.testing.assert_allclose(metrics.principal_angles(b, b[:, :1]), [0], atol=1e-6)


# Filters


def gabor(side, *, angle, frequency, phase, deviations, place):
    y, x = np.mgrid[:side, :side]
    dx, dy = x - place[0], y - place[1]
    along, across = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
    envelope = np.exp(-0.5 * ((along / deviations[0]) ** 2 + (across / deviations[1]) ** 2))
    return envelope * np.cos(2 * np.pi * frequency * along + phase)


@pytest.mark.parametrize("side", [8, 12, 16])
def test_gabor_functions_are_found_under_noise(side):
    rng = np.random.default_rng(side)
    truth = [(rng.uniform(0, np.pi), rng.uniform(0.12, 0.3)) for _ in range(12)]
    filters = np.stack(
        [
            gabor(
                side,
                angle=angle,
                frequency=frequency,
                phase=rng.uniform(0, 6),
                deviations=rng.uniform(side / 7, side / 4, 2),
                place=rng.uniform(side / 3, 2 * side / 3, 2),
            )
            for angle, frequency in truth
        ]
    )
    filters += 3 + 0.1 * filters.std(axis=(1, 2), keepdims=True) * rng.normal(size=filters.shape)
    fit = metrics.gabor_fit(filters)
    assert fit.r2.min() > 0.97
    frequency_errors = np.abs(fit.frequency - [frequency for _, frequency in truth])
    turns = np.degrees([angle for angle, _ in truth]) - fit.orientation
    assert np.median(frequency_errors) < 0.02
    assert np.median(np.abs((turns + 90) % 180 - 90)) < 3
    # Gain, sign and offset of a filter mean nothing.
    np.testing.assert_allclose(metrics.gabor_fit(-5 * filters[:3] + 1).r2, fit.r2[:3], atol=1e-3)


def test_noise_is_no_edge():
    filters = np.random.default_rng(1).normal(size=(5, 12, 12, 1))
    assert metrics.gabor_fit(filters).r2.max() < 0.3
    assert metrics.gabor_fraction(filters) == 0
    assert metrics.gabor_fraction(np.ones((2, 8, 8))) == 0
    assert metrics.gabor_fraction(np.ones((2, 8, 8)), min_r2=0) == 1


def test_arguments_are_checked():
    small = np.zeros((1, 8, 8, 1))
    for call, error, message in [
        (lambda: metrics.psnr(IMAGES, NOISY[:2]), DataError, r"one shape, got \(3, 16, 14, 3\) and \(2, 16"),
        (lambda: metrics.squared_error(IMAGES * 2, NOISY), DataError, r"images must lie in \[0, 1\]"),
        (lambda: metrics.psnr(IMAGES, NOISY, border=7), DataError, "a border of 7 pixels leaves nothing of 16x14"),
        (lambda: metrics.psnr(IMAGES, NOISY, border=-1), ConfigError, "border = -1"),
        (lambda: metrics.ssim(small, small), DataError, "at least 11 pixels a side, got 8x8"),
        (lambda: metrics.luminance(np.zeros((1, 2, 2, 4))), DataError, "1 or 3 channels"),
        (lambda: metrics.discarded_variance(np.eye(3), 4), ConfigError, "num_components = 4.* from 0 to 3"),
        (lambda: metrics.principal_components(np.eye(3), 0), ConfigError, "num_components = 0"),
        (lambda: metrics.pca_reconstruction(np.eye(3), np.eye(2), 1), DataError, "same number of features"),
        (
            lambda: metrics.principal_angles(np.eye(3), np.eye(2)),
            DataError,
            "same number of rows and at least one column",
        ),
        (lambda: metrics.gabor_fit(np.zeros((2, 3, 3))), DataError, r"sides from 4 to 64, got \(2, 3, 3\)"),
        (lambda: metrics.gabor_fit(np.zeros((2, 64))), DataError, "filters must have 3 axes"),
    ]:
        with pytest.raises(error, match=message):
            call()
