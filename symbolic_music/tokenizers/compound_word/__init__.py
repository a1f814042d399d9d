"""Compound words: tokens of several fields."""
