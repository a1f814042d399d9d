"""Engraving: rests, ties, spelling, the elements of a sheet."""
