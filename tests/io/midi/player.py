"""What a General MIDI player makes of a file, told with mido alone: tracks merged, state by port and channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from unittest.mock import patch

import mido
from mido.midifiles.meta import build_meta_message


@dataclass
class Channel:
    """What a channel is set to."""

    program: int = 0
    bank: tuple[int, int] = (0, 0)
    selected: list[int] = field(default_factory=lambda: [0, 0])
    values: dict[int, int] = field(default_factory=lambda: {7: 100, 10: 64, 11: 127})
    bend: int = 0
    parameter: list[int] = field(default_factory=lambda: [127, 127])
    bend_range: tuple[int, int] = (2, 0)
    pedal: bool = False


@dataclass(order=True)
class Sound:
    """A note as it sounds. `length` is to the end of its key, `held` to that of the pedal."""

    time: int
    pitch: int
    velocity: int
    drum: bool
    program: int
    bank: tuple[int, int]
    volume: int
    pan: int
    expression: int
    bend: int
    bend_range: tuple[int, int]
    length: int = -1
    held: int = -1


def _meta_message(kind: int, data: bytes, delta: int = 0) -> Any:
    """mido 1.3 forgets the delta time of meta events of unknown kinds."""
    message = build_meta_message(kind, data, delta)
    message.time = delta
    return message


def messages(data: bytes) -> Iterator[tuple[int, int, int, Any]]:
    """(tick, track, port, message) of all channel messages in the order in which they are played."""
    found = []
    with patch("mido.midifiles.midifiles.build_meta_message", _meta_message):
        tracks = mido.MidiFile(file=BytesIO(data)).tracks
    for track, events in enumerate(tracks):
        now = port = 0
        for message in events:
            now += message.time
            if message.type == "midi_port":
                port = message.port
            elif not message.is_meta and (hasattr(message, "channel") or message.type == "sysex"):
                found.append((now, track, port, message))
    return iter(sorted(found, key=lambda event: event[:2]))


def play(data: bytes) -> list[Sound]:
    """The notes of a file, sorted."""
    channels: dict[tuple[int, int], Channel] = {}
    open_keys: dict[tuple[int, int, int], list[Sound]] = {}
    held: dict[tuple[int, int], list[Sound]] = {}
    sounds: list[Sound] = []
    kits, kit_banks = _kits(data)
    now = 0
    for now, _, port, message in messages(data):
        if message.type == "sysex":
            continue
        where = (port, message.channel)
        state = channels.setdefault(where, Channel())
        if message.type == "program_change":
            state.program, state.bank = message.program, (state.selected[0], state.selected[1])
        elif message.type == "pitchwheel":
            state.bend = message.pitch
        elif message.type == "control_change":
            _control(state, message.control, message.value)
            if not state.pedal or message.control == 120:
                for sound in held.pop(where, []):
                    sound.held = now - sound.time
            if message.control in (120, 123, 124, 125, 126, 127):  # all sound off, all notes off
                for key in [key for key in open_keys if key[:2] == where]:
                    for sound in open_keys.pop(key):
                        sound.length = sound.held = now - sound.time
                        if state.pedal and message.control != 120:
                            sound.held = -1
                            held.setdefault(where, []).append(sound)
        elif message.type == "note_on" and message.velocity:
            values = state.values
            sound = Sound(
                now, message.note, message.velocity,
                where in kits or (message.channel == 9 and (port, -9) not in kits) or state.bank[0] in kit_banks,
                state.program, state.bank,
                values[7], values[10], values[11], state.bend, state.bend_range,
            )  # fmt: skip
            sounds.append(sound)
            open_keys.setdefault((*where, message.note), []).append(sound)
        elif message.type in ("note_on", "note_off"):
            for sound in open_keys.pop((*where, message.note), []):
                sound.length = sound.held = now - sound.time
                if state.pedal:
                    sound.held = -1
                    held.setdefault(where, []).append(sound)
    for sound in sounds:
        if sound.held < 0:
            sound.held = now - sound.time
        if sound.length < 0:
            sound.length = now - sound.time
    return sorted(sounds)


def _kits(data: bytes) -> tuple[set[tuple[int, int]], set[int]]:
    """(port, channel) that GS makes drums, channel -9 where the tenth is none; banks (high byte) that are kits."""
    kits: set[tuple[int, int]] = set()
    banks: set[int] = set()
    for _, _, port, message in messages(data):
        said = tuple(message.data) if message.type == "sysex" else ()
        if len(said) == 9 and said[0] == 0x41 and said[2:5] == (0x42, 0x12, 0x40) and said[6] == 0x15:
            part = said[5] - 0x10
            channel = 9 if part == 0 else part - 1 if part < 10 else part
            if channel == 9:
                (kits.discard if said[7] else kits.add)((port, -9))
            else:
                (kits.add if said[7] else kits.discard)((port, channel))
        elif said[:1] == (0x43,) and said[2:] == (0x4C, 0, 0, 0x7E, 0):
            banks |= {126, 127}
        elif said[:1] == (0x7E,) and said[2:] == (9, 3):
            banks.add(120)
    return kits, banks


def _control(state: Channel, number: int, value: int) -> None:
    if number in (0, 32):
        state.selected[number // 32] = value
    elif number in (98, 99):
        state.parameter = [127, 127]
    elif number in (100, 101):
        state.parameter[101 - number] = value
    elif number in (6, 38) and state.parameter == [0, 0]:
        state.bend_range = (value, state.bend_range[1]) if number == 6 else (state.bend_range[0], value)
    elif number in (96, 97) and state.parameter == [0, 0]:
        cents = 100 * state.bend_range[0] + state.bend_range[1] + (1 if number == 96 else -1)
        state.bend_range = divmod(max(0, min(cents, 12799)), 100)
    elif number == 64:
        state.pedal = value >= 64
    elif number == 121:  # RP-015: neither volume nor pan, program, bank, nor what parameters were set to
        state.pedal, state.bend, state.parameter = False, 0, [127, 127]
        state.values[11] = 127
    state.values[number] = value
