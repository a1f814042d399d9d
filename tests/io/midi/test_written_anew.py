"""A score written without the file it came from: a player hears the same, channel state and all."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("mido")
from symbolic_music.io.midi.reader import midi_bytes, parse_midi
from symbolic_music.io.midi.writer import written
from symbolic_music.score import Score, Track, note_table
from tests.io.midi.player import play
from tests.io.midi.smf import bend, control, meta, off, on, program, smf


def note(pitch: int, channel: int = 0, delta: int = 0) -> bytes:
    return on(delta, pitch, channel=channel) + off(480, pitch, channel)


FILES = {
    "ports": smf(meta(0, 0x21, b"\0") + program(0, 5) + note(60),
                 meta(0, 0x21, b"\1") + program(0, 6) + control(0, 7, 20) + note(62)),
    "low bank first": smf(control(0, 32, 3) + control(0, 0, 9) + program(0, 7), note(60)),
    "kits in turn": smf(program(0, 25, 9) + note(36, 9) + program(0, 40, 9) + note(36, 9)
                        + program(0, 25, 9) + note(38, 9)),
    "programs in turn": smf(control(0, 7, 9) + program(0, 5) + note(60) + program(0, 6) + note(62)
                            + program(0, 5) + note(60)),
    "expression of another track": smf(control(0, 11, 30), note(60) + note(62) + note(64), control(700, 11, 100)),
    "a pedal that the other hand lets go": smf(control(100, 64, 127) + note(72), note(48) + control(100, 64, 0)),
    "bend range, low number first": smf(control(0, 100, 0) + control(0, 101, 0) + control(0, 6, 7) + bend(0, 900),
                                        note(60)),
    "another parameter between": smf(control(0, 101, 0) + control(0, 100, 0) + control(0, 6, 7) + control(0, 99, 1)
                                     + control(0, 98, 8) + control(0, 6, 50) + note(60)),
    "set up in the last track": smf(note(60, 0, 9), note(62, 1, 9),
                                    program(0, 30) + program(0, 31, 1) + control(0, 10, 1, 1)),
    "type 0, a program change in time": smf(program(0, 1) + program(0, 2, 1) + note(60) + note(61, 1) + program(0, 9)
                                            + note(63) + note(64, 2), kind=0),
    "a pedal that goes down where a note ends": smf(on(0, 60) + control(240, 64, 127) + off(0, 60)
                                                    + control(240, 64, 0) + note(62)),
    "a bank of the second program": smf(program(0, 24) + note(60) + control(0, 0, 8) + program(0, 25) + note(62)),
}  # fmt: skip


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_a_player_hears_the_same(data: bytes) -> None:
    score = parse_midi(data)
    assert midi_bytes(score) == data
    assert play(written(score)) == play(data)
    assert play(written(score.replace(source=None, others=()))) == play(data)


def test_a_piece_without_notes_is_written() -> None:
    score = Score(ticks_per_quarter=480, tracks=(Track("silent"), Track("as well")))
    data = midi_bytes(score)
    assert b"silent" in data
    assert not len(parse_midi(data))


def test_tracks_that_take_turns_on_a_channel_within_a_tick_are_played_in_their_order() -> None:
    first, second = meta(0, 3, b"a") + program(0, 5) + note(60) + program(480, 5) + note(62), program(480, 7) + note(64)
    score = parse_midi(smf(first, meta(0, 3, b"b") + second))
    # At tick 480 the first track comes first, so that the program of the second is still in force behind it.
    new = note_table([(480, 100, 70, 80, 5, 0, 0)])
    edited = score.replace(notes=np.concatenate([score.notes, new]))
    again = parse_midi(written(edited))
    columns = ["onset", "duration", "pitch", "velocity", "program", "channel"]
    assert sorted(again.notes[columns].tolist()) == sorted(edited.notes[columns].tolist())


def test_a_note_inside_another_has_its_program_where_parts_take_turns_within_a_tick() -> None:
    score = parse_midi(smf(program(0, 5) + on(0, 60) + program(480, 7) + on(0, 64) + off(480, 64) + off(0, 60)))
    # Two inside the first note of the first part, at ticks at which new ones of the second begin too.
    new = note_table([(tick, 10, *row) for tick in (100, 480) for row in ((60, 80, 5, 0, 0), (70, 80, 7, 0, 1))]
                     + [(490, 26, 50, 80, 7, 0, 1), (490, 43, 50, 90, 5, 0, 0)])  # fmt: skip
    edited = score.replace(notes=np.sort(np.concatenate([score.notes, new]), order="onset"))
    again = parse_midi(written(edited))
    columns = ["onset", "duration", "pitch", "velocity", "program", "channel"]
    assert sorted(again.notes[columns].tolist()) == sorted(edited.notes[columns].tolist())


def test_a_shorter_note_that_is_new_ends_before_one_of_its_pitch_and_tick_that_the_file_has() -> None:
    columns = ["onset", "duration", "pitch", "velocity", "program", "channel"]
    for second in (5, 7):  # of the same part, and of another on its channel
        score = parse_midi(smf(program(0, 5) + on(0, 60) + off(480, 60) + program(0, second) + note(62)))
        new = note_table([(0, 10, 60, 16, second, 0, int(second != 5))])
        edited = score.replace(notes=np.sort(np.concatenate([score.notes, new]), order="onset"))
        again = parse_midi(written(edited))
        assert sorted(again.notes[columns].tolist()) == sorted(edited.notes[columns].tolist())
