"""Compound words: several fields a token."""
