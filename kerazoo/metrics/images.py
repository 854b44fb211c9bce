"""The report of an image generator: every measure that applies, at equal numbers of images."""

import numpy as np

from kerazoo.metrics._checks import as_features, as_images
from kerazoo.metrics.classes import class_histogram_kl, num_classes_covered, within_class_diversity
from kerazoo.metrics.extractor import as_extractor
from kerazoo.metrics.frechet import fid
from kerazoo.metrics.kernel import kid
from kerazoo.metrics.neighbours import density_coverage, nearest_neighbour_two_sample, precision_recall
from kerazoo.utils.checks import check_integer
from kerazoo.utils.errors import DataError

# The k of each paper.
_PRECISION_RECALL_K = 3
_DENSITY_COVERAGE_K = 5


def image_generation_report(fake, real_test, real_train, extractor, *, num_neighbour=2000, seed=0):
    """Measure generated images against held-out real images, next to the floor of real against real images.

    Most measures depend on the number of images, so all three sets are cut to their first N images, N the size of
    the smallest, and for the neighbour measures to the first `num_neighbour` of these. Rows must be in random order: a
    set sorted by class would lose classes in the cut. Classes are the extractor's for real images too, so that its
    errors cancel.

    Args:
        fake: Float array (N, H, W, C) in [0, 1], the generated images; 10,000 by convention.
        real_test: Float array (M, H, W, C) in [0, 1], real images that the generator did not see.
        real_train: Float array (L, H, W, C) in [0, 1], other real images of the same distribution, for the floor.
        extractor: An object with `features(images) -> (N, D)` and `classify(images) -> (N, C)` probabilities, or a
            Keras classifier that `as_extractor` takes. Never a part of the judged model.
        num_neighbour: Integer, at least 6, default 2000. Images of each set for the neighbour measures.
        seed: Integer, default 0. Fixes the subsets of KID and the ties of the two-sample test.

    Returns:
        A dictionary of floats:
        `classifier_fid`: Frechet distance of fake to real_test in the extractor's features, see `fid`;
        `classifier_fid_floor`: the same of real_train to real_test; `classifier_fid_ratio`: the first over the
            second, 1 is ideal (inf where the floor is 0);
        `kid`, `kid_std`: kernel distance over 100 subsets of min(1000, N // 2) images;
        `precision`, `recall` (k = 3), `precision_k5`, `recall_k5`, `density`, `coverage` (k = 5), the same of
            real_train to real_test as `precision_floor`, `precision_k5_floor`, `density_floor` and `coverage_floor`
            (what a perfect generator gets), `two_sample_accuracy` and its halves
            `two_sample_accuracy_real` and `two_sample_accuracy_fake`: neighbour measures;
        `class_histogram_kl`: KL of the generated to the real classes in nats; `num_classes`: classes generated;
        `top_class_probability`: mean of the largest class probability of a generated image;
        `within_class_diversity`: generated over real, averaged over the classes of which both have two images (nan
            where there is none);
        `num_images`: N.

    Raises:
        DataError: Images are not float in [0, 1] or of different shapes, a set has fewer than 6 images, real_train
            repeats real_test, or the extractor returns anything but finite features and probabilities.
        ConfigError: `extractor` or `num_neighbour` does not fit.

    Example:
        >>> class Extractor:
        ...     def features(self, images):
        ...         return images.reshape(len(images), -1)
        ...
        ...     def classify(self, images):
        ...         bright = images.mean(axis=(1, 2, 3))
        ...         return np.stack([1 - bright, bright], axis=1)
        >>> random = np.random.default_rng(0)
        >>> fake, test, train = (random.random((64, 4, 4, 1), "float32") for _ in range(3))
        >>> report = image_generation_report(fake, test, train, Extractor())
        >>> bool(0.5 < report["classifier_fid_ratio"] < 2.0), report["num_images"]
        (True, 64.0)
    """
    num_neighbour = check_integer("num_neighbour", num_neighbour, _DENSITY_COVERAGE_K + 1)
    fake, real_test, real_train = _equal_sets(fake, real_test, real_train)
    extractor = as_extractor(extractor)
    fake_features = _features(extractor, fake)
    test_features = _features(extractor, real_test)
    train_features = _features(extractor, real_train)
    distance = fid(test_features, fake_features)
    floor = fid(test_features, train_features)
    num_images = len(fake)
    # Half of the images at most, or every subset would be the same one.
    kernel_distance = kid(test_features, fake_features, subset_size=min(1000, num_images // 2), seed=seed)
    return {
        "classifier_fid": distance,
        "classifier_fid_floor": floor,
        "classifier_fid_ratio": distance / floor if floor > 0 else float("inf"),
        "kid": kernel_distance.mean,
        "kid_std": kernel_distance.std,
        **_neighbour_measures(*(rows[:num_neighbour] for rows in (test_features, fake_features, train_features)), seed),
        **_class_measures(_classify(extractor, fake), _classify(extractor, real_test), fake_features, test_features),
        "num_images": float(num_images),
    }


def _equal_sets(fake, real_test, real_train):
    """The three checked sets of images, cut to the size of the smallest."""
    sets = [
        as_images(name, images, min_rows=_DENSITY_COVERAGE_K + 1)
        for name, images in (("fake", fake), ("real_test", real_test), ("real_train", real_train))
    ]
    if len({images.shape[1:] for images in sets}) > 1:
        shapes = ", ".join(str(images.shape[1:]) for images in sets)
        raise DataError(f"fake, real_test and real_train must hold images of one shape, got {shapes}.")
    num_images = min(len(images) for images in sets)
    fake, real_test, real_train = (images[:num_images] for images in sets)
    if np.array_equal(real_test, real_train):
        raise DataError("real_test and real_train are the same images, which makes the floor 0; use two splits.")
    return fake, real_test, real_train


def _neighbour_measures(real, fake, train, seed):
    found, floor = _manifold_measures(real, fake), _manifold_measures(real, train)
    two_sample = nearest_neighbour_two_sample(real, fake, seed)
    return {
        **found,
        **{f"{name}_floor": floor[name] for name in ("precision", "precision_k5", "density", "coverage")},
        "two_sample_accuracy": two_sample.accuracy,
        "two_sample_accuracy_real": two_sample.real,
        "two_sample_accuracy_fake": two_sample.fake,
    }


def _manifold_measures(real, fake):
    precision, recall = precision_recall(real, fake, k=_PRECISION_RECALL_K)
    precision_k5, recall_k5 = precision_recall(real, fake, k=_DENSITY_COVERAGE_K)
    density, coverage = density_coverage(real, fake, k=_DENSITY_COVERAGE_K)
    return {
        "precision": precision,
        "recall": recall,
        "precision_k5": precision_k5,
        "recall_k5": recall_k5,
        "density": density,
        "coverage": coverage,
    }


def _class_measures(fake_probabilities, real_probabilities, fake_features, real_features):
    num_classes = fake_probabilities.shape[1]
    fake_classes, real_classes = fake_probabilities.argmax(axis=1), real_probabilities.argmax(axis=1)
    return {
        "class_histogram_kl": class_histogram_kl(fake_classes, real_classes, num_classes),
        "num_classes": float(num_classes_covered(fake_classes, num_classes)),
        "top_class_probability": float(fake_probabilities.max(axis=1).mean()),
        "within_class_diversity": _diversity_ratio(
            fake_features, fake_classes, real_features, real_classes, num_classes
        ),
    }


def _diversity_ratio(fake_features, fake_classes, real_features, real_classes, num_classes):
    # Numerator and denominator cover the same classes: a dropped class shows in the histogram, not in this ratio.
    counts = [np.bincount(classes, minlength=num_classes) for classes in (fake_classes, real_classes)]
    common = np.flatnonzero(np.minimum(*counts) > 1)
    of_fake, of_real = np.isin(fake_classes, common), np.isin(real_classes, common)
    if len(common) == 0:
        return float("nan")
    real_diversity = within_class_diversity(real_features[of_real], real_classes[of_real], num_classes)
    fake_diversity = within_class_diversity(fake_features[of_fake], fake_classes[of_fake], num_classes)
    return fake_diversity / real_diversity if real_diversity > 0 else float("nan")


def _features(extractor, images):
    features = as_features("the extractor's features", extractor.features(images))
    if len(features) != len(images):
        raise DataError(f"The extractor returned {len(features)} rows of features for {len(images)} images.")
    return features


def _classify(extractor, images):
    probabilities = as_features("the extractor's class probabilities", extractor.classify(images))
    if len(probabilities) != len(images) or not np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-2):
        raise DataError("classify() of the extractor must return one row of class probabilities for each image.")
    return probabilities
