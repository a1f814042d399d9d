"""Tracks to a stereo mix: controllers, panning, reverb, loudness."""
