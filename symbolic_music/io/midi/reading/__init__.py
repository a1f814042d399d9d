"""The tracks of a MIDI file as columns of events: all at once where they are good, one by one where they are not."""
