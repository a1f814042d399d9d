"""Constraints on the notes that a model writes: one file for each kind."""
