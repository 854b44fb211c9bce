"""Losses: pure functions of tensors that give one value an example, each with its paper."""

from kerazoo.losses.adversarial import minimax_discriminator_loss, non_saturating_generator_loss

__all__ = ["minimax_discriminator_loss", "non_saturating_generator_loss"]
