"""Models that write codec tokens conditioned on a score: autoregressive, masked, MusicGen's decoder."""
