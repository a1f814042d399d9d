"""music21 in a separate process, for other formats."""
