"""Checkpoints: our own folders, and those of others, one weight map a family."""
