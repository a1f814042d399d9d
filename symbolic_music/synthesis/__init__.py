"""Sound from scores by a differentiable synthesizer, trained voices or a SoundFont; notes from sound."""

from symbolic_music.synthesis.audio import Audio
from symbolic_music.synthesis.ddsp.gain_estimate import estimated_gain
from symbolic_music.synthesis.ddsp.presets import Voice
from symbolic_music.synthesis.ddsp.voices import register
from symbolic_music.synthesis.note_fitting import FittedNotes, fit_notes
from symbolic_music.synthesis.rendering import measured_gain, render, render_file, render_stems
from symbolic_music.synthesis.settings import RenderSettings
from symbolic_music.synthesis.streaming import stream

__all__ = [
    "Audio",
    "FittedNotes",
    "RenderSettings",
    "Voice",
    "estimated_gain",
    "fit_notes",
    "measured_gain",
    "register",
    "render",
    "render_file",
    "render_stems",
    "stream",
]
