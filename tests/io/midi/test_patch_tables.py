"""Controllers, bends, texts, names and other events that are edited change where they stand, and nothing else does."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic_music.io.midi.reader import midi_bytes, parse_midi
from symbolic_music.score import Other, Score, Text
from tests.io.midi.smf import bend, control, meta, off, on, program, smf
from tests.io.midi.test_merged_tracks import files
from tests.io.midi.test_patch import chunks, content


def note(pitch: int, channel: int = 0, delta: int = 0) -> bytes:
    return on(delta, pitch, channel=channel) + off(480, pitch, channel)


SETUP = meta(0, 3, b"Song") + meta(0, 6, b"\xe9tude") + control(0, 7, 80) + meta(480, 6, b"B") + control(5, 64, 0)
FLUTE = meta(0, 3, b"Fl\xf6te") + control(0, 10, 20, 2) + note(60, 2) + control(0, 64, 127, 2) + note(62, 2)
PIANO = program(0, 3) + bend(0, 100) + note(60) + control(0, 64, 127) + note(62)
DATA = smf(SETUP, FLUTE, PIANO)


def changed_chunks(out: bytes, data: bytes = DATA) -> list[int]:
    return [index for index, (a, b) in enumerate(zip(chunks(data), chunks(out), strict=True)) if a != b]


def test_a_value_changes_in_its_place() -> None:
    score = parse_midi(DATA)
    controls = score.controls.copy()
    controls["value"][controls["number"] == 10] = 99
    assert midi_bytes(score.replace(controls=controls)) == DATA.replace(b"\xb2\x0a\x14", b"\xb2\x0a\x63")


def test_a_value_that_stands_in_another_track_changes_there() -> None:
    score = parse_midi(DATA)
    controls = score.controls.copy()
    controls["value"][controls["number"] == 7] = 11
    out = midi_bytes(score.replace(controls=controls))
    assert changed_chunks(out) == [0]
    assert out == DATA.replace(b"\xb0\x07\x50", b"\xb0\x07\x0b")


def test_a_pedal_that_moves_comes_before_the_notes_of_its_tick() -> None:
    score = parse_midi(DATA)
    controls = score.controls.copy()
    controls["time"][(controls["number"] == 64) & (controls["track"] == 0)] = 960
    out = midi_bytes(score.replace(controls=controls))
    assert chunks(out)[1] == chunks(
        smf(meta(0, 3, b"Fl\xf6te") + control(0, 10, 20, 2) + note(60, 2) + on(0, 62, channel=2)
            + control(480, 64, 127, 2) + off(0, 62, 2))
    )[0]  # fmt: skip
    assert changed_chunks(out) == [1]


def test_a_bend_goes() -> None:
    score = parse_midi(DATA)
    assert midi_bytes(score.replace(bends=score.bends[:0])) == smf(SETUP, FLUTE, PIANO.replace(bend(0, 100), b""))


def test_controllers_of_one_tick_come_in_their_order() -> None:
    score = parse_midi(smf(SETUP, note(60, 1)))
    rows = np.array([(0, 101, 0, 0), (0, 100, 0, 0), (0, 6, 12, 0)], score.controls.dtype)
    out = midi_bytes(score.replace(controls=rows))
    assert chunks(out)[1] == chunks(smf(control(0, 101, 0, 1) + control(0, 100, 0, 1) + control(0, 6, 12, 1) + note(60, 1)))[0]  # fmt: skip  # noqa: E501


def test_of_parts_that_share_a_channel_one_alone_cannot_be_told() -> None:
    data = smf(control(0, 7, 30) + note(60), note(62), note(50, 5))
    score = parse_midi(data)
    controls = score.controls.copy()
    assert controls["track"].tolist() == [0, 1]
    controls["value"][0] = 99
    again = parse_midi(midi_bytes(score.replace(controls=controls)))
    assert sorted(zip(again.controls["value"].tolist(), again.controls["track"].tolist(), strict=True)) == [
        (30, 1),
        (99, 0),
    ]
    controls["value"][1] = 99
    assert midi_bytes(score.replace(controls=controls)) == data.replace(b"\xb0\x07\x1e", b"\xb0\x07\x63")


def test_words_change_in_their_place_and_code() -> None:
    score = parse_midi(DATA)
    first, second = score.texts
    out = midi_bytes(score.replace(texts=(replace(first, text="Op. 1 \xe8"), second)))
    assert out == smf(SETUP.replace(b"\x05\xe9tude", b"\x07Op. 1 \xe8"), FLUTE, PIANO)


def test_words_go_and_come() -> None:
    score = parse_midi(DATA)
    out = midi_bytes(score.replace(texts=(*score.texts[:1], Text(960, "Hey", "lyric", 0))))
    assert changed_chunks(out) == [0, 1]
    assert parse_midi(out).texts == (score.texts[0], Text(960, "Hey", "lyric", 0))


def test_a_name() -> None:
    score = parse_midi(DATA)
    tracks = (replace(score.tracks[0], name="Oboe"), replace(score.tracks[1], name="Grand"))
    out = midi_bytes(score.replace(tracks=tracks))
    assert out == smf(SETUP, FLUTE.replace(b"\x05Fl\xf6te", b"\x04Oboe"), meta(0, 3, b"Grand") + PIANO)


def test_other_events_go_and_come() -> None:
    data = smf(meta(0, 1, b"by me") + note(60), b"\x00\xf0\x05\x7e\x7f\x09\x01\xf7" + note(62, 1), note(64, 2))
    score = parse_midi(data)
    others = [other for other in score.others if other.data[0] != 0xF0]
    out = midi_bytes(score.replace(others=(*others, Other(240, b"\xff\x07\x01x", 2))))
    assert out == smf(meta(0, 1, b"by me") + note(60), note(62, 1), on(0, 64, channel=2) + meta(240, 7, b"x")
                      + off(240, 64, 2))  # fmt: skip


def rows(score: Score, name: str) -> Counter[tuple[int, ...]]:
    return Counter(getattr(score, name).tolist())


@given(files, st.data())
@settings(max_examples=80)
def test_any_edit_of_state_and_words(data: bytes, draw: st.DataObject) -> None:
    score = parse_midi(data)
    if not len(score.tracks):
        return
    part = draw.draw(st.sampled_from(range(len(score.tracks))))
    mates = [
        i for i, t in enumerate(score.tracks)
        if (t.port, t.channel) == (score.tracks[part].port, score.tracks[part].channel)
    ]  # fmt: skip
    new = draw.draw(st.lists(st.tuples(st.integers(0, 60), st.sampled_from((1, 7, 11, 64)), st.integers(0, 127)), max_size=4))  # fmt: skip  # noqa: E501
    gone = np.isin(score.controls["track"], mates) & ~np.isin(score.controls["number"], (0, 32))
    if draw.draw(st.booleans()):
        gone &= score.controls["time"] > 20
    added = np.array([(*row, mate) for row in new for mate in mates], score.controls.dtype)
    controls = np.concatenate([score.controls[~gone], added])
    words = tuple(Text(time, "w") for time in draw.draw(st.lists(st.integers(0, 50), max_size=2)))
    edited = score.replace(
        controls=controls, texts=tuple(sorted((*score.texts[:1], *words), key=lambda text: text.time))
    )
    out = midi_bytes(edited)
    again = parse_midi(out)
    assert rows(again, "controls") == rows(edited, "controls")
    assert rows(again, "bends") == rows(edited, "bends")
    assert Counter(again.texts) == Counter(edited.texts)
    assert content(again) == content(edited)
    if data[9] == 1 and len(chunks(data)) > 1:
        homes = {int(score.tracks[mate].channel or 0) for mate in mates}
        for index, (a, b) in enumerate(zip(chunks(data)[1:], chunks(out)[1:], strict=True), 1):
            if a != b:  # nothing there but what acts on this channel
                assert homes & {s & 15 for s in a[8:] + b[8:] if s >= 0x80}, index


@pytest.mark.parametrize("kind", [0, 1])
def test_notes_and_state_at_once(kind: int) -> None:
    data = smf(control(0, 7, 9) + note(60) + note(62) + control(0, 64, 0), kind=kind)
    score = parse_midi(data)
    notes, controls = score.notes.copy(), score.controls.copy()
    notes["pitch"][1], controls["value"][0] = 65, 10
    assert midi_bytes(score.replace(notes=notes, controls=controls)) == data.replace(b"\x3e", b"\x41").replace(
        b"\x07\x09", b"\x07\x0a"
    )
