"""Sessions of the studio: states of a piece, edits under way, what may be asked for."""
