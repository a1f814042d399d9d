"""Render a score by any synth: those of `synthesis`, a codec language model, or a flow decoder."""

from __future__ import annotations

from typing import Any, Unpack

from symbolic_music.codec.flow.checkpoint import load_flow
from symbolic_music.codec.flow.decoder import FlowDecoder
from symbolic_music.codec.flow.rendering import render_by_flow
from symbolic_music.codec.language_models.registry import Writer, load_writer
from symbolic_music.codec.rendering import render_by_codec
from symbolic_music.errors import OptionError
from symbolic_music.score import Score
from symbolic_music.synthesis.audio import Audio
from symbolic_music.synthesis.rendering import render as render_by_voices
from symbolic_music.synthesis.settings import Progress, RenderOptions, RenderSettings

# What networks that write sound at their own rate have of the options.
_OF_NETWORKS = {"loudness", "seed", "mark"}
_NETWORKS = {"codec": "codec-depth", "flow": "flow"}


def render(
    score: Score,
    synth: str | RenderSettings = "ddsp",
    sample_rate: int | None = None,
    *,
    model: str | Writer | FlowDecoder | None = None,
    progress: Progress | None = None,
    **options: Unpack[RenderOptions],
) -> Audio:
    """Render a score as stereo audio. The same arguments give the same samples.

        sm.render(song, synth="midi-ddsp").write("song.wav")

    All programs and drums are rendered, with velocity, sustain pedal, volume, expression, pan and pitch bend. Tracks
    without a pan controller are panned from left to right. The mix is normalised to `loudness`, with peaks under
    -1 dB. With "codec" a codec language model writes the sound, with "flow" a flow decoder, each at its own rate.

    Args:
        score: the score.
        synth: "ddsp", "midi-ddsp", "soundfont", "codec" or "flow"; or settings.
        sample_rate: Hz, 8,000 to 192,000; 44,100 when omitted. Not of "codec" and "flow".
        model: of "codec" and "flow": a name, a folder, or a loaded one; the bundled one when omitted.
        progress: called with the share that is done.
        options: what `RenderSettings` has besides: soundfont, reverb, loudness, gain, seed, control_rate, expression,
            voices, mark; with "codec" and "flow" loudness, seed and mark.

    Raises:
        As `synthesis.render`; OptionError too for options that a network does not have.
    """
    if not isinstance(synth, str) or synth not in _NETWORKS:
        return render_by_voices(score, synth, sample_rate, progress=progress, **options)
    other = sorted(options.keys() - _OF_NETWORKS) + ["sample_rate"] * (sample_rate is not None)
    if other:
        raise OptionError(f"the synth {synth} has no {', '.join(other)}")
    model = model or _NETWORKS[synth]
    own: dict[str, Any] = {name: options[name] for name in options.keys() & _OF_NETWORKS}  # type: ignore[literal-required]
    if synth == "codec":
        if isinstance(model, FlowDecoder):
            raise OptionError("the synth codec takes a codec language model, not a flow decoder")
        writer = load_writer(model) if isinstance(model, str) else model
        return render_by_codec(score, writer, progress=progress, **own)
    if isinstance(model, Writer):
        raise OptionError("the synth flow takes a flow decoder, not a codec language model")
    decoder = load_flow(model)[0] if isinstance(model, str) else model
    return render_by_flow(score, decoder, progress=progress, **own)
