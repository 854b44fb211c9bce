"""Principal components, the baseline of autoencoders: what they discard, and whether a linear model found them."""

import numpy as np

from kerazoo.metrics._checks import as_feature_pair, as_features, finite_array
from kerazoo.utils.checks import check_integer
from kerazoo.utils.errors import DataError


def discarded_variance(features, num_components):
    """The sum of the eigenvalues of the covariance (divided by N) beyond the first: what PCA discards.

    It is the mean squared error per row, summed over its features, of the best linear autoencoder with `num_components`
    codes on these very rows.

    Args:
        features: Array (N, D).
        num_components: Integer from 0 to D.

    Returns:
        The sum as a float, at least 0.

    Raises:
        DataError: Not a finite matrix of two rows or more.
        ConfigError: `num_components` is out of range.

    Example:
        >>> round(discarded_variance([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.5], [0.0, -0.5]], 1), 6)  # 2 * 0.5^2 / 4
        0.125

    Source: Baldi and Hornik 1989, "Neural Networks and Principal Component Analysis", fact 4.
    """
    features = as_features("features", features)
    num_components = check_integer("num_components", num_components, 0, features.shape[1])
    centred = features - features.mean(axis=0)
    values = np.linalg.svd(centred, compute_uv=False) ** 2 / len(features)
    return float(values[num_components:].sum())


def principal_components(features, num_components):
    """The first principal directions of rows, as the columns of a matrix.

    Args:
        features: Array (N, D).
        num_components: Integer from 1 to min(N, D).

    Returns:
        float64 array (D, num_components) with orthonormal columns.

    Raises:
        DataError: Not a finite matrix of two rows or more.
        ConfigError: `num_components` is out of range.

    Example:
        >>> abs(principal_components([[0.0, 0.0], [1.0, 1.0]], 1)).round(4).tolist()
        [[0.7071], [0.7071]]
    """
    features = as_features("features", features)
    num_components = check_integer("num_components", num_components, 1, min(features.shape))
    centred = features - features.mean(axis=0)
    if len(features) < features.shape[1]:
        return np.linalg.svd(centred, full_matrices=False)[2][:num_components].T
    # The largest eigenvalues come last.
    return np.linalg.eigh(centred.T @ centred)[1][:, : -num_components - 1 : -1]


def pca_reconstruction(train, test, num_components):
    """Rows as the principal components of other rows reconstruct them.

    Args:
        train: Array (N, D). The rows whose mean and components are taken.
        test: Array (M, D). The rows to reconstruct.
        num_components: Integer, at least 1. With min(N, D) or more all of them are used.

    Returns:
        float64 array (M, D).

    Raises:
        DataError: Widths disagree, or values are not finite.
        ConfigError: `num_components` is below 1.

    Example:
        >>> train = [[0.0, 0.0], [2.0, 2.0], [4.0, 4.0]]
        >>> pca_reconstruction(train, [[1.0, 3.0]], 1).round(6)
        array([[2., 2.]])

    Source: Pearson 1901, "On Lines and Planes of Closest Fit".
    """
    train, test = as_feature_pair(train, test, min_rows=1, names=("train", "test"))
    components = principal_components(train, min(check_integer("num_components", num_components), *train.shape))
    mean = train.mean(axis=0)
    return mean + (test - mean) @ components @ components.T


def principal_angles(a, b):
    """The angles between the subspaces that the columns of two matrices span, in degrees.

    Args:
        a: Array (D, K). Columns that span a subspace, for example a decoder's kernel transposed.
        b: Array (D, L).

    Returns:
        float64 array (min(K, L),) in [0, 90], the largest first.

    Raises:
        DataError: Not two finite matrices with equally many rows.

    Example:
        >>> principal_angles([[1.0], [0.0]], [[1.0], [1.0]]).round(6)
        array([45.])

    Source: Bjoerck and Golub 1973, "Numerical Methods for Computing Angles Between Linear Subspaces".
    """
    a, b = finite_array("a", a, 2), finite_array("b", b, 2)
    if len(a) != len(b) or 0 in (*a.shape, *b.shape):
        raise DataError(
            f"a and b must have the same number of rows and at least one column, got {a.shape} and {b.shape}."
        )

    from scipy.linalg import subspace_angles

    return np.degrees(subspace_angles(a, b))
