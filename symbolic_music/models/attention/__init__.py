"""Relative and local attention, whole and in blocks."""
