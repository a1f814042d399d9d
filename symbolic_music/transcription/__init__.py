"""From a performance to what was played: beats, downbeats and bars."""

from symbolic_music.transcription.bars import with_bars
from symbolic_music.transcription.beats import Beats, track_beats

__all__ = ["Beats", "track_beats", "with_bars"]
