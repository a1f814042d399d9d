"""Assign a channel and port to each part of a score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symbolic_music.errors import MidiError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.io.midi.reading.drum_parts import said_by
from symbolic_music.score import Array, Other, Score

_MELODIC = [channel for channel in range(16) if channel != DRUM_CHANNEL]
_PORTS = 128
Voice = tuple[int, int]  # port, channel


@dataclass(frozen=True)
class Part:
    """The notes of a track with one program; bank is None if unknown."""

    track: int
    drum: bool
    program: int
    bank: int | None
    notes: Array
    controls: Array
    bends: Array

    @property
    def state(self) -> bytes:
        """The state of its channel, for comparison."""
        columns = [self.controls[name] for name in ("time", "number", "value")]
        return b"".join(column.tobytes() for column in (*columns, self.bends["time"], self.bends["value"]))


@dataclass(frozen=True)
class Place:
    """Channel and port of a part."""

    channel: int
    port: int


def placed_parts(score: Score, parts: Sequence[Part], taken: frozenset[Voice] = frozenset()) -> list[Place]:
    """A place for each part, so that parts on one channel share its state.

    Args:
        score: that the parts are of.
        parts: in the order in which they are written.
        taken: (port, channel) that new parts must not use.

    Raises:
        MidiError: when 128 ports do not suffice.
    """
    drums = said_by((_port(score, other), other.data) for other in score.others if other.data[0] == 0xF0)
    taken |= {(voice >> 4, voice & 15) for voice in drums.on | drums.off}
    voices: list[Voice | None] = []
    holders: dict[Voice, Part] = {}
    for part in parts:
        track = score.tracks[part.track]
        wanted = None if track.channel is None else (track.port, track.channel)
        if wanted is None or drums.plays(wanted[0] << 4 | wanted[1], track.bank) != part.drum:
            voices.append(None)
        else:
            first = holders.setdefault(wanted, part)
            voices.append(wanted if first is part or first.state == part.state else None)
    used = taken | holders.keys()
    sharing = _sharing(parts, voices, used)
    shared: dict[tuple[bool, int, int | None, bytes], Voice] = {}
    for index, part in enumerate(parts):
        if voices[index] is None:
            key = (part.drum, part.program, part.bank, part.state) if sharing or part.drum else None
            voice = None if key is None else shared.get(key)
            if voice is None:
                voice = _free(part.drum, used)
                used = used | {voice}
            if key is not None:
                shared[key] = voice
            voices[index] = voice
    return [Place(voice[1], voice[0]) for voice in voices if voice is not None]


def _port(score: Score, other: Other) -> int:
    return 0 if other.track is None else score.tracks[other.track].port


def _sharing(parts: Sequence[Part], voices: Sequence[Voice | None], used: frozenset[Voice]) -> bool:
    """Whether parts that sound alike share a channel: where each cannot have one, and so all find room on one port."""
    new = [part for part, voice in zip(parts, voices, strict=True) if voice is None and not part.drum]
    room = sum((0, channel) not in used for channel in _MELODIC)
    return len(new) > room >= len({(part.program, part.bank, part.state) for part in new})


def _free(drum: bool, used: frozenset[Voice]) -> Voice:
    for port in range(_PORTS):
        for channel in [DRUM_CHANNEL] if drum else _MELODIC:
            if (port, channel) not in used:
                return port, channel
    raise MidiError("MIDI has room for 1,920 different parts at once, and for 128 kits")
