"""A cascade after Jukebox: codes of three rates, a prior of the slowest, and upsamplers conditioned on the next."""
