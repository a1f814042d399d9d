"""Scores to sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from symbolic_music.errors import AudioError, EmptyScoreError, OptionError, UnknownNameError
from symbolic_music.score import Score
from symbolic_music.synthesis import bank, mixing
from symbolic_music.synthesis.audio import Audio

SYNTHS = ("ddsp", "soundfont")
MAX_HOURS = 6.0
Progress = Callable[[float], None]


def render(
    score: Score,
    synth: str = "ddsp",
    sample_rate: int = 44100,
    *,
    soundfont: str | Path | None = None,
    reverb: float = 0.35,
    loudness: float = -16.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Audio:
    """The score as stereo sound. The same arguments give the same samples.

    Every program and every drum sounds; velocity, the sustain pedal, volume, expression, pan and pitch bend are
    followed. Tracks without a pan controller are spread from left to right. The whole is brought to `loudness`, and
    peaks are held under -1 dB.

    Args:
        score: what to play.
        synth: "ddsp", the built-in voices, or "soundfont", sampled instruments through tinysoundfont.
        sample_rate: Hz, 8,000 to 192,000.
        soundfont: a .sf2 or .sf3 file for "soundfont"; the small General MIDI one of pretty_midi when omitted.
        reverb: level of the room, 0 for none.
        loudness: of the whole in LUFS.
        seed: places the noise and the vibrato of the notes.
        progress: called with the part done, rising to 1.

    Raises:
        EmptyScoreError: when there is no note.
        UnknownNameError: when there is no such synth.
        OptionError: when a value is out of its range.
        AudioError: when the score lasts more than 6 hours, or the SoundFont cannot be used.
        FileError: when the SoundFont is missing.
        MissingExtraError: without pyloudnorm, or for "soundfont" without tinysoundfont.
    """
    _check(score, sample_rate, reverb, loudness)
    mix = _room_for(score, sample_rate)
    for _, start, piece in _pieces(score, synth, sample_rate, soundfont, seed, progress):
        mix = _add(mix, start, piece)
    mix, gain = _finish(mix, sample_rate, reverb, loudness)
    mix *= gain
    _report(progress, 1.0)
    return Audio(mix, sample_rate)


def render_stems(
    score: Score,
    synth: str = "ddsp",
    sample_rate: int = 44100,
    *,
    soundfont: str | Path | None = None,
    reverb: float = 0.35,
    loudness: float = -16.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[int, Audio]:
    """The sound of each track that has notes, by its number; together they are what `render` gives.

    Arguments and errors are those of `render`. Memory grows with the number of tracks.
    """
    _check(score, sample_rate, reverb, loudness)
    stems: dict[int, mixing.Samples] = {}
    for track, start, piece in _pieces(score, synth, sample_rate, soundfont, seed, progress):
        stems[track] = _add(stems.get(track, _room_for(score, sample_rate)), start, piece)
    longest = max(s.shape[1] for s in stems.values())
    stems = {i: np.pad(s, ((0, 0), (0, longest - s.shape[1]))) for i, s in sorted(stems.items())}
    _, gain = _finish(sum(stems.values(), np.zeros((2, longest), np.float32)), sample_rate, reverb, loudness)
    _report(progress, 1.0)
    return {i: Audio(_with_room(s, sample_rate, reverb) * gain, sample_rate) for i, s in stems.items()}


def _check(score: Score, sample_rate: int, reverb: float, loudness: float) -> None:
    if not len(score):
        raise EmptyScoreError("this score has no notes to play")
    if not 8_000 <= sample_rate <= 192_000:
        raise OptionError(f"the sample rate is 8000 to 192000 Hz, not {sample_rate}")
    if not 0 <= reverb <= 4:
        raise OptionError(f"reverb is a level from 0 to 4, not {reverb:g}")
    if not -70 <= loudness <= 0:
        raise OptionError(f"loudness is -70 to 0 LUFS, not {loudness:g}")
    if score.duration > MAX_HOURS * 3600:
        raise AudioError(f"this score lasts {score.duration / 3600:.1f} hours; clip it to at most {MAX_HOURS:g}")


def _pieces(
    score: Score, synth: str, sample_rate: int, soundfont: str | Path | None, seed: int, progress: Progress | None
) -> Iterator[bank.Piece]:
    """What each track sounds, in pieces to be added up; reports progress as the pieces pass."""
    if synth == "ddsp":
        pieces = bank.play(score, sample_rate, seed)
    elif synth == "soundfont":
        from symbolic_music.synthesis.soundfont import play

        pieces = play(score, sample_rate, soundfont)
    else:
        raise UnknownNameError(f"no synth {synth!r}; there are: {', '.join(SYNTHS)}")
    whole = max(score.duration, 1e-3)
    for piece in pieces:
        yield piece
        _report(progress, min(0.95, piece[1] / sample_rate / whole))


def _report(progress: Progress | None, part: float) -> None:
    if progress is not None:
        progress(part)


def _room_for(score: Score, sample_rate: int) -> mixing.Samples:
    return np.zeros((2, int(score.duration * sample_rate)), np.float32)


def _add(mix: mixing.Samples, start: int, piece: mixing.Samples) -> mixing.Samples:
    """The mix with a piece added, drawn out where it is too short."""
    end = start + piece.shape[1]
    if end > mix.shape[1]:
        mix = np.pad(mix, ((0, 0), (0, end - mix.shape[1])))
    mix[:, start:end] += piece
    return mix


def _finish(
    dry: mixing.Samples, sample_rate: int, reverb: float, loudness: float
) -> tuple[mixing.Samples, mixing.Samples]:
    """The mix with its room, and the gain (n,) that levels it and holds its peaks."""
    mix = _with_room(dry, sample_rate, reverb)
    level = np.float32(mixing.loudness_gain(mix, sample_rate, loudness))
    return mix, level * mixing.limiter_gain(mix * level, sample_rate)


def _with_room(dry: mixing.Samples, sample_rate: int, reverb: float) -> mixing.Samples:
    if reverb > 0:
        dry = np.pad(dry, ((0, 0), (0, int(mixing.ROOM_SECONDS * sample_rate))))
    return mixing.add_room(dry, sample_rate, reverb)
