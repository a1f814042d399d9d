"""Render a score with a SoundFont, by tinysoundfont."""

from __future__ import annotations

import heapq
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from symbolic_music.errors import AudioError, FileError, MissingExtraError
from symbolic_music.general_midi import DRUM_CHANNEL, DRUM_INSTRUMENT
from symbolic_music.score import Score
from symbolic_music.synthesis.mixing import controllers
from symbolic_music.synthesis.mixing import pan_and_reverb as mixing
from symbolic_music.synthesis.sampled.font_file import font_bytes

TAIL_SECONDS = 3.0
# tinysoundfont clips nothing, but int16 fonts mix hot.
GAIN_DB = -12.0
MAX_VOICES = 1024
# At one time: notes end before notes begin, and programs and controllers come before both.
_SETTING, _OFF, _ON = 0, 1, 2
_FOLLOWED = (1, controllers.VOLUME, controllers.EXPRESSION, controllers.BANK_DATA, 38,
             *controllers.PARAMETERS)  # fmt: skip
# (seconds, order at that time, kind, key or controller, value)
Event = tuple[float, int, str, int, int]


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


class SoundFontBank:
    """Plays a score through a SoundFont, block by block. Events fall on their own sample.

    Each track and instrument has a player of its own, so more than sixteen of them are no matter; each of these holds
    the font in memory, from its first note to its last.

    Raises:
        FileError: when the SoundFont is missing.
        AudioError: when it is not a SoundFont.
        MissingExtraError: without tinysoundfont, or pretty_midi for the default font.
    """

    def __init__(self, score: Score, sample_rate: int, soundfont: str | Path | None = None) -> None:
        self.path = default_soundfont() if soundfont is None else Path(soundfont)
        if not self.path.is_file():
            raise FileError(f"no such SoundFont: {self.path}")
        self._font = font_bytes(self.path)
        self.sample_rate = sample_rate
        self.tracks = np.unique(score.notes["track"]).tolist()
        self._now = 0
        places = controllers.positions(score)
        ends = controllers.held_until(score)
        instruments = score.instruments
        self._parts: list[_Part] = []
        for track in self.tracks:
            # Pan is ours, so that both synths place alike.
            position = controllers.pan(score, track, places[track])
            for instrument in np.unique(instruments[score.notes["track"] == track]).tolist():
                own = np.flatnonzero((score.notes["track"] == track) & (instruments == instrument))
                silent = round((float(ends[own].max()) + TAIL_SECONDS) * sample_rate)
                events = list(_events(score, track, own, ends))
                self._parts.append(_Part(track, instrument, events, position, silent))
        self._open(self._parts[0])

    @property
    def end(self) -> int:
        """Samples from the beginning until nothing sounds any more."""
        return max(part.silent for part in self._parts)

    def play(self, samples: int) -> dict[int, mixing.Samples]:
        """The next samples of each track that sounds in them, stereo (2, samples)."""
        until, out = self._now + samples, dict[int, mixing.Samples]()
        for part in self._parts:
            if part.silent <= self._now:
                part.synth = None
                continue
            if part.starts * self.sample_rate >= until:
                continue
            if part.synth is None:
                self._open(part)
            sound = np.concatenate(self._pieces(part, until), axis=1)
            place = (np.asarray(part.position.over(self._now, samples, self.sample_rate)) + 1) * (np.pi / 4)
            # Stereo moved to the left or right by turning down the other side, at most to nothing.
            sound *= np.sqrt(2) * np.stack([np.cos(place), np.sin(place)]).reshape(2, -1)
            out[part.track] = out[part.track] + sound if part.track in out else sound
        self._now = until
        return out

    def _open(self, part: _Part) -> None:
        try:
            import tinysoundfont
        except ImportError:
            raise MissingExtraError("tinysoundfont", "audio") from None
        part.synth = tinysoundfont.Synth(samplerate=self.sample_rate)
        try:
            font = part.synth.sfload(self._font, gain=GAIN_DB, max_voices=MAX_VOICES)
        except (RuntimeError, ValueError) as error:
            raise AudioError(f"{self.path} is no SoundFont that can be used: {error}") from None
        _choose(part.synth, font, part.instrument)

    def _pieces(self, part: _Part, until: int) -> list[mixing.Samples]:
        """Render the audio between events, up to a sample."""
        channel = DRUM_CHANNEL if part.instrument == DRUM_INSTRUMENT else 0
        now, pieces = self._now, []

        def advance(to: int) -> None:
            nonlocal now
            if to > now:
                pieces.append(np.frombuffer(part.synth.generate_simple(to - now), np.float32).reshape(-1, 2).T.copy())
                now = to

        while part.following < len(part.events):
            time, _, kind, first, second = part.events[part.following]
            if round(time * self.sample_rate) >= until:
                break
            advance(round(time * self.sample_rate))
            part.following += 1
            if kind == "on":
                part.synth.noteon(channel, first, second)
            elif kind == "off":
                part.synth.noteoff(channel, first)  # of two notes of one key it ends the older
            elif kind == "bend":
                part.synth.pitchbend(channel, first)
            else:
                part.synth.control_change(channel, first, second)
        advance(until)
        return pieces


@dataclass
class _Part:
    """The notes of one track for one instrument; `silent` is the sample from which it is silent."""

    track: int
    instrument: int
    events: list[Event]
    position: controllers.Steps
    silent: int
    following: int = 0
    synth: Any = None

    @property
    def starts(self) -> float:
        """Seconds of the first event."""
        return self.events[0][0] if self.events else 0.0


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


def _events(score: Score, track: int, own: Any, ends: controllers.Curve) -> Iterator[Event]:
    """The events of a part in order. Note ends include the pedal."""
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
