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
from kerazoo.losses.energy import margin_discriminator_loss, pulling_away
from kerazoo.losses.information import categorical_information, uniform_information
from kerazoo.losses.kernel import gaussian_kernels, maximum_mean_discrepancy
from kerazoo.losses.likelihood import sequence_log_likelihood
from kerazoo.losses.reconstruction import mean_squared_error
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
    "gaussian_kernels",
    "gaussian_kl",
    "gaussian_log_density",
    "gradient_norms",
    "gradient_penalty",
    "importance_weighted_bound",
    "interpolates",
    "least_squares_discriminator_loss",
    "least_squares_generator_loss",
    "margin_discriminator_loss",
    "maximum_mean_discrepancy",
    "mean_squared_error",
    "minimax_discriminator_loss",
    "minimax_generator_loss",
    "non_saturating_generator_loss",
    "pulling_away",
    "sequence_log_likelihood",
    "uniform_information",
    "wasserstein_critic_loss",
    "wasserstein_generator_loss",
]
