"""Corpora: where the music to learn from comes in."""

from symbolic_music.corpora.datasets.chorale_grid import chorale_from_grid, read_chorales

__all__ = ["chorale_from_grid", "read_chorales"]
