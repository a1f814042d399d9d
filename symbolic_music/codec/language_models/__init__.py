"""Models of codec tokens conditioned on a score: autoregressive, masked, MusicGen's decoder."""
