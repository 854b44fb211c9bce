"""Recurrent networks: sequences to labels, to sequences and to words."""
