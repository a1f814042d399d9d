"""The notes of a MIDI file as a player plays them, with everything that affects their sound.

Tracks are merged by time; state is kept by port and channel; a note sounds until its key or the pedal lets go, or all
of its channel are let go (controllers 120 and 123 to 127). Until anything is said, values are those of General MIDI 1:
program 0, volume 100, pan 64, expression 127, bends of 2 semitones. Controller 121 resets what RP-015 says: pedal,
expression, bend and the chosen parameter. Of exclusive messages those are obeyed that make a channel drums.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from symbolic_music.io.midi.reading.drum_parts import drum_parts
from symbolic_music.io.midi.reading.track_contents import Events
from symbolic_music.io.midi.tolerant_reader import read_tracks

_CHANGE, _CONTROL, _BEND, _OFF, _ON = range(5)
_VOLUME, _PAN, _EXPRESSION, _SUSTAIN = 7, 10, 11, 64
_BANKS, _DATA, _NRPN, _RPN, _STEPS = (0, 32), (6, 38), (98, 99), (100, 101), {96: 1, 97: -1}
_SOUND_OFF, _RESET, _NOTES_OFF = 120, 121, range(123, 128)
_MOST_CENTS = 12_799


@dataclass(order=True)
class Sound:
    """A note as a player plays it. Times are ticks; `length` includes the pedal; ranges are semitones, cents."""

    time: int
    pitch: int
    velocity: int
    drum: bool
    program: int
    bank: int
    volume: int
    pan: int
    expression: int
    bend: int
    bend_range: tuple[int, int]
    length: int = -1
    track: int = field(default=0, compare=False)


@dataclass
class _Channel:
    program: int = 0
    bank: int = 0
    selected: dict[int, int] = field(default_factory=lambda: dict.fromkeys(_BANKS, 0))
    values: dict[int, int] = field(default_factory=lambda: {_VOLUME: 100, _PAN: 64, _EXPRESSION: 127})
    bend: int = 0
    parameter: dict[int, int] = field(default_factory=lambda: dict.fromkeys(_RPN, 127))
    bend_range: tuple[int, int] = (2, 0)
    held: list[Sound] = field(default_factory=list)

    @property
    def pedal(self) -> bool:
        return self.values.get(_SUSTAIN, 0) >= 64

    def control(self, number: int, value: int) -> None:
        """Take a controller."""
        if number in _BANKS:
            self.selected[number] = value
        elif number in _NRPN:
            self.parameter = dict.fromkeys(_RPN, 127)
        elif number in _RPN:
            self.parameter[number] = value
        elif number in _DATA and not any(self.parameter.values()):
            semitones, cents = self.bend_range
            self.bend_range = (value, cents) if number == _DATA[0] else (semitones, value)
        elif number in _STEPS and not any(self.parameter.values()):
            cents = 100 * self.bend_range[0] + self.bend_range[1] + _STEPS[number]
            self.bend_range = divmod(max(0, min(cents, _MOST_CENTS)), 100)
        elif number == _RESET:
            self.bend, self.parameter = 0, dict.fromkeys(_RPN, 127)
            self.values |= {_SUSTAIN: 0, _EXPRESSION: 127}
        self.values[number] = value

    def let_go(self, now: int) -> None:
        """End the notes that the pedal holds."""
        for sound in self.held:
            sound.length = now - sound.time
        self.held = []


def played(data: bytes) -> list[Sound]:
    """The notes of a MIDI file as a player plays them, sorted. MidiError if it is not MIDI."""
    found, tracks = read_tracks(data, Counter())
    drums = drum_parts(data, found, tracks)
    channels: dict[int, _Channel] = {}
    sounding: dict[tuple[int, int], list[Sound]] = {}
    sounds: list[Sound] = []
    now = 0
    for now, track, _, voice, kind, *values in sorted(_all(tracks)):
        # Sequences of a type 2 file are independent.
        voice = voice | track << 11 if found.format == 2 else voice
        state = channels.setdefault(voice, _Channel())
        if kind == _CHANGE:
            state.program, state.bank = values[0], state.selected[0] << 7 | state.selected[32]
        elif kind == _CONTROL:
            state.control(*values)
            if not state.pedal or values[0] == _SOUND_OFF:
                state.let_go(now)
            if values[0] == _SOUND_OFF or values[0] in _NOTES_OFF:
                ending = [sound for key in [k for k in sounding if k[0] == voice] for sound in sounding.pop(key)]
                for sound in ending:
                    sound.length = now - sound.time
                state.held += ending if state.pedal and values[0] in _NOTES_OFF else []
        elif kind == _BEND:
            state.bend = values[0]
        elif kind == _ON:
            sound = Sound(
                now, values[0], values[1], drums.plays(voice & 0x7FF, state.bank), state.program, state.bank,
                state.values[_VOLUME], state.values[_PAN], state.values[_EXPRESSION], state.bend, state.bend_range,
                track=track,
            )  # fmt: skip
            sounds.append(sound)
            sounding.setdefault((voice, values[0]), []).append(sound)
        else:
            for sound in sounding.pop((voice, values[0]), []):
                sound.length = now - sound.time
                if state.pedal:
                    state.held.append(sound)
    for sound in [*(s for own in sounding.values() for s in own), *(s for c in channels.values() for s in c.held)]:
        sound.length = now - sound.time
    return sorted(sounds)


def _all(tracks: Sequence[Events]) -> Iterator[tuple[int, ...]]:
    """(tick, track, place, voice, kind, values ...) of all events that a player obeys."""
    for index, own in enumerate(tracks):
        for time, place, voice, program in own.changes.tolist():
            yield time, index, place, voice, _CHANGE, program
        for time, place, voice, _, number, value in own.controls.tolist():
            yield time, index, place, voice, _CONTROL, number, value
        for time, place, voice, _, value in own.bends.tolist():
            yield time, index, place, voice, _BEND, value
        for time, place, voice, pitch in own.offs.tolist():
            yield time, index, place, voice, _OFF, pitch
        rows = np.stack([own.onsets, own.begun, own.voices, own.pitches, own.velocities], -1)
        for time, place, voice, pitch, velocity in rows.tolist():
            yield time, index, place, voice, _ON, pitch, velocity
