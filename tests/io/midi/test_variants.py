"""Further small files that players meet: odd orders of state, channel modes, resets, ports, all kinds of files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("mido")
from symbolic_music import transforms
from symbolic_music.io import differences
from symbolic_music.io.midi.reader import midi_bytes, parse_midi
from symbolic_music.io.midi.writer import written
from tests.io.midi.player import play
from tests.io.midi.smf import bend, control, meta, note, off, on, program, smf, tune
from tests.io.midi.test_patch import with_last_note_raised


def exclusive(*body: int) -> bytes:
    return b"\0\xf0" + bytes([len(body) + 1, *body, 0xF7])


GM_ON = exclusive(0x7E, 0x7F, 9, 1)
GS_RESET = exclusive(0x41, 0x10, 0x42, 0x12, 0x40, 0, 0x7F, 0, 0x41)
XG_ON = exclusive(0x43, 0x10, 0x4C, 0, 0, 0x7E, 0)
DRUMS_ON_11 = exclusive(0x41, 0x10, 0x42, 0x12, 0x40, 0x1A, 0x15, 2, 0x0F)
NO_DRUMS_ON_10 = exclusive(0x41, 0x10, 0x42, 0x12, 0x40, 0x10, 0x15, 0, 0x1B)
GM2_ON = exclusive(0x7E, 0x7F, 9, 3)

FILES = {
    "low bank, program, high bank, the same program again": smf(
        control(0, 32, 2) + program(0, 5) + control(0, 0, 121) + note(60) + program(0, 5) + note(62)
    ),
    "registered and other parameters by turns, then none": smf(
        control(0, 99, 1) + control(0, 98, 8) + control(0, 6, 40) + control(0, 100, 0) + control(0, 101, 0)
        + control(0, 6, 12) + control(0, 38, 50) + bend(0, 8191) + note(60) + control(0, 100, 127)
        + control(0, 101, 127) + control(0, 6, 1) + note(62) + control(0, 99, 1) + control(0, 6, 3) + note(64)
    ),
    "a bend range that is counted up and down": smf(
        control(0, 101, 0) + control(0, 100, 0) + control(0, 6, 3) + control(0, 97, 0) + note(60) + control(0, 96, 0)
        + control(0, 96, 0) + bend(0, 100) + note(62)
    ),
    "all controllers reset while a note is held": smf(
        control(0, 7, 50) + control(0, 10, 9) + control(0, 11, 60) + control(0, 64, 127) + bend(0, -3000) + note(60)
        + control(240, 121, 0) + note(62) + control(0, 6, 9) + note(64), program(0, 3) + note(40, delta=100)
    ),
    "all notes off with the pedal down, all sound off": smf(
        control(0, 64, 127) + on(0, 60) + on(0, 64) + control(100, 123, 0) + off(100, 60) + off(0, 64)
        + control(200, 64, 0) + on(0, 65) + control(100, 120, 0) + off(300, 65) + note(67)
    ),
    "a program at the tick of a note, before it in one track and after it in the other": smf(
        program(0, 1) + note(60) + program(0, 2) + note(62), program(0, 8, 1) + note(50, 1) + on(0, 52, channel=1)
        + program(0, 9, 1) + off(480, 52, 1) + note(53, 1)
    ),
    "two ports and channel prefixes": smf(
        meta(0, 0x21, b"\0") + meta(0, 0x20, b"\2") + meta(0, 4, b"Flute") + program(0, 73, 2) + tune(2, 72, 74),
        meta(0, 0x21, b"\1") + meta(0, 0x20, b"\2") + meta(0, 4, b"Tuba") + program(0, 58, 2) + tune(2, 36, 38),
    ),
    "a status that runs on after texts": smf(
        on(0, 60) + meta(10, 1, b"hm") + b"\x60\x3c\x00" + meta(0, 6, b"A") + b"\x00\x3e\x40" + b"\x60\x3e\x00"
    ),
    "one track of sixteen channels": smf(
        b"".join(program(0, 3 * c, c) + control(0, 7, 40 + c, c) for c in range(16))
        + b"".join(on(0, 40 + c, channel=c) for c in range(16)) + b"".join(off(30, 40 + c, c) for c in range(16)),
        kind=0,
    ),
    "sequences of their own (type 2)": smf(
        program(0, 11) + control(0, 7, 30) + tune(0, 60, 62), program(0, 12, 1) + tune(1, 48), kind=2
    ),
    "SMPTE time": smf(meta(0, 0x51, b"\x01\0\0") + program(0, 5) + tune(0, 60, 62), tune(1, 50), division=0xE728),
    "one key of one channel in two tracks": smf(
        on(0, 60, 90) + on(240, 60, 0) + on(240, 60, 80) + on(240, 60, 0), on(120, 60, 70) + on(240, 60, 0),
        program(0, 6) + on(0, 64) + on(100, 64) + on(100, 64, 0) + on(100, 64, 0),
    ),
    "resets of GM, GS and XG, and a second part of drums": smf(
        GM_ON + GS_RESET + XG_ON + DRUMS_ON_11 + control(0, 7, 90, 10) + program(0, 16, 10),
        program(0, 4) + tune(0, 60, 62), tune(10, 36, 38, 36), tune(9, 42, 42),
    ),
    "a tenth channel that is none of drums, and one of port 2 that is": smf(
        NO_DRUMS_ON_10 + program(0, 40, 9) + tune(9, 72, 74),
        meta(0, 0x21, b"\1") + DRUMS_ON_11 + tune(10, 36, 38), tune(10, 60, 62),
    ),
    "a kit by its bank in XG, then none": smf(
        XG_ON + control(0, 0, 127, 3) + program(0, 8, 3) + tune(3, 36, 38) + control(0, 0, 0, 3) + program(0, 8, 3)
        + tune(3, 60)
    ),
    "a kit by its bank in GM 2": smf(
        GM2_ON + control(0, 0, 120, 3) + program(0, 8, 3) + tune(3, 36, 38), tune(9, 40)
    ),
    "a reset between notes": smf(program(0, 20) + control(0, 7, 10) + tune(0, 60, 62), b"\x83\x60" + GM_ON[1:]),
    "delta times and lengths of more bytes than they need": smf(
        b"\x80\x00\xff\x03\x81\x00" + b"x" * 128 + b"\x80\x80\x00\x90\x3c\x40" + b"\x80\x83\x60\x80\x3c\x10"
        + b"\x00\xff\x01\x80\x02hi" + b"\x80\x00\xc0\x05" + note(62)
    ),
    "a bend and a volume right behind the note of their tick": smf(
        control(0, 7, 90) + bend(0, -50) + on(0, 60) + bend(0, 4000) + control(0, 7, 33) + on(0, 64) + off(480, 60)
        + off(0, 64) + note(62), control(0, 10, 3, 1) + note(50, 1)
    ),
    "a bend behind the note of its tick, in the other track of its channel": smf(
        on(0, 60) + off(480, 60) + note(62), bend(0, 3000) + control(0, 64, 127) + note(50) + control(0, 64, 0)
    ),
    "pressures under running status, and a late end": smf(
        on(0, 60) + b"\x05\xa0\x3c\x20\x05\x3c\x30" + b"\x05\xd0\x11\x05\x22" + b"\x05\xc0\x07\x05\x08" + off(9, 60)
        + note(62) + meta(4000, 1, b"")
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "drums"),
    [
        ("resets of GM, GS and XG, and a second part of drums", [False, True, True]),
        ("a tenth channel that is none of drums, and one of port 2 that is", [False, True, False]),
        ("a kit by its bank in XG, then none", [False, True]),
        ("a kit by its bank in GM 2", [True, True]),
    ],
)
def test_which_parts_are_drums(name: str, drums: list[bool]) -> None:
    score = parse_midi(FILES[name])
    assert [track.is_drum for track in score.tracks] == drums
    assert sorted(set(score.notes["channel"])) == ([0, 9] if False in drums else [9])


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
class TestVariants:
    def test_read_and_written(self, data: bytes) -> None:
        assert midi_bytes(parse_midi(data)) == data

    def test_one_note_edited(self, data: bytes) -> None:
        score, out = with_last_note_raised(data)
        key = (int(score.notes["onset"][-1]), int(score.notes["pitch"][-1]))
        moved = sorted(replace(s, pitch=s.pitch + 1) if (s.time, s.pitch) == key else s for s in play(data))
        assert play(out) == moved

    def test_from_the_tables(self, data: bytes) -> None:
        assert play(written(parse_midi(data))) == play(data)
        assert differences(data, written(parse_midi(data))).sounds_alike

    def test_moved_in_time(self, data: bytes) -> None:
        later = written(transforms.shift(parse_midi(data), 480))
        assert [replace(s, time=s.time - 480) for s in play(later)] == play(data)


def test_what_stands_behind_a_note_of_the_first_tick_moves_with_it() -> None:
    touch, release = b"\0\xa0\x3c\x22", b"\0\x80\x40\x11"
    data = smf(
        GM_ON + control(0, 7, 90) + b"\0\xd0\x05" + on(0, 60) + control(0, 7, 33) + touch + bend(0, 99) + on(0, 64)
        + release + off(480, 60) + control(0, 7, 33)
    )  # fmt: skip
    score = parse_midi(data)
    later = transforms.shift(score, 480)
    assert later.controls[["time", "value"]].tolist() == [(0, 90), (480, 33), (960, 33)]
    assert later.bends["time"].tolist() == [480]
    assert [other.time for other in later.others] == [0, 0, 480, 480, 960]
    again = parse_midi(written(later))
    assert (again, again.others) == (later, later.others)
    # What was moved once stands before nothing any more.
    assert transforms.shift(later, 480).controls["time"].tolist() == [0, 960, 1440]


def test_what_stood_behind_a_note_of_another_track_is_not_moved() -> None:
    data = smf(on(0, 60) + control(0, 7, 33) + off(480, 60), control(0, 7, 33, 1) + note(50, 1))
    other = transforms.select_tracks(parse_midi(data), [1])
    assert transforms.shift(other, 480).controls["time"].tolist() == [0]


def test_events_of_another_port_keep_it_when_written_anew() -> None:
    data = smf(note(60) + meta(0, 0x21, b"\1") + control(0, 7, 5, 1) + bend(0, 99, 1), note(62, 1))
    again = written(parse_midi(data))
    assert play(again) == play(data)
    assert b"\xff\x21\x01\x01" in again


@pytest.mark.parametrize("kind", [0, 1])
def test_new_notes_of_a_track_that_changes_its_port(kind: int) -> None:
    score = parse_midi(smf(note(60) + meta(960, 0x21, b"\1") + program(0, 40) + note(62) + note(64), kind=kind))
    assert [track.port for track in score.tracks] == [0, 1]
    new = score.notes[1:2].copy()
    new["onset"], new["program"], new["track"] = 480, 0, 0
    edit = score.replace(notes=np.concatenate([score.notes, new]))
    again = parse_midi(midi_bytes(edit))
    assert sorted(s.pitch for s in play(midi_bytes(edit)) if s.program == 0) == [60, 62]
    columns = ["onset", "duration", "pitch", "program"]
    assert sorted(again.notes[columns].tolist()) == sorted(edit.notes[columns].tolist())
