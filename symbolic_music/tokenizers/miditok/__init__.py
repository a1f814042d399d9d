"""MidiTok's tokenizers with our interface."""
