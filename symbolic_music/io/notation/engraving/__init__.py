"""How music is set down: rests, ties, spelling, the elements of a sheet."""
