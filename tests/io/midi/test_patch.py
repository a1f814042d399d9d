"""An edited file is the file that was read, but for the notes that were edited."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic_music import transforms
from symbolic_music.io.midi.reader import midi_bytes, parse_midi
from symbolic_music.io.midi.reading.event_iterator import walk
from symbolic_music.io.midi.reading.event_table import event_table
from symbolic_music.io.midi.writer import written
from symbolic_music.io.midi.writing.chunk_patch import New, insertions, patched_chunk
from symbolic_music.score import Score, Track, note_table
from tests.io.midi.smf import END, chunk, control, header, meta, off, on, program, smf, vlq
from tests.io.midi.test_merged_tracks import files

CONTENT = ["onset", "duration", "pitch", "velocity", "program", "channel"]
EXCLUSIVE = b"\x00\xf0\x05\x7e\x7f\x09\x01\xf7"


def note(pitch: int, channel: int = 0, delta: int = 0) -> bytes:
    return on(delta, pitch, channel=channel) + off(480, pitch, channel)


def chunks(data: bytes) -> list[bytes]:
    found, at = [], 14
    while at < len(data):
        stop = at + 8 + int.from_bytes(data[at + 4 : at + 8], "big")
        found.append(data[at:stop])
        at = stop
    return found


def with_last_note_raised(data: bytes) -> tuple[Score, bytes]:
    """The score of a file, and the file with its last note a semitone higher, in one chunk, all else as it was."""
    score = parse_midi(data)
    notes = score.notes.copy()
    notes["pitch"][-1] += 1
    out = midi_bytes(score.replace(notes=notes))
    (changed,) = (i for i, (a, b) in enumerate(zip(chunks(data), chunks(out), strict=True)) if a != b)
    assert without_notes(chunks(out)[changed][8:]) == without_notes(chunks(data)[changed][8:])
    return score, out


def without_notes(body: bytes) -> list[tuple[int, int, bytes]]:
    """(tick, status, data) of all events but notes and the end."""
    found = []
    for event in walk(body):
        raw = body[event.place : event.stop]
        if event.status >> 4 not in (8, 9) and raw[:2] != b"\xff\x2f":
            found.append((event.tick, event.status, raw[raw[0] >= 0x80 :]))
    return found


def replaced(score: Score, *rows: tuple[int, ...], keep: slice = slice(0, 0)) -> Score:
    """The score with these notes, and some of its own."""
    table = np.concatenate([score.notes[keep], note_table(rows)])
    return score.replace(notes=table[np.argsort(table["onset"], kind="stable")])


def content(score: Score) -> list[tuple[int, ...]]:
    return sorted(score.notes[CONTENT].tolist())


FILES = {
    "texts of any code": smf(meta(0, 2, b"\xa9 me") + meta(0, 3, b"Fl\xf6te") + meta(5, 7, b"cue") + note(60)),
    "exclusive": smf(EXCLUSIVE + note(60)),
    "aftertouch": smf(on(0, 60) + b"\x05\xa0\x3c\x20" + b"\x05\xd0\x11" + off(5, 60)),
    "a track without notes": smf(meta(0, 3, b"Empty bass") + program(0, 33, 5), note(60)),
    "release velocity": smf(on(0, 60) + b"\x05\x80\x3c\x21"),
    "unknown chunk": header(1) + chunk(b"abc", b"XFIH") + chunk(note(60) + END) + chunk(b"xyz", b"YFIH"),
    "running status": smf(on(0, 60) + b"\x05\x3c\x00" + b"\x00\x3e\x40" + b"\x06\x3e\x00"),
    "SMPTE time and offset": smf(meta(0, 0x54, b"\x60\0\0\0\0") + note(60), division=(256 - 25) << 8 | 40),
    "long delta times": smf(b"\x80\x80\x00\x90\x3c\x40" + off(5, 60)),
    "type 2": smf(note(60), note(62), kind=2),
    "metronome": smf(meta(0, 0x58, b"\x06\x03\x24\x08") + note(60)),
    "sequencer's own": smf(meta(0, 0x7F, b"\0\1") + meta(0, 0x20, b"\3") + note(60)),
    "a note that never ends": smf(on(0, 60) + note(62)),
}


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_what_is_not_edited_is_written_byte_for_byte(data: bytes) -> None:
    assert midi_bytes(parse_midi(data)) == data


def test_headers_and_lengths_that_are_wrong_are_put_right_and_nothing_else() -> None:
    body = EXCLUSIVE + note(60) + END
    data = header(3) + b"MTrk\0\0\x0f\0" + body
    assert midi_bytes(parse_midi(data)) == header(1) + chunk(body)


def test_tracks_that_were_not_edited_keep_their_bytes() -> None:
    data = smf(meta(0, 3, b"a\xff") + note(60), EXCLUSIVE + note(62, 1), program(0, 5, 2) + note(64, 2))
    score = parse_midi(data)
    out = midi_bytes(replaced(score, (0, 240, 70, 99, 0, 0, 1), keep=slice(1, None)).replace())
    assert [a == b for a, b in zip(chunks(data), chunks(out), strict=True)] == [False, False, True]


def test_the_region_alone_changes_in_an_edited_track() -> None:
    pedal = control(0, 64, 127) + on(0, 60) + control(100, 64, 0) + off(0, 60) + control(10, 64, 127) + note(62)
    data = smf(EXCLUSIVE + meta(0, 3, b"\xe9") + pedal)
    score = parse_midi(data)
    out = midi_bytes(replaced(score, (110, 60, 65, 90), keep=slice(0, 1)))
    body = chunks(out)[0][8:]
    assert without_notes(body) == without_notes(chunks(data)[0][8:])
    assert body.startswith(chunks(data)[0][8:][: len(EXCLUSIVE) + 20])
    assert content(parse_midi(out)) == [(0, 100, 60, 64, 0, 0), (110, 60, 65, 90, 0, 0)]


def test_order_of_one_tick_stays() -> None:
    # The pedal goes down before the note ends, at one tick.
    data = smf(on(0, 60) + control(240, 64, 127) + off(0, 60) + note(62))
    out = midi_bytes(replaced(parse_midi(data), (240, 60, 65, 90), keep=slice(0, 1)))
    assert [e.status for e in walk(chunks(out)[0][8:])] == [0x90, 0xB0, 0x80, 0x90, 0x80, 0xFF]


def test_an_added_part_gets_a_channel_that_nobody_uses() -> None:
    data = smf(program(0, 40) + note(60), control(0, 7, 9, 1) + note(62, 2))
    score = parse_midi(data)
    wider = score.replace(tracks=(*score.tracks, Track("new", 33)))
    out = midi_bytes(replaced(wider, (0, 60, 30, 90, 33, 0, 2), keep=slice(None)))
    assert chunks(out)[:2] == chunks(data)
    again = parse_midi(out)
    assert [(t.name, t.program, t.channel) for t in again.tracks] == [("", 40, 0), ("", 0, 2), ("new", 33, 3)]


def test_a_file_of_one_track_stays_one() -> None:
    data = smf(program(0, 40) + note(60) + note(62, 1), kind=0)
    score = parse_midi(data)
    wider = score.replace(tracks=(*score.tracks, Track("", 33)))
    out = midi_bytes(replaced(wider, (100, 60, 30, 90, 33, 0, 2), keep=slice(None)))
    assert out[8:12] == b"\0\0\0\1"
    assert content(parse_midi(out)) == content(replaced(wider, (100, 60, 30, 90, 33, 0, 2), keep=slice(None)))


def test_a_note_where_its_channel_has_another_program_gets_one_of_its_own() -> None:
    data = smf(program(0, 40) + note(60) + program(0, 33) + note(62))
    score = parse_midi(data)
    edited = replaced(score, (600, 60, 50, 90, 40, 0, 1), keep=slice(None))
    out = midi_bytes(edited)
    assert chunks(out)[0] == chunks(data)[0]
    assert content(parse_midi(out)) == content(edited)


@pytest.mark.parametrize("row", [(600, 60, 70, 90, 57, 0, 1), (20, 60, 62, 90, 57, 0, 1)])
def test_a_program_acts_within_its_sequence_of_a_type_2_file(row: tuple[int, ...]) -> None:
    data = smf(program(0, 7) + note(60), program(0, 57) + note(62) + note(64), kind=2)
    score = parse_midi(data)
    edited = replaced(score, row, keep=slice(None))
    out = midi_bytes(edited)
    assert chunks(out)[0] == chunks(data)[0]
    assert content(parse_midi(out)) == content(edited)


def test_a_note_inside_another_of_its_pitch() -> None:
    score = parse_midi(smf(on(0, 60) + off(480, 60)))
    edited = replaced(score, (100, 60, 60, 90), keep=slice(None))
    assert content(parse_midi(midi_bytes(edited))) == content(edited)


def test_a_stray_note_off_does_not_end_what_is_added() -> None:
    score = parse_midi(smf(note(60) + off(100, 60) + note(62)))
    edited = replaced(score, (500, 200, 60, 90), keep=slice(None))
    assert content(parse_midi(midi_bytes(edited))) == content(edited)


def test_an_event_that_comes_takes_part_in_running_status() -> None:
    body = b"\x00\x90\x3c\x40\x05\x3c\x00" + END
    table = event_table(body)
    assert table is not None
    new = [New(5, b"\x90\x3e\x40")]
    assert (
        patched_chunk(body, table, set(), insertions(table, new)) == b"\x00\x90\x3c\x40\x05\x3c\x00\x00\x3e\x40" + END
    )
    assert patched_chunk(body, table, {0}, {}) == b"\x05\x90\x3c\x00" + END


def test_a_status_that_runs_on_after_a_text_is_not_that_of_what_comes_before_the_text() -> None:
    body = on(0, 60) + meta(5, 1, b"x") + b"\x05\x3c\x00" + END
    table = event_table(body)
    assert table is not None
    out = patched_chunk(body, table, set(), insertions(table, [New(4, b"\x80\x3e\x40")]))
    assert out == on(0, 60) + b"\x04\x80\x3e\x40" + meta(1, 1, b"x") + b"\x05\x90\x3c\x00" + END


class TestMapsAndKeys:
    """What changed of tempos, meters, keys and pitches changes where it stands."""

    DATA = smf(
        meta(0, 0x58, b"\x06\x03\x24\x08") + meta(0, 0x59, b"\x00\x00") + meta(0, 0x51, b"\x07\xa1\x20")
        + meta(480, 0x51, b"\x06\x00\x00"),
        EXCLUSIVE + meta(0, 3, b"Fl\xf6te") + control(0, 7, 9) + on(0, 60) + control(240, 64, 127)
        + b"\x00\xa0\x3c\x20" + b"\x00\x80\x3c\x21" + on(0, 62) + off(100, 62),
    )  # fmt: skip

    def test_stretched(self) -> None:
        out = midi_bytes(transforms.stretch(parse_midi(self.DATA), 2))
        assert out == self.DATA.replace(b"\x07\xa1\x20", b"\x0f\x42\x40").replace(b"\x06\x00\x00", b"\x0c\x00\x00")

    def test_transposed(self) -> None:
        out = midi_bytes(transforms.transpose(parse_midi(self.DATA), 2))
        moved = self.DATA.replace(b"\x3e", b"\x40").replace(b"\x3c", b"\x3e").replace(b"\x59\x02\x00", b"\x59\x02\x02")
        assert out == moved

    def test_a_tempo_and_a_meter_that_come(self) -> None:
        score = parse_midi(smf(note(60), note(62)))
        tempos = np.array([(0, 400_000), (480, 600_000)], score.tempos.dtype)
        meters = np.array([(480, 3, 8)], score.meters.dtype)
        out = midi_bytes(score.replace(tempos=tempos, meters=meters))
        assert chunks(out)[1] == chunks(smf(note(60), note(62)))[1]
        again = parse_midi(out)
        assert (again.tempos.tolist(), again.meters.tolist()) == (tempos.tolist(), meters.tolist())

    def test_tempos_that_go(self) -> None:
        score = parse_midi(self.DATA)
        out = midi_bytes(score.replace(tempos=score.tempos[:1]))
        assert chunks(out)[1] == chunks(self.DATA)[1]
        assert parse_midi(out).tempos.tolist() == score.tempos[:1].tolist()


@given(files, st.data())
@settings(max_examples=60)
def test_any_edit_of_any_file(data: bytes, draw: st.DataObject) -> None:
    score = parse_midi(data)
    if not len(score):
        return
    index = draw.draw(st.sampled_from(sorted(set(score.notes["track"].tolist()))))
    track = score.tracks[index]
    rows = draw.draw(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30), st.integers(58, 62)), max_size=5))
    new = [(o, d, p, 90, track.program, 9 if track.is_drum else 0, index) for o, d, p in rows]
    gone = (score.notes["track"] == index) & (score.notes["onset"] < 40)
    table = np.concatenate([score.notes[~gone], note_table(new)])
    edited = score.replace(notes=table[np.argsort(table["onset"], kind="stable")])
    out = midi_bytes(edited)
    assert content(parse_midi(out)) == content(edited)
    if data[9] == 1:
        assert [without_notes(c[8:]) for c in chunks(out)[: len(chunks(data))]] == [
            without_notes(c[8:]) for c in chunks(data)
        ]
        same = [a == b for a, b in zip(chunks(data), chunks(out), strict=False)]
        assert same.count(False) <= 1


class TestWrittenAnew:
    """A score that was transposed, clipped or stretched: nothing that its file said is lost."""

    DATA = smf(
        meta(0, 2, b"\xa9 me") + EXCLUSIVE + meta(0, 0x58, b"\x06\x03\x24\x08") + meta(480, 7, b"cue"),
        meta(0, 3, b"Empty bass") + program(0, 33, 5),
        meta(0, 3, b"Fl\xf6te") + meta(0, 4, b"Moog") + program(0, 73, 2) + on(0, 60, channel=2)
        + b"\x05\xa2\x3c\x20\x05\xd2\x11" + off(470, 60, 2) + note(62, 2),
    )  # fmt: skip

    def events(self, data: bytes) -> Counter[bytes]:
        found: Counter[bytes] = Counter()
        for one in chunks(data):
            found.update(bytes([s]) + raw for _, s, raw in without_notes(one[8:]))
        return found

    def test_stretched(self) -> None:
        out = midi_bytes(transforms.stretch(parse_midi(self.DATA), 1.25))
        assert self.events(self.DATA) - self.events(out) == Counter()

    def test_transposed(self) -> None:
        out = midi_bytes(transforms.transpose(parse_midi(self.DATA), 2))
        gone = self.events(self.DATA) - self.events(out)
        assert list(gone) == [b"\xa2\x3c\x20"]
        assert self.events(out)[b"\xa2\x3e\x20"] == 1

    def test_clipped(self) -> None:
        score = parse_midi(self.DATA)
        out = midi_bytes(score.clip(float(score.seconds(480)), float(score.seconds(960))))
        assert b"\xff\x02\x04\xa9 me" in out
        assert b"\xff\x07\x03cue" in out
        assert b"\xa2" not in self.events(out)

    def test_channels_and_ports_are_kept(self) -> None:
        data = smf(meta(0, 0x21, b"\1") + program(0, 40, 7) + note(60, 7), program(0, 41, 7) + note(60, 7))
        again = parse_midi(written(parse_midi(data)))
        assert [(t.port, t.channel, t.program) for t in again.tracks] == [(1, 7, 40), (0, 7, 41)]

    def test_parts_take_turns_on_their_channel(self) -> None:
        data = smf(program(0, 25, 9) + note(36, 9) + program(0, 40, 9) + note(36, 9) + program(0, 25, 9) + note(38, 9))
        again = parse_midi(written(parse_midi(data)))
        assert again.notes["program"].tolist() == [25, 40, 25]
        assert again.notes["channel"].tolist() == [9, 9, 9]

    def test_sixteen_parts_that_are_told_different_things(self) -> None:
        tracks = b"".join
        parts = [program(0, 48, c) + control(0, 7, 40 + c, c) + note(60, c) for c in range(16) if c != 9]
        data = smf(*parts, tracks([meta(0, 0x21, b"\1"), program(0, 48), control(0, 7, 99), note(60)]))
        bare = parse_midi(data)
        nobody = tuple(Track(t.name, t.program, t.is_drum) for t in bare.tracks)
        again = parse_midi(written(bare.replace(tracks=nobody, source=None)))
        assert sorted(again.controls["value"].tolist()) == sorted(bare.controls["value"].tolist())
        assert vlq(200) == b"\x81\x48"


def test_a_new_part_gets_no_channel_that_a_message_makes_drums() -> None:
    drums_on_2 = b"\x00\xf0\x0a\x41\x10\x42\x12\x40\x12\x15\x02\x17\xf7"  # Roland's GS: use for rhythm part
    data = smf(drums_on_2 + program(0, 5) + note(60))
    edited = replaced(parse_midi(data), (0, 480, 64, 90, 40, 0, 1), keep=slice(None))
    again = parse_midi(midi_bytes(edited))
    assert content(again) == content(edited)
    assert [track.channel for track in again.tracks] == [0, 2]


def test_a_note_inside_another_of_a_new_part_has_its_program_in_a_type_2_file() -> None:
    data = smf(program(0, 7) + note(60) + program(0, 9) + note(62), kind=2)
    score = parse_midi(data)
    # Of the second program, before it is chosen: both come into sequences of their own, one inside the other.
    edited = replaced(score, (0, 480, 70, 90, 9, 0, 1), (10, 20, 70, 80, 9, 0, 1), keep=slice(None))
    assert content(parse_midi(midi_bytes(edited))) == content(edited)


def test_a_new_part_of_drums_does_not_come_on_a_tenth_channel_that_is_none() -> None:
    no_drums = b"\x00\xf0\x0a\x41\x10\x42\x12\x40\x10\x15\x00\x1b\xf7"  # Roland's GS: the tenth is a normal part
    edited = replaced(parse_midi(smf(no_drums + note(60))), (0, 480, 36, 90, 0, 9, 1), keep=slice(None))
    assert content(parse_midi(midi_bytes(edited))) == content(edited)


def test_the_velocity_of_a_note_of_no_length_changes_in_its_place() -> None:
    # Its onset is that of a longer note of its pitch, within which it would lie if it came later.
    data = smf(on(0, 60) + off(0, 60) + on(0, 60) + off(100, 60) + on(0, 62) + off(480, 62))
    score = parse_midi(data)
    notes = score.notes.copy()
    notes["velocity"][0] += 1
    out = midi_bytes(score.replace(notes=notes))
    assert sum(a != b for a, b in zip(out, data, strict=True)) == 1
