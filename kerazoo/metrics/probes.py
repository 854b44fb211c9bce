"""Probes of features that need few labels: neighbours, and any probe with a few labels per class."""

from typing import NamedTuple

import numpy as np

from kerazoo.metrics._checks import as_classes, as_feature_pair
from kerazoo.metrics.classifiers import linear_probe
from kerazoo.utils.checks import check_integer, check_seed
from kerazoo.utils.errors import DataError


class FewLabels(NamedTuple):
    """Mean and standard deviation of the test accuracy over the draws of labelled rows."""

    mean: float
    std: float


def knn_probe(train_features, train_labels, test_features, test_labels, *, k=1):
    """Test accuracy of the majority of the k nearest training rows, in Euclidean distance.

    Args:
        train_features: Array (N, D), N >= k.
        train_labels: Array (N,) of integer classes.
        test_features: Array (M, D), M >= 1.
        test_labels: Array (M,) of integer classes.
        k: Integer, at least 1, default 1, as in Donahue et al. 2017, "Adversarial Feature Learning", section 4.1.

    Returns:
        The fraction of test rows classified correctly, a float in [0, 1]; between classes with equally many neighbours
        the smallest wins.

    Raises:
        DataError: Shapes disagree, values are not finite, or there are fewer than k training rows.
        ConfigError: `k` is below 1.

    Example:
        >>> knn_probe([[0.0], [1.0], [5.0]], [0, 0, 1], [[0.2], [4.0], [2.9]], [0, 1, 1])
        0.6666666666666666

    Source: Cover and Hart 1967, "Nearest Neighbor Pattern Classification".
    """
    k = check_integer("k", k)
    train, test = as_feature_pair(
        train_features, test_features, min_rows=1, names=("train_features", "test_features"), dtype=np.float32
    )
    train_labels = as_classes("train_labels", train_labels, num_rows=len(train))
    test_labels = as_classes("test_labels", test_labels, num_rows=len(test))
    if len(train) < k:
        raise DataError(f"knn_probe with k={k} needs at least that many training rows, got {len(train)}.")

    from sklearn.neighbors import KNeighborsClassifier

    return float(KNeighborsClassifier(k).fit(train, train_labels).score(test, test_labels))


def few_label_probe(
    train_features,
    train_labels,
    test_features,
    test_labels,
    *,
    labels_per_class=10,
    num_seeds=10,
    probe=linear_probe,
    seed=0,
):
    """Test accuracy of a probe that is trained on a few rows of each class, over several draws of these rows.

    Args:
        train_features: Array (N, D), of which the labelled rows are drawn.
        train_labels: Array (N,) of integer classes.
        test_features: Array (M, D), M >= 1.
        test_labels: Array (M,) of integer classes.
        labels_per_class: Integer, at least 1, default 10.
        num_seeds: Integer, at least 1, default 10. Number of draws.
        probe: Callable like `linear_probe` (the default) or `knn_probe`, of the same four arrays.
        seed: Integer, default 0. Fixes the draws.

    Returns:
        `FewLabels(mean, std)` of the accuracy over the draws.

    Raises:
        DataError: As for the probe, or a class has fewer than `labels_per_class` rows.
        ConfigError: A number is out of range.

    Example:
        >>> labels = np.arange(100) % 2
        >>> features = labels[:, None] + np.linspace(0, 0.1, 100)[:, None]
        >>> few_label_probe(features, labels, features, labels, labels_per_class=2, probe=knn_probe)
        FewLabels(mean=1.0, std=0.0)
    """
    labels_per_class = check_integer("labels_per_class", labels_per_class)
    rng = np.random.default_rng(check_seed(seed))
    train_features = np.asarray(train_features)
    train_labels = as_classes("train_labels", train_labels, num_rows=len(train_features))
    classes, counts = np.unique(train_labels, return_counts=True)
    if counts.min() < labels_per_class:
        fewest = counts.argmin()
        raise DataError(
            f"few_label_probe with labels_per_class={labels_per_class} needs at least that many rows of each class, "
            f"and class {classes[fewest]} has {counts[fewest]}."
        )
    rows = [np.flatnonzero(train_labels == c) for c in classes]
    accuracies = []
    for _ in range(check_integer("num_seeds", num_seeds)):
        chosen = np.concatenate([rng.choice(of_class, labels_per_class, replace=False) for of_class in rows])
        accuracies.append(probe(train_features[chosen], train_labels[chosen], test_features, test_labels))
    return FewLabels(float(np.mean(accuracies)), float(np.std(accuracies)))
