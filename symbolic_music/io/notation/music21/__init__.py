"""music21, for what is not read by this library itself: in a process of its own."""
