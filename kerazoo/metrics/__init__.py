"""Measures of generative models and of learned features, on NumPy arrays.

Every measure takes a matrix of features, one row a sample: the outputs of a feature extractor, or the samples
themselves where they are low-dimensional. Nothing here knows a model, and importing this package loads neither
TensorFlow nor scipy nor scikit-learn.

    fid, frechet_distance           distance between two Gaussians fitted to the features
    kid                             unbiased kernel distance, comparable between sample sizes
    precision_recall                fidelity and diversity by neighbour balls
    density_coverage                the same, robust to outliers
    nearest_neighbour_two_sample    finds both bad samples and memorised ones
    classifier_two_sample           whether a linear classifier tells generated from real
    class_histogram_kl, num_classes_covered, within_class_diversity     dropped classes, collapsed classes
    mode_coverage                   the ring and grid of Gaussians
    exact_log_partition, ais_log_partition      of restricted Boltzmann machines
    linear_probe                    how much of the label a linear map reads from the features
    image_generation_report         all that applies to an image generator, as one dictionary
    optimal_discriminator, jensen_shannon, gan_value            the minimax game in closed form
    bleu, exact_match, character_accuracy                               translations
    adversarial_error, fast_gradient_sign       a classifier under small, chosen changes of its images
    as_extractor                    features and class probabilities from any Keras classifier
"""

from kerazoo.metrics.classes import class_histogram_kl, num_classes_covered, within_class_diversity
from kerazoo.metrics.classifiers import ClassifierTwoSample, classifier_two_sample, linear_probe
from kerazoo.metrics.extractor import KerasExtractor, as_extractor
from kerazoo.metrics.frechet import fid, frechet_distance
from kerazoo.metrics.game import gan_value, jensen_shannon, optimal_discriminator
from kerazoo.metrics.images import image_generation_report
from kerazoo.metrics.kernel import KernelDistance, kid
from kerazoo.metrics.modes import ModeCoverage, mode_coverage
from kerazoo.metrics.neighbours import (
    DensityCoverage,
    NeighbourTwoSample,
    PrecisionRecall,
    density_coverage,
    nearest_neighbour_two_sample,
    precision_recall,
)
from kerazoo.metrics.partition import LogPartition, ais_log_partition, exact_log_partition
from kerazoo.metrics.robustness import adversarial_error, fast_gradient_sign
from kerazoo.metrics.translation import Bleu, bleu, character_accuracy, exact_match

__all__ = [
    "Bleu",
    "ClassifierTwoSample",
    "DensityCoverage",
    "KerasExtractor",
    "KernelDistance",
    "LogPartition",
    "ModeCoverage",
    "NeighbourTwoSample",
    "PrecisionRecall",
    "adversarial_error",
    "ais_log_partition",
    "as_extractor",
    "bleu",
    "character_accuracy",
    "class_histogram_kl",
    "classifier_two_sample",
    "density_coverage",
    "exact_log_partition",
    "exact_match",
    "fast_gradient_sign",
    "fid",
    "frechet_distance",
    "gan_value",
    "image_generation_report",
    "jensen_shannon",
    "kid",
    "linear_probe",
    "mode_coverage",
    "nearest_neighbour_two_sample",
    "num_classes_covered",
    "optimal_discriminator",
    "precision_recall",
    "within_class_diversity",
]
