"""Measures of generative models and of learned features, on NumPy arrays.

Every measure takes a matrix of features, one row per sample: the outputs of a feature extractor, or the samples
themselves where they are low-dimensional. Nothing here knows a model, and importing this package loads neither
TensorFlow nor scipy nor scikit-learn.

    fid, frechet_distance           distance between two Gaussians fitted to the features
    kid                             unbiased kernel distance, comparable between sample sizes
    precision_recall                fidelity and diversity by neighbour balls
    density_coverage                the same, robust to outliers
    nearest_neighbour_two_sample    finds both bad samples and memorised ones
    classifier_two_sample           whether a linear classifier can tell generated from real
    class_histogram_kl, num_classes_covered, within_class_diversity     dropped classes, collapsed classes
    asked_class_accuracy, class_diversities         conditional generators
    mode_coverage                   the ring and grid of Gaussians
    mmd_test, wasserstein_1d, total_variation       whether, and by how much, two distributions differ
    kernel_density_nats, pixel_histogram_nats       simple densities to beat
    exact_log_partition, ais_log_partition      of restricted Boltzmann machines
    linear_probe, knn_probe, few_label_probe        how much of the label the features hold
    clustering_scores, cluster_agreement            whether clusters, or a discrete code, are the classes
    beta_vae_score, mutual_information_gap          whether single codes stand for single factors
    squared_error, psnr, ssim, luminance            reconstructed and enlarged images
    discarded_variance, pca_reconstruction, principal_components, principal_angles      an autoencoder's baseline
    gabor_fit, gabor_fraction       whether filters are edges
    image_generation_report         all that applies to an image generator, as one dictionary
    optimal_discriminator, jensen_shannon, gan_value            the minimax game in closed form
    bleu, exact_match, character_accuracy           translations
    KneserNey, perplexity           the n-gram model that a neural language model must beat
    adversarial_error, fast_gradient_sign       a classifier under small, chosen changes of its images
    as_extractor                    features and class probabilities from any Keras classifier
"""

from kerazoo.metrics.classes import (
    asked_class_accuracy,
    class_diversities,
    class_histogram_kl,
    num_classes_covered,
    within_class_diversity,
)
from kerazoo.metrics.classifiers import ClassifierTwoSample, classifier_two_sample, linear_probe
from kerazoo.metrics.clusters import ClusteringScores, cluster_agreement, clustering_scores
from kerazoo.metrics.densities import kernel_density_nats, neighbour_completion_nats, pixel_histogram_nats
from kerazoo.metrics.disentanglement import beta_vae_score, mutual_information_gap
from kerazoo.metrics.distributions import total_variation, wasserstein_1d
from kerazoo.metrics.extractor import KerasExtractor, as_extractor
from kerazoo.metrics.frechet import fid, frechet_distance
from kerazoo.metrics.gabor import GaborFit, gabor_fit, gabor_fraction
from kerazoo.metrics.game import gan_value, jensen_shannon, optimal_discriminator
from kerazoo.metrics.images import image_generation_report
from kerazoo.metrics.kernel import KernelDistance, MMDTest, kid, mmd_test
from kerazoo.metrics.modes import ModeCoverage, mode_coverage
from kerazoo.metrics.neighbours import (
    DensityCoverage,
    NeighbourTwoSample,
    PrecisionRecall,
    density_coverage,
    nearest_neighbour_two_sample,
    precision_recall,
)
from kerazoo.metrics.ngrams import KneserNey, perplexity
from kerazoo.metrics.partition import LogPartition, ais_log_partition, exact_log_partition
from kerazoo.metrics.probes import FewLabels, few_label_probe, knn_probe
from kerazoo.metrics.reconstruction import luminance, psnr, squared_error, ssim
from kerazoo.metrics.robustness import adversarial_error, fast_gradient_sign
from kerazoo.metrics.subspaces import discarded_variance, pca_reconstruction, principal_angles, principal_components
from kerazoo.metrics.translation import Bleu, bleu, character_accuracy, exact_match

__all__ = [
    "Bleu",
    "ClassifierTwoSample",
    "ClusteringScores",
    "DensityCoverage",
    "FewLabels",
    "GaborFit",
    "KerasExtractor",
    "KernelDistance",
    "KneserNey",
    "LogPartition",
    "MMDTest",
    "ModeCoverage",
    "NeighbourTwoSample",
    "PrecisionRecall",
    "adversarial_error",
    "ais_log_partition",
    "as_extractor",
    "asked_class_accuracy",
    "beta_vae_score",
    "bleu",
    "character_accuracy",
    "class_diversities",
    "class_histogram_kl",
    "classifier_two_sample",
    "cluster_agreement",
    "clustering_scores",
    "density_coverage",
    "discarded_variance",
    "exact_log_partition",
    "exact_match",
    "fast_gradient_sign",
    "few_label_probe",
    "fid",
    "frechet_distance",
    "gabor_fit",
    "gabor_fraction",
    "gan_value",
    "image_generation_report",
    "jensen_shannon",
    "kernel_density_nats",
    "kid",
    "knn_probe",
    "linear_probe",
    "luminance",
    "mmd_test",
    "mode_coverage",
    "mutual_information_gap",
    "nearest_neighbour_two_sample",
    "neighbour_completion_nats",
    "num_classes_covered",
    "optimal_discriminator",
    "pca_reconstruction",
    "perplexity",
    "pixel_histogram_nats",
    "precision_recall",
    "principal_angles",
    "principal_components",
    "psnr",
    "squared_error",
    "ssim",
    "total_variation",
    "wasserstein_1d",
    "within_class_diversity",
]
