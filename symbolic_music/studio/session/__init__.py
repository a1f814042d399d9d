"""Sessions of the studio: states of a piece, running edits, requests."""
