"""Render a score to codes, and to an audio file, with a codec language model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from symbolic_music.codec.audio_output import audio_of, on_both, write_audio_of
from symbolic_music.codec.base import StreamingCodec
from symbolic_music.codec.codes import Codes
from symbolic_music.codec.encode_decode import decoded
from symbolic_music.codec.language_models.registry import Writer
from symbolic_music.score import Score
from symbolic_music.synthesis.audio import Audio
from symbolic_music.synthesis.mixing.pan_and_reverb import Samples
from symbolic_music.synthesis.rendering import Written, statement
from symbolic_music.synthesis.settings import check_level

Progress = Callable[[float], None]


def score_to_codes(
    score: Score, writer: Writer, seed: int = 0, progress: Progress | None = None, **settings: Any
) -> Codes:
    """Codes of a score, to a second after its last note.

    Args:
        score: with notes.
        writer: of `load_writer`.
        seed: the same seed writes the same codes.
        progress: called with the share that is done.
        settings: of `Writer.codes`: melody, text, guidance, temperature, top_k.

    Raises:
        EmptyScoreError: when there is no note.
        OptionError: for settings out of range.

    Examples:
        >>> config = sm.codec.CodecLanguageModelConfig(codebooks=2, width=32, layers=1, heads=2, hidden=64)
        >>> network = sm.codec.CodecLanguageModel(config).eval()  # of random weights; `load_writer` gives a trained one
        >>> card = sm.models.Card("small", 1, "CC0-1.0", "none")
        >>> writer = sm.codec.Writer(network, sm.codec.load_codec("codec"), "codec", card)
        >>> note = sm.Score(notes=sm.score.note_table([(0, 60, 72)]))  # a sixteenth; a second follows for its end
        >>> sm.codec.score_to_codes(note, writer, seed=1).codes.shape[0]
        2
    """
    blocks = [block[0].cpu() for block in _blocks(score, writer, seed, progress, settings)]
    form = writer.codec.format
    return Codes(torch.cat(blocks, dim=-1).numpy(), form, writer.frames(score) * form.hop)


def render_by_codec(
    score: Score,
    writer: Writer,
    *,
    loudness: float = -16.0,
    seed: int = 0,
    mark: bool = False,
    progress: Progress | None = None,
    **settings: Any,
) -> Audio:
    """The score as stereo sound at the codec's rate; arguments and errors of `score_to_codes`.

    Args:
        loudness: of the whole in LUFS; peaks are held under -1 dB.
        mark: whether the sound has the inaudible mark that `synthesis.watermark` finds.

    Examples:
        >>> writer = sm.codec.load_writer("codec-depth")
        >>> note = sm.Score(notes=sm.score.note_table([(0, 60, 72)]))  # a sixteenth; a second follows for its end
        >>> sm.codec.render_by_codec(note, writer, seed=1).sample_rate
        24000
    """
    check_level(loudness)
    played = on_both(_sounds(score, writer, seed, progress, settings, []))
    return audio_of(played, writer.codec.format.sample_rate, loudness, mark)


def render_file_by_codec(
    score: Score,
    path: str | Path,
    writer: Writer,
    *,
    codes: str | Path | None = None,
    loudness: float = -16.0,
    seed: int = 0,
    mark: bool = False,
    comment: str | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Written:
    """The sound of `render_by_codec` into a .wav or .flac file, whole or not at all, as it is written.

    Args:
        codes: also a file for the codes.
        mark: whether the sound has the inaudible mark that `synthesis.watermark` finds.
        comment: the tag of the file; one with version, model and seed when omitted, none when empty.

    Raises:
        As `render_by_codec`, `Audio.write` and `Codes.save`.

    Examples:
        >>> config = sm.codec.CodecLanguageModelConfig(codebooks=2, width=32, layers=1, heads=2, hidden=64)
        >>> network = sm.codec.CodecLanguageModel(config).eval()  # of random weights; `load_writer` gives a trained one
        >>> card = sm.models.Card("small", 1, "CC0-1.0", "none")
        >>> writer = sm.codec.Writer(network, sm.codec.load_codec("codec"), "codec", card)
        >>> note = sm.Score(notes=sm.score.note_table([(0, 60, 72)]))  # a sixteenth; a second follows for its end
        >>> sm.codec.render_file_by_codec(note, "note.wav", writer, seed=1).path.name
        'note.wav'
    """
    check_level(loudness)
    form, kept = writer.codec.format, list[torch.Tensor]()
    tag = statement(f"codec ({writer.card.name})", seed) if comment is None else comment

    def save_codes(samples: int) -> None:
        if codes is not None:
            Codes(torch.cat(kept, dim=-1).numpy(), form, samples).save(codes)

    blocks, seconds = (
        on_both(_sounds(score, writer, seed, progress, settings, kept)),
        writer.frames(score) / form.frame_rate,
    )
    return write_audio_of(blocks, path, form.sample_rate, loudness, mark, seconds, tag, save_codes)


def _sounds(
    score: Score,
    writer: Writer,
    seed: int,
    progress: Progress | None,
    settings: dict[str, Any],
    kept: list[torch.Tensor],
) -> Iterator[Samples]:
    """Sound (1 or 2, n), block by block; the codes of each are kept. A codec that cannot stream waits for the last."""
    codec = writer.codec
    decoder = codec.stream_decoder() if isinstance(codec, StreamingCodec) else None
    for block in _blocks(score, writer, seed, progress, settings):
        kept.append(block[0].cpu())
        if decoder is not None:
            yield decoder.push(block)[0].cpu().numpy()
    if decoder is None:
        codes = torch.cat(kept, dim=-1)
        for _, sound in decoded(Codes(codes.numpy(), codec.format, codes.shape[-1] * codec.format.hop), codec):
            yield sound


def _blocks(
    score: Score, writer: Writer, seed: int, progress: Progress | None, settings: dict[str, Any]
) -> Iterator[torch.Tensor]:
    """Codes (1, K, n), block by block; progress is called when a block has been used."""
    total, done = writer.frames(score), 0
    for block in writer.codes(score, seed, **settings):
        yield block
        done += block.shape[-1]
        if progress:
            progress(done / total)
