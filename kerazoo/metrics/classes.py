"""Measures over the classes of samples: which classes a generator drops, and which it collapses."""

import math

import numpy as np

from kerazoo.metrics._checks import as_classes, as_feature_pair, as_features
from kerazoo.utils.checks import check_integer
from kerazoo.utils.errors import DataError

# Jeffreys' pseudo-count, for a class that the real sample lacks.
_PSEUDO_COUNT = 0.5


def class_histogram_kl(generated_classes, real_classes, num_classes):
    """Kullback-Leibler divergence KL(generated || real) of the two class histograms, in nats.

    A class that is never generated adds nothing by itself: its mass shows up in the others, and the divergence of a
    generator of c out of C equally likely classes is log(C / c). A class that is generated and absent from the real
    sample would make the divergence infinite; only in that case each real count is raised by 1/2 (Jeffreys' prior),
    so that the usual case keeps the textbook value.

    Args:
        generated_classes: Array (N,) of integers in [0, num_classes): the classes of the generated samples.
        real_classes: Array (M,) of integers in [0, num_classes), from the same classifier, so that its errors cancel.
        num_classes: Integer, at least 1.

    Returns:
        The divergence as a float in [0, inf); 0 where the histograms are proportional.

    Raises:
        DataError: A vector is empty, not of integers, or out of range.
        ConfigError: `num_classes` is below 1.

    Example:
        >>> round(class_histogram_kl([0, 0, 1, 1], [0, 1, 2, 3], 4), 6)  # log(4 / 2)
        0.693147
    """
    generated = _histogram("generated_classes", generated_classes, num_classes)
    real = _histogram("real_classes", real_classes, num_classes)
    present = generated > 0
    if (real[present] == 0).any():
        real = real + _PSEUDO_COUNT
    p, q = generated / generated.sum(), real / real.sum()
    # Proportional histograms cancel to a rounding error of either sign.
    return max(float(np.sum(p[present] * np.log(p[present] / q[present]))), 0.0)


def num_classes_covered(classes, num_classes, *, min_count=1):
    """Number of classes that occur at least `min_count` times.

    Args:
        classes: Array (N,) of integers in [0, num_classes).
        num_classes: Integer, at least 1.
        min_count: Integer, at least 1, default 1. Raise it where a classifier's stray errors should not count.

    Returns:
        An integer in [0, num_classes].

    Raises:
        DataError: The vector is empty, not of integers, or out of range.
        ConfigError: `num_classes` or `min_count` is below 1.

    Example:
        >>> num_classes_covered([0, 0, 2], 4), num_classes_covered([0, 0, 2], 4, min_count=2)
        (2, 1)
    """
    min_count = check_integer("min_count", min_count)
    return int((_histogram("classes", classes, num_classes) >= min_count).sum())


def within_class_diversity(features, classes, num_classes):
    """Mean Euclidean distance between two samples of one class, averaged over the classes.

    The figure has the unit of the features: report the ratio of generated to real samples. A ratio well below 1 means a
    generator that draws one image per class, which a class histogram and a classifier's accuracy both miss.

    Args:
        features: Array (N, D).
        classes: Array (N,) of integers in [0, num_classes).
        num_classes: Integer, at least 1.

    Returns:
        The mean as a float in [0, inf). Classes with fewer than two samples have no pair and are left out.

    Raises:
        DataError: Shapes disagree, values are not finite, a class is out of range, or no class has two samples.
        ConfigError: `num_classes` is below 1.

    Example:
        >>> within_class_diversity([[0.0], [1.0], [5.0], [8.0], [9.0]], [0, 0, 1, 1, 2], 3)  # (1 + 3) / 2
        2.0
    """
    num_classes = check_integer("num_classes", num_classes)
    features = as_features("features", features)
    classes = as_classes("classes", classes, num_classes, num_rows=len(features))
    groups = [features[classes == c] for c in range(num_classes)]
    means = [_mean_pairwise_distance(group) for group in groups if len(group) > 1]
    if not means:
        raise DataError("within_class_diversity needs a class with at least two samples, and there is none.")
    return math.fsum(means) / len(means)


def asked_class_accuracy(asked, found):
    """The fraction of samples whose class is the one that their generator was asked for.

    Args:
        asked: Array (N,) of integers. The labels given to a conditional generator.
        found: Array (N,) of integers. The classes that a separate classifier finds in the samples. Its errors count
            against the generator: report its accuracy on real images beside the figure.

    Returns:
        float in [0, 1], higher is better.

    Raises:
        DataError: A vector is empty or not of integers, or they differ in length.

    Example:
        >>> asked_class_accuracy([0, 1, 2, 3], [0, 1, 2, 2])
        0.75

    Source: Odena et al. 2017, "Conditional Image Synthesis with Auxiliary Classifier GANs", section 4.
    """
    asked = as_classes("asked", asked)
    return float(np.mean(asked == as_classes("found", found, num_rows=len(asked))))


def class_diversities(fake_features, fake_classes, real_features, real_classes, num_classes):
    """For each class, the mean distance between two generated samples, divided by that between two real ones.

    `within_class_diversity` averages over the classes; this finds the one class that has collapsed.

    Args:
        fake_features: Array (N, D).
        fake_classes: Array (N,) of integers in [0, num_classes): the labels that the generator was asked for.
        real_features: Array (M, D), from the same extractor.
        real_classes: Array (M,) of integers in [0, num_classes): the labels of the real images.
        num_classes: Integer, at least 1.

    Returns:
        float64 array (num_classes,), 1 is ideal; nan for a class with fewer than two samples in either set, or whose
        real samples are all alike.

    Raises:
        DataError: Shapes disagree, values are not finite, or a class is out of range.
        ConfigError: `num_classes` is below 1.

    Example:
        >>> class_diversities([[0.0], [1.0], [5.0]], [0, 0, 1], [[0.0], [4.0], [5.0], [6.0]], [0, 0, 1, 1], 2)
        array([0.25,  nan])

    Source: Odena et al. 2017, "Conditional Image Synthesis with Auxiliary Classifier GANs", section 4.3, with distances
    in place of MS-SSIM.
    """
    num_classes = check_integer("num_classes", num_classes)
    names = ("fake_features", "real_features")
    sets = as_feature_pair(fake_features, real_features, min_rows=1, names=names)
    of_sets = []
    for features, classes, kind in zip(sets, (fake_classes, real_classes), ("fake", "real"), strict=True):
        classes = as_classes(f"{kind}_classes", classes, num_classes, num_rows=len(features))
        groups = [features[classes == c] for c in range(num_classes)]
        of_sets.append([_mean_pairwise_distance(group) if len(group) > 1 else np.nan for group in groups])
    fake, real = np.array(of_sets)
    return np.divide(fake, real, out=np.full(num_classes, np.nan), where=real > 0)


def _mean_pairwise_distance(points):
    from sklearn.metrics import pairwise_distances_chunked

    blocks = pairwise_distances_chunked(points, working_memory=128, reduce_func=lambda block, start: block.sum(axis=1))
    # The diagonal is zero, so the sum runs over the ordered pairs of different points.
    return float(sum(block.sum() for block in blocks)) / (len(points) * (len(points) - 1))


def _histogram(name, classes, num_classes):
    num_classes = check_integer("num_classes", num_classes)
    return np.bincount(as_classes(name, classes, num_classes), minlength=num_classes)
