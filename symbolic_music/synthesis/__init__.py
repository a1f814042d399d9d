"""Sound from scores: a bank of DDSP voices, or a SoundFont."""

from symbolic_music.synthesis.audio import Audio
from symbolic_music.synthesis.rendering import render, render_stems

__all__ = ["Audio", "render", "render_stems"]
