"""Conversion between scores and the events of a model."""
