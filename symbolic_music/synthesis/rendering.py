"""Render scores: in memory, by track, or to files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

import numpy as np

from symbolic_music.errors import FileError, OptionError
from symbolic_music.score import Score
from symbolic_music.synthesis.audio import Audio, writing
from symbolic_music.synthesis.mixing.limiter import Limiter, levelled
from symbolic_music.synthesis.mixing.mastering import deliver, gain_of
from symbolic_music.synthesis.mixing.pan_and_reverb import Samples
from symbolic_music.synthesis.settings import Progress, RenderOptions, RenderSettings, settings_of
from symbolic_music.synthesis.streaming import mixes, stems
from symbolic_music.version import __version__


def render(
    score: Score,
    synth: str | RenderSettings = "ddsp",
    sample_rate: int | None = None,
    *,
    progress: Progress | None = None,
    **options: Unpack[RenderOptions],
) -> Audio:
    """Render a score as stereo audio. The same arguments give the same samples.

        sm.render(song, synth="midi-ddsp").write("song.wav")

    All programs and drums are rendered, with velocity, sustain pedal, volume, expression, pan and pitch bend. Tracks
    without a pan controller are panned from left to right. The mix is normalised to `loudness`, with peaks under
    -1 dB.

    Args:
        score: the score.
        synth: "ddsp", "midi-ddsp" or "soundfont"; or settings.
        sample_rate: Hz, 8,000 to 192,000; 44,100 when omitted.
        progress: called with the share that is done.
        options: what `RenderSettings` has besides: soundfont, reverb, loudness, gain, seed, control_rate, expression,
            voices, mark.

    Raises:
        EmptyScoreError: when there is no note.
        UnknownNameError: when there is no such synth, or no such voice.
        OptionError: when a value is out of its range.
        AudioError: when the score lasts more than 6 hours, or the SoundFont cannot be used.
        FileError: when the SoundFont is missing.
        MissingExtraError: without pyloudnorm, or for "soundfont" without tinysoundfont.
    """
    settings = settings_of(synth, sample_rate, options)
    rate = settings.sample_rate
    blocks, level = _kept(mixes(score, settings, progress), settings)
    sound, at = np.empty((2, sum(block.shape[1] for block in blocks)), np.float32), 0
    for block in levelled(blocks, level, rate):
        sound[:, at : at + block.shape[1]] = block
        at += block.shape[1]
    _report(progress, 1.0)
    return Audio(sound, rate)


def render_stems(
    score: Score,
    synth: str | RenderSettings = "ddsp",
    sample_rate: int | None = None,
    *,
    progress: Progress | None = None,
    **options: Unpack[RenderOptions],
) -> dict[int, Audio]:
    """Render each track with notes separately: track number to audio. Their sum is the mix of `render`.

    Arguments and errors are those of `render`. Memory grows with the number of tracks; `render_file` needs less.

    Examples:
        >>> sorted(sm.synthesis.render_stems(song.clip(0, 2)))
        [0, 1, 2, 3]
    """
    settings = settings_of(synth, sample_rate, options)
    blocks, level = _kept(stems(score, settings, progress), settings)
    sounds = np.concatenate(list(levelled(blocks, level, settings.sample_rate)), axis=2)
    _report(progress, 1.0)
    return {track: Audio(one, settings.sample_rate) for track, one in zip(_tracks(score), sounds, strict=True)}


@dataclass(frozen=True)
class Written:
    """The output of `render_file`: its path, seconds, largest absolute sample, and the files of tracks by number."""

    path: Path
    seconds: float
    peak: float
    stems: dict[int, Path]


def render_file(
    score: Score,
    path: str | Path,
    synth: str | RenderSettings = "ddsp",
    sample_rate: int | None = None,
    *,
    stem_paths: Mapping[int, str | Path] | None = None,
    bits: int = 16,
    comment: str | None = None,
    progress: Progress | None = None,
    **options: Unpack[RenderOptions],
) -> Written:
    """Render to a .wav or .flac file, atomically and in bounded memory.

    The mix is kept in a temporary file of 32-bit samples until its loudness is known.

    Args:
        score: the score.
        path: the file.
        synth, sample_rate: as in `render`.
        stem_paths: files for tracks with notes, by track number; missing folders are created. They need a second
            pass. Their sum is the mix, except for peaks of a stem over full scale.
        bits: 16 or 24.
        comment: the tag of the files; one with version, synth and seed when omitted, none when empty.
        progress, options: as in `render`.

    Raises:
        As `render`, and as `Audio.write`.

    Examples:
        >>> written = sm.synthesis.render_file(song.clip(0, 4), "mix.wav", stem_paths={2: "bass.wav"})
        >>> written.path.name
        'mix.wav'
    """
    settings = settings_of(synth, sample_rate, options)
    settings.check_for(score)
    rate = settings.sample_rate
    tracks, paths = _tracks(score), {track: Path(one) for track, one in (stem_paths or {}).items()}
    for track in paths.keys() - set(tracks):
        raise OptionError(f"no track {track} has notes; there are: {', '.join(map(str, tracks))}")
    share = 0.5 if paths else 1.0
    tag = statement(settings.synth, settings.seed) if comment is None else comment

    def first_part(part: float) -> None:
        _report(progress, share * part)

    def second_part(part: float) -> None:
        _report(progress, share + (1 - share) * part)

    with ExitStack() as stack:
        # Opened before anything is played: what cannot be written is said at once.
        add = stack.enter_context(writing(Path(path), rate, bits, score.duration, comment=tag))
        blocks = mixes(score, settings, first_part)
        samples, peak, gain = deliver(blocks, add, Path(path).parent, rate, settings.loudness, settings.gain)
        if paths:
            for one in paths.values():
                try:
                    one.parent.mkdir(parents=True, exist_ok=True)
                except OSError as error:
                    raise FileError(f"cannot make {one.parent}: {error.strerror}") from None
            files = [
                # What cancels in the mix may be over full scale alone.
                (tracks.index(track), Limiter(rate, 0.999),
                 stack.enter_context(writing(one, rate, bits, score.duration, comment=tag)))
                for track, one in paths.items()
            ]  # fmt: skip
            for block in levelled(stems(score, settings, second_part), gain, rate):
                for place, limiter, add_one in files:
                    add_one(limiter.limit(block[place]))
            for _, limiter, add_one in files:
                add_one(limiter.limit(np.zeros((2, 0), np.float32), last=True))
    _report(progress, 1.0)
    return Written(Path(path), samples / rate, peak, paths)


def statement(synth: str, seed: int) -> str:
    """The words of a tag: version, synth and seed."""
    return f"Rendered by symbolic-music {__version__}: synth {synth}, seed {seed}"


def measured_gain(
    score: Score, synth: str | RenderSettings = "ddsp", sample_rate: int | None = None, **options: Unpack[RenderOptions]
) -> float:
    """The gain in dB that normalises a score to `loudness`, measured by rendering it once, for use with `stream`.

    Arguments and errors are those of `render`.

    Examples:
        >>> gain = sm.synthesis.measured_gain(melody)
        >>> chunks = sm.synthesis.stream(melody, gain=gain)  # as loud as `render` makes it
        >>> next(chunks).dtype
        dtype('float32')
    """
    settings = settings_of(synth, sample_rate, options)
    return gain_of(mixes(score, settings), settings.loudness, settings.sample_rate)


def _kept(blocks: Iterable[Samples], settings: RenderSettings) -> tuple[list[Samples], float]:
    """All blocks of a mix or of its stems, and the gain, which is measured while later blocks are made."""
    if settings.gain is not None:
        return list(blocks), settings.gain
    kept = []

    def mixed() -> Iterator[Samples]:
        for block in blocks:
            kept.append(block)
            yield block if block.ndim == 2 else block.sum(axis=0)

    gain = gain_of(mixed(), settings.loudness, settings.sample_rate)
    return kept, gain


def _tracks(score: Score) -> list[int]:
    tracks: list[int] = np.unique(score.notes["track"]).tolist()
    return tracks


def _report(progress: Progress | None, part: float) -> None:
    if progress is not None:
        progress(part)
