"""Regions of a score as rows: all given notes first, then the notes of the region."""

from symbolic_music.tokenizers.region.arrangement import arrange_edit, arrange_stretch
from symbolic_music.tokenizers.region.events import GridEvents, grid_events

__all__ = ["GridEvents", "arrange_edit", "arrange_stretch", "grid_events"]
