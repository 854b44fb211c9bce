"""Boltzmann machines: energy-based models that learn by sampling."""
