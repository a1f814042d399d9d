"""Render a score to sound, and to a file, with a flow decoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from symbolic_music.codec.audio_output import audio_of, on_both, write_audio_of
from symbolic_music.codec.flow.decoder import FlowDecoder
from symbolic_music.codec.flow.streaming import BLOCK, frames_of, stream_sound
from symbolic_music.score import Score
from symbolic_music.synthesis.audio import Audio
from symbolic_music.synthesis.mixing.pan_and_reverb import Samples
from symbolic_music.synthesis.rendering import Written, statement
from symbolic_music.synthesis.settings import check_level

Progress = Callable[[float], None]


def render_by_flow(
    score: Score,
    decoder: FlowDecoder,
    *,
    steps: int = 4,
    guidance: float = 1.0,
    loudness: float = -16.0,
    seed: int = 0,
    mark: bool = False,
    progress: Progress | None = None,
) -> Audio:
    """The score as stereo sound at the decoder's rate.

    Args:
        score: with notes.
        decoder: of `load_flow`.
        steps, guidance, seed: as in `stream_sound`.
        loudness: of the whole in LUFS; peaks are held under -1 dB.
        mark: whether the sound has the inaudible mark that `synthesis.watermark` finds.
        progress: called with the share that is done.

    Raises:
        As `stream_sound`.

    Examples:
        >>> decoder, _ = sm.codec.load_flow("flow")
        >>> sm.codec.render_by_flow(melody.clip(0, 1), decoder).sample_rate
        24000
    """
    check_level(loudness)
    blocks = on_both(_reported(decoder, score, seed, steps, guidance, progress))
    return audio_of(blocks, decoder.config.sample_rate, loudness, mark)


def render_file_by_flow(
    score: Score,
    path: str | Path,
    decoder: FlowDecoder,
    *,
    steps: int = 4,
    guidance: float = 1.0,
    loudness: float = -16.0,
    seed: int = 0,
    mark: bool = False,
    comment: str | None = None,
    progress: Progress | None = None,
) -> Written:
    """The sound of `render_by_flow` into a .wav or .flac file, whole or not at all, in bounded memory.

    Args:
        comment: the tag of the file; one with version and seed when omitted, none when empty.

    Raises:
        As `stream_sound` and `Audio.write`.

    Examples:
        >>> decoder, _ = sm.codec.load_flow("flow")
        >>> sm.codec.render_file_by_flow(melody.clip(0, 1), "melody.wav", decoder).path.name
        'melody.wav'
    """
    check_level(loudness)
    seconds = frames_of(decoder, score) / decoder.config.frame_rate
    blocks = on_both(_reported(decoder, score, seed, steps, guidance, progress))
    tag = statement("flow", seed) if comment is None else comment
    return write_audio_of(blocks, path, decoder.config.sample_rate, loudness, mark, seconds, tag)


def _reported(
    decoder: FlowDecoder, score: Score, seed: int, steps: int, guidance: float, progress: Progress | None
) -> Iterator[Samples]:
    """Blocks of sound; progress is called when a block has been used."""
    total = frames_of(decoder, score)
    for number, block in enumerate(stream_sound(decoder, score, seed, steps, guidance)):
        yield block
        if progress:
            progress(min(1.0, (number + 1) * BLOCK / total))
