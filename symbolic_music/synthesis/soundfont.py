"""Sampled instruments: a score through a SoundFont, by tinysoundfont."""

from __future__ import annotations

import heapq
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from symbolic_music.errors import AudioError, FileError, MissingExtraError
from symbolic_music.score import DRUM_CHANNEL, DRUM_INSTRUMENT, Score
from symbolic_music.synthesis import controllers, mixing
from symbolic_music.synthesis.bank import Piece, positions

# Sound is made in pieces of this many samples where no event falls; events start on their own sample.
BLOCK = 1 << 19
TAIL_SECONDS = 3.0
# tinysoundfont clips nothing, but int16 fonts mix hot.
GAIN_DB = -12.0
MAX_VOICES = 1024
# At one time: notes end before notes begin, and programs and controllers come before both.
_SETTING, _OFF, _ON = 0, 1, 2
_FOLLOWED = (1, controllers.VOLUME, controllers.EXPRESSION, controllers.BANK_DATA, 38,
             controllers.RPN_LOW, controllers.RPN_HIGH)  # fmt: skip


def default_soundfont() -> Path:
    """The General MIDI SoundFont that comes with pretty_midi, found without importing it.

    Raises:
        MissingExtraError: without pretty_midi.
    """
    found = importlib.util.find_spec("pretty_midi")
    if found is not None and found.origin:
        path = Path(found.origin).parent / "TimGM6mb.sf2"
        if path.is_file():
            return path
    raise MissingExtraError("pretty_midi (its SoundFont)", "audio")


def play(score: Score, sample_rate: int, soundfont: str | Path | None) -> Iterator[Piece]:
    """The sound of each track that has notes: pieces (track, first sample, stereo). Events keep to their sample.

    Each track and instrument is played by itself, so more than sixteen of them are no matter.

    Raises:
        FileError: when the SoundFont is missing.
        AudioError: when it is none.
        MissingExtraError: without tinysoundfont, or pretty_midi for the default font.
    """
    path = default_soundfont() if soundfont is None else Path(soundfont)
    if not path.is_file():
        raise FileError(f"no such SoundFont: {path}")
    try:
        import tinysoundfont
    except ImportError:
        raise MissingExtraError("tinysoundfont", "audio") from None
    places = positions(score)
    instruments = score.instruments
    ends = controllers.held_until(score)
    synth = tinysoundfont.Synth(samplerate=sample_rate)
    try:
        font = synth.sfload(str(path), gain=GAIN_DB, max_voices=MAX_VOICES)
    except (RuntimeError, ValueError) as error:
        raise AudioError(f"{path} is no SoundFont that can be used: {error}") from None
    for track in np.unique(score.notes["track"]).tolist():
        for instrument in np.unique(instruments[score.notes["track"] == track]).tolist():
            synth.soundfonts[font].reset()
            _choose(synth, font, instrument)
            own = np.flatnonzero((score.notes["track"] == track) & (instruments == instrument))
            yield from _track(synth, score, track, own, ends, places[track], sample_rate)


def _choose(synth: Any, font: int, instrument: int) -> None:
    """Select the instrument on its channel; where the font lacks it, the first that it has of bank 0 or the drums."""
    if instrument == DRUM_INSTRUMENT:
        synth.program_select(DRUM_CHANNEL, font, 128, 0, True)
        return
    for program in (instrument, instrument // 8 * 8, *range(128)):
        if synth.sfpreset_name(font, 0, program) is not None:
            synth.program_select(0, font, 0, program)
            return
    raise AudioError("this SoundFont has no instrument in bank 0")


def _track(
    synth: Any, score: Score, track: int, own: Any, ends: controllers.Curve, place: float, sample_rate: int
) -> Iterator[Piece]:
    drums = bool(score.notes["channel"][own[0]] == DRUM_CHANNEL)
    channel = DRUM_CHANNEL if drums else 0
    events = _events(score, track, own, ends)
    # Set, where a file does not: volume 100, expression 127. Pan is ours, so that both synths place alike.
    position = controllers.pan(score, track, place)
    now, end = 0, round((float(ends[own].max()) + TAIL_SECONDS) * sample_rate)
    start, pieces = 0, []

    def advance(to: int) -> None:
        nonlocal now
        while now < to:
            count = min(BLOCK, to - now)
            pieces.append(np.frombuffer(synth.generate_simple(count), np.float32).reshape(-1, 2).T)
            now += count

    def flush() -> Piece:
        nonlocal start, pieces
        piece = np.concatenate(pieces, axis=1)
        times = (start + np.arange(piece.shape[1])) / sample_rate
        done = (track, start, _balance(piece, position.gliding(times)))
        start, pieces = now, []
        return done

    for time, _, kind, first, second in events:
        advance(min(end, round(time * sample_rate)))
        if now - start > BLOCK:
            yield flush()
        if kind == "on":
            synth.noteon(channel, first, second)
        elif kind == "off":
            synth.noteoff(channel, first)  # of two notes of one key it ends the older
        elif kind == "bend":
            synth.pitchbend(channel, first)
        else:
            synth.control_change(channel, first, second)
    advance(end)
    yield flush()


def _events(score: Score, track: int, own: Any, ends: controllers.Curve) -> Iterator[tuple[float, int, str, int, int]]:
    """(seconds, order at that time, kind, key or controller, value), in time. The pedal is in the notes' ends."""
    notes = score.notes[own]
    begins = score.onset_seconds[own]
    lasts = np.maximum(ends[own], begins + 1e-3)
    on = sorted((float(t), _ON, "on", int(p), int(v))
                for t, p, v in zip(begins, notes["pitch"], notes["velocity"], strict=True) if v)  # fmt: skip
    off = sorted((float(t), _OFF, "off", int(p), 0)
                 for t, p, v in zip(lasts, notes["pitch"], notes["velocity"], strict=True) if v)  # fmt: skip
    controls = score.controls[(score.controls["track"] == track) & np.isin(score.controls["number"], _FOLLOWED)]
    settings = [(float(t), _SETTING, "control", int(c["number"]), int(c["value"]))
                for t, c in zip(score.seconds(controls["time"]), controls, strict=True)]  # fmt: skip
    bends = score.bends[score.bends["track"] == track]
    bent = [(float(t), _SETTING, "bend", int(b["value"]) + 8192, 0)
            for t, b in zip(score.seconds(bends["time"]), bends, strict=True)]  # fmt: skip
    return heapq.merge(settings, bent, off, on, key=lambda event: event[:2])


def _balance(sound: mixing.Samples, position: controllers.Curve) -> mixing.Samples:
    """Stereo moved to the left or right by turning down the other side, at most to nothing."""
    angle = (position + 1) * (np.pi / 4)
    return np.asarray(sound * (np.sqrt(2) * np.stack([np.cos(angle), np.sin(angle)])), np.float32)
