"""Render a score by any synth: those of `synthesis`, or a codec language model."""

from __future__ import annotations

from typing import Unpack

from symbolic_music.codec.language_models.registry import Writer, load_writer
from symbolic_music.codec.rendering import render_by_codec
from symbolic_music.errors import OptionError
from symbolic_music.score import Score
from symbolic_music.synthesis.audio import Audio
from symbolic_music.synthesis.rendering import render as render_by_voices
from symbolic_music.synthesis.settings import Progress, RenderOptions, RenderSettings

_OF_CODEC = {"loudness", "seed", "mark"}


def render(
    score: Score,
    synth: str | RenderSettings = "ddsp",
    sample_rate: int | None = None,
    *,
    model: str | Writer = "codec-lm",
    progress: Progress | None = None,
    **options: Unpack[RenderOptions],
) -> Audio:
    """Render a score as stereo audio. The same arguments give the same samples.

        sm.render(song, synth="midi-ddsp").write("song.wav")

    All programs and drums are rendered, with velocity, sustain pedal, volume, expression, pan and pitch bend. Tracks
    without a pan controller are panned from left to right. The mix is normalised to `loudness`, with peaks under
    -1 dB. With "codec" a codec language model writes the sound, at its own rate.

    Args:
        score: the score.
        synth: "ddsp", "midi-ddsp", "soundfont" or "codec"; or settings.
        sample_rate: Hz, 8,000 to 192,000; 44,100 when omitted. Not of "codec".
        model: the codec language model, with "codec": a name, a folder, or a loaded one.
        progress: called with the share that is done.
        options: what `RenderSettings` has besides: soundfont, reverb, loudness, gain, seed, control_rate, expression,
            voices, mark; with "codec" loudness, seed and mark.

    Raises:
        As `synthesis.render`; OptionError too for options that "codec" does not have.
    """
    if synth != "codec":
        return render_by_voices(score, synth, sample_rate, progress=progress, **options)
    other = sorted(options.keys() - _OF_CODEC) + ["sample_rate"] * (sample_rate is not None)
    if other:
        raise OptionError(f"the synth codec has no {', '.join(other)}")
    writer = load_writer(model) if isinstance(model, str) else model
    return render_by_codec(
        score,
        writer,
        loudness=options.get("loudness", -16.0),
        seed=options.get("seed", 0),
        mark=options.get("mark", False),
        progress=progress,
    )
