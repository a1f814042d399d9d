"""Channel state, events and order of whole small files: read, edited, moved in time, and played by mido alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("mido")
from symbolic_music import transforms
from symbolic_music.io.midi.reader import midi_bytes, parse_midi
from symbolic_music.io.midi.reading.event_table import event_table
from symbolic_music.io.midi.writer import written
from tests.io.midi.player import Sound, play
from tests.io.midi.smf import END, bend, chunk, control, header, meta, note, off, on, program, smf, tune
from tests.io.midi.test_patch import chunks, with_last_note_raised

FILES = {
    "a swell that another track plays": smf(
        control(0, 7, 20) + control(480, 7, 60) + control(480, 7, 100), program(0, 40) + tune(0, 60, 62, 64)
    ),
    "bend range, bend and notes in three tracks": smf(
        control(0, 101, 0) + control(0, 100, 0) + control(0, 6, 12), bend(480, 4096) + bend(480, 0), tune(0, 60, 62, 64)
    ),
    "bank in two tracks, program in a third": smf(control(0, 0, 8), control(0, 32, 3), program(0, 24), tune(0, 60, 62)),
    "a pedal of the other hand": smf(
        control(100, 64, 127) + control(1000, 64, 0), tune(0, 72, 74, 76), tune(0, 48, 50, 52)
    ),
    "a port that changes in a track": smf(
        meta(0, 0x21, b"\0") + program(0, 5) + note(60) + meta(0, 0x21, b"\1") + program(0, 6) + note(62),
        tune(0, 64, 65),
    ),
    "a program of a later track at the tick of a note": smf(tune(0, 60, 62, 64), program(480, 33), program(960, 5)),
    "a kit chosen by bank in a set-up track": smf(control(0, 0, 120) + program(0, 25, 9), tune(9, 36, 38, 42)),
    "one track, running status, pressure": smf(
        program(0, 7) + on(0, 60) + b"\x05\x3e\x40" + b"\x05\xa0\x3c\x20" + b"\x02\x3e\x30"
        + b"\x05\xd0\x11" + b"\x02\x22" + b"\x05\x90\x3c\x00" + b"\x06\x3e\x00", kind=0
    ),
    "an exclusive message in packets": smf(
        b"\x00\xf0\x03\x43\x12\x00" + b"\x0a\xf7\x02\x43\xf7" + tune(0, 60, 62), program(0, 9, 1) + tune(1, 50)
    ),
    "karaoke in Shift-JIS": smf(
        meta(0, 3, b"Words") + meta(0, 5, "さ".encode("shift_jis")) + meta(480, 5, "くら".encode("shift_jis")),
        program(0, 73, 2) + tune(2, 69, 69, 71),
    ),
    "a note struck before the last of its key ends": smf(
        on(0, 38, channel=9) + on(240, 38, channel=9) + off(0, 38, 9) + on(240, 38, channel=9) + off(0, 38, 9)
        + off(240, 38, 9)
    ),
    "programs in turn, one note into the next": smf(
        program(0, 40, 1) + on(0, 72, channel=1) + program(480, 68, 1) + off(0, 72, 1) + on(0, 72, channel=1)
        + off(480, 72, 1) + program(0, 40, 1) + note(74, 1)
    ),
    "a pedal in the last of a channel's tracks, down where a note of it ends": smf(
        tune(0, 72, 74), tune(1, 30), on(0, 48) + off(480, 48) + control(0, 64, 127) + note(50) + control(0, 64, 0)
    ),
    "a pedal in a track between, up where a note begins": smf(
        tune(0, 72, 74), control(0, 64, 127) + control(480, 64, 0), tune(0, 48, 50)
    ),
    "notes that never end": smf(
        on(0, 60) + note(62) + on(0, 60), on(0, 36, channel=9) + on(240, 38, channel=9), tune(1, 50, 52, 54)
    ),
    "velocities of notes off, and a chunk of Yamaha's": (
        header(2) + chunk(on(0, 60) + b"\x83\x60\x80\x3c\x21" + on(0, 62) + b"\x83\x60\x80\x3e\x70" + END)
        + chunk(b"\0\1\2", b"XFIH") + chunk(program(0, 9, 1) + tune(1, 50) + END)
    ),
}  # fmt: skip


def heard(data: bytes) -> list[Sound]:
    """What is played; mido refuses chunks that it does not know."""
    tracks = [one for one in chunks(data) if one[:4] == b"MTrk"]
    return play(data[:10] + len(tracks).to_bytes(2, "big") + data[12:14] + b"".join(tracks))


def test_an_escape_does_not_move_what_follows() -> None:
    score = parse_midi(smf(b"\x05\xf7\x02\xf3\x01" + note(60, delta=5)))
    assert score.notes["onset"].tolist() == [10]


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
class TestWhatSurvives:
    def test_read_and_written(self, data: bytes) -> None:
        assert midi_bytes(parse_midi(data)) == data

    def test_one_note_edited(self, data: bytes) -> None:
        score, out = with_last_note_raised(data)
        last = score.notes[-1]

        def rest(sounds: list[Sound]) -> list[Sound]:
            return [s for s in sounds if s.time != last["onset"] or s.pitch not in (last["pitch"], last["pitch"] + 1)]

        assert rest(heard(out)) == rest(heard(data))
        assert len(heard(out)) == len(heard(data))

    def test_from_the_tables(self, data: bytes) -> None:
        assert heard(written(parse_midi(data))) == heard(data)

    def test_moved_in_time(self, data: bytes) -> None:
        later = transforms.shift(parse_midi(data), 480)
        assert [replace(s, time=s.time - 480) for s in heard(written(later))] == heard(data)

    def test_on_a_finer_grid(self, data: bytes) -> None:
        finer = transforms.resample(parse_midi(data), 960)
        sounds = [replace(s, time=s.time // 2, length=s.length // 2, held=s.held // 2) for s in heard(written(finer))]
        assert sounds == heard(data)


def test_release_velocities_and_unknown_chunks_are_kept_when_time_moves() -> None:
    data = FILES["velocities of notes off, and a chunk of Yamaha's"]
    out = written(transforms.transpose(transforms.shift(parse_midi(data), 240), 2))
    assert b"XFIH\0\0\0\3\0\1\2" in out
    found = {}
    for one in chunks(out):
        table = event_table(one[8:])
        if one[:4] == b"MTrk" and table is not None:
            offs = table.status >> 4 == 8
            found.update(zip(table.first[offs].tolist(), table.second[offs].tolist(), strict=True))
    assert found == {62: 0x21, 64: 0x70, 52: 0}


def test_a_clip_keeps_the_order_of_a_tick() -> None:
    # The pedal goes down after the second note ends, so it does not hold it.
    data = smf(note(60) + on(0, 62) + off(480, 62) + control(0, 64, 127) + note(64) + control(0, 64, 0))
    score = parse_midi(data)
    begin, end = score.seconds([480, 1920]).tolist()
    sounds = play(written(score.clip(begin, end)))
    assert [(s.time, s.pitch, s.held) for s in sounds] == [(0, 62, 480), (480, 64, 480)]
    assert np.array_equal(score.clip(begin, end).notes["duration"], [480, 480])


def test_words_in_a_track_of_their_own_stay_there_when_written_anew() -> None:
    words = meta(0, 3, b"Words") + meta(0, 5, b"Hel-") + meta(240, 5, b"lo\r") + meta(240, 5, b"lo\r")
    data = smf(
        meta(0, 3, b"Song") + meta(0, 5, b"first"), words, meta(0, 5, b"no name"), meta(0, 3, b"Voice") + note(60)
    )
    score = parse_midi(data)
    again = written(score)
    assert again.count(b"MTrk") == 4
    titles = [b"Song", b"Hel-", b"no name", b"Voice"]
    bodies = again.split(b"MTrk")[1:]
    assert [[title in body for title in titles].index(True) for body in bodies] == [0, 1, 2, 3]
    assert bodies[1].index(b"Words") < bodies[1].index(b"Hel-") < bodies[1].index(b"lo\r")
    assert parse_midi(again).texts == score.texts
    later = parse_midi(written(transforms.shift(score, 480)))
    assert [(text.time, text.text) for text in later.texts] == [(text.time + 480, text.text) for text in score.texts]
