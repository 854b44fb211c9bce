"""Losses: pure functions of tensors that give one value an example, each with its paper."""

from kerazoo.losses.adversarial import minimax_discriminator_loss, non_saturating_generator_loss
from kerazoo.losses.variational import (
    bernoulli_log_likelihood,
    gaussian_kl,
    gaussian_log_density,
    importance_weighted_bound,
)

__all__ = [
    "bernoulli_log_likelihood",
    "gaussian_kl",
    "gaussian_log_density",
    "importance_weighted_bound",
    "minimax_discriminator_loss",
    "non_saturating_generator_loss",
]
