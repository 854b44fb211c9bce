"""Losses: pure functions of tensors that give one value per example, each with the paper that it comes from."""

from kerazoo.losses.adversarial import (
    gradient_norms,
    gradient_penalty,
    interpolates,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    minimax_discriminator_loss,
    minimax_generator_loss,
    non_saturating_generator_loss,
    wasserstein_critic_loss,
    wasserstein_generator_loss,
)
from kerazoo.losses.information import categorical_information, uniform_information
from kerazoo.losses.likelihood import sequence_log_likelihood
from kerazoo.losses.sparsity import bernoulli_kl
from kerazoo.losses.variational import (
    bernoulli_log_likelihood,
    gaussian_kl,
    gaussian_log_density,
    importance_weighted_bound,
)

__all__ = [
    "bernoulli_kl",
    "bernoulli_log_likelihood",
    "categorical_information",
    "gaussian_kl",
    "gaussian_log_density",
    "gradient_norms",
    "gradient_penalty",
    "importance_weighted_bound",
    "interpolates",
    "least_squares_discriminator_loss",
    "least_squares_generator_loss",
    "minimax_discriminator_loss",
    "minimax_generator_loss",
    "non_saturating_generator_loss",
    "sequence_log_likelihood",
    "uniform_information",
    "wasserstein_critic_loss",
    "wasserstein_generator_loss",
]
