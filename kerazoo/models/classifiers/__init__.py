"""Classifiers: the feature extractors that the measurements use."""
