"""Constraints on the notes that a model writes: one file a kind."""
