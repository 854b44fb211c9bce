"""Agreement of classes and of groups that were found without labels."""

from typing import NamedTuple

import numpy as np

from kerazoo.metrics._checks import as_classes, as_features
from kerazoo.utils.checks import check_integer, check_seed
from kerazoo.utils.errors import DataError


class ClusteringScores(NamedTuple):
    """Agreement of clusters and classes; each is 1 where they are the same up to their names.

    Attributes:
        purity: float in (0, 1]. Fraction of rows whose class is the most frequent one of their cluster.
        accuracy: float in [0, 1]. Fraction of rows in the cluster matched to their class, by the best matching of each
            cluster to one class.
        nmi: float in [0, 1]. Mutual information over the mean of the two entropies.
        ari: float in [-0.5, 1]. Rand index, adjusted so that chance is 0.
    """

    purity: float
    accuracy: float
    nmi: float
    ari: float


def cluster_agreement(clusters, labels):
    """Scores of a grouping against classes, for example of the categorical code of an InfoGAN.

    Args:
        clusters: Array (N,) of non-negative integers, the group of each row.
        labels: Array (N,) of non-negative integers, the class of each row.

    Returns:
        `ClusteringScores(purity, accuracy, nmi, ari)`.

    Raises:
        DataError: A vector is empty or not of non-negative integers, or they differ in length.

    Example:
        >>> cluster_agreement([2, 2, 0, 0], [0, 0, 1, 1])
        ClusteringScores(purity=1.0, accuracy=1.0, nmi=1.0, ari=1.0)

    Source: Manning, Raghavan and Schuetze 2008, "Introduction to Information Retrieval", section 16.3 (purity, NMI);
    Hubert and Arabie 1985, "Comparing Partitions" (ARI); Kuhn 1955, "The Hungarian Method" (the matching).
    """
    clusters, labels = _indices("clusters", clusters), _indices("labels", labels)
    if len(clusters) != len(labels):
        raise DataError(f"clusters and labels must have the same length, got {len(clusters)} and {len(labels)}.")

    from scipy.optimize import linear_sum_assignment
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    counts = np.zeros((clusters.max() + 1, labels.max() + 1), np.int64)
    np.add.at(counts, (clusters, labels), 1)
    matched = counts[linear_sum_assignment(counts, maximize=True)].sum()
    return ClusteringScores(
        purity=float(counts.max(axis=1).sum() / len(labels)),
        accuracy=float(matched / len(labels)),
        nmi=float(normalized_mutual_info_score(labels, clusters)),
        ari=float(adjusted_rand_score(labels, clusters)),
    )


def clustering_scores(features, labels, *, num_clusters=None, num_starts=10, seed=0):
    """Agreement between classes and the clusters that k-means finds in features.

    Args:
        features: Array (N, D). For example codes; k-means takes them as they are, so scale them where their units
            differ.
        labels: Array (N,) of non-negative integers.
        num_clusters: Integer from 1 to N, or None. Defaults to None, as many as there are different labels.
        num_starts: Integer, at least 1, default 10. Runs from different centres, of which the best counts.
        seed: Integer, default 0. Fixes the centres.

    Returns:
        `ClusteringScores(purity, accuracy, nmi, ari)`, see `cluster_agreement`. Purity rises with the number of
        clusters; compare it at one number.

    Raises:
        DataError: Shapes disagree, or values are not finite.
        ConfigError: A number is out of range.

    Example:
        >>> clustering_scores([[0.0], [0.1], [5.0], [5.1]], [0, 0, 1, 1]).ari
        1.0

    Source: Lloyd 1982, "Least Squares Quantization in PCM"; for the scores see `cluster_agreement`.
    """
    features = as_features("features", features)
    labels = as_classes("labels", labels, num_rows=len(features))
    found = len(np.unique(labels)) if num_clusters is None else num_clusters
    num_clusters = check_integer("num_clusters", found, 1, len(features))

    from sklearn.cluster import KMeans

    num_starts = check_integer("num_starts", num_starts)
    means = KMeans(num_clusters, n_init=num_starts, random_state=check_seed(seed))
    return cluster_agreement(means.fit_predict(features), labels)


def _indices(name, value):
    array = as_classes(name, value)
    if array.min() < 0:
        raise DataError(f"{name} must be at least 0, got {array.min()}.")
    return array
