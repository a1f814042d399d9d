"""MIDI-like performance events."""
