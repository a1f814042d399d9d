"""The first edit of a file looks at the neighbourhood of the edit alone, and gives what the whole file would give."""

from __future__ import annotations

from dataclasses import fields
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music.io.midi import patch as patching
from symbolic_music.io.midi.reader import midi_bytes, parse_midi
from symbolic_music.io.midi.reading import stretches as by_stretches
from symbolic_music.io.midi.reading.event_table import event_table, first_events
from symbolic_music.io.midi.reading.near_events import Known, events_near
from symbolic_music.io.midi.source_file import document_of
from symbolic_music.io.midi.writing.nearby_notes import nearby
from symbolic_music.io.midi.writing.note_changes import changes
from symbolic_music.score import Score, note_table
from tests.io.midi.smf import END, bend, control, meta, off, on, program, smf, tune, vlq

DELTAS = st.sampled_from([0, 1, 100, 127, 128, 300, 20_000, 3_000_000])
KEYS = st.integers(60, 63)
CONTENT = ["onset", "duration", "pitch", "velocity", "program", "channel"]


def event(status: int, first: int, second: int) -> bytes:
    return bytes([status, first, second])


EVENTS = st.one_of(
    st.builds(event, st.sampled_from([0x80, 0x90, 0x91, 0xA0, 0xB0, 0xE5]), st.integers(0, 127), st.integers(0, 127)),
    st.builds(lambda number: bytes([0xC0, number]), st.integers(0, 127)),
    st.builds(lambda text: meta(0, 1, text)[1:], st.binary(max_size=5)),
    st.just(b"\xf0\x03\x7e\x09\xf7"),
)


def with_running_status(events: list[tuple[int, bytes]]) -> bytes:
    """The bytes of a track whose channel events have no status where it is that of the event before."""
    out, last = b"", 0
    for delta, data in events:
        out += vlq(delta) + (data[1:] if data[0] == last else data)
        last = data[0] if data[0] < 0xF0 else 0
    return out


class TestStretches:
    """They find what the other way finds, or nothing."""

    @given(st.lists(st.tuples(DELTAS, EVENTS), max_size=40), st.booleans())
    def test_events_are_those_of_the_table(self, events: list[tuple[int, bytes]], runs: bool) -> None:
        body = with_running_status(events) if runs else b"".join(vlq(delta) + data for delta, data in events)
        body += END
        whole, found = event_table(body), first_events(body, 1 << 30)
        assert whole is not None
        if found is not None:
            for column in fields(whole):
                assert np.array_equal(getattr(found, column.name), getattr(whole, column.name)), column.name
        with patch.multiple(by_stretches, _SHORTEST=16, _LONGEST=24):
            some = first_events(body, 300)
        if some is not None:
            assert some.tick[-1] > 300 or some.end == len(body)
            assert np.array_equal(some.place, whole.place[: len(some)])
            assert np.array_equal(some.status, whole.status[: len(some)])

    @given(st.binary(max_size=60))
    def test_bytes_that_are_no_track(self, body: bytes) -> None:
        whole, found = event_table(body), first_events(body, 1 << 30)
        assert found is None or (whole is not None and np.array_equal(found.place, whole.place))

    def test_running_status_of_programs_is_left_to_the_other_way(self) -> None:
        assert first_events(program(0, 5) + b"\x00\x06\x00\x07" + END, 1 << 30) is None

    def test_a_track_of_many_kinds_of_events_is_left_to_the_other_way(self) -> None:
        assert first_events((on(0, 60) + meta(1, 1, b"x")) * 100 + END, 1 << 30) is None


TWO_BYTES = st.builds(event, st.sampled_from([0x80, 0x90, 0x91, 0xB0, 0xE5]), st.integers(0, 127), st.integers(0, 127))
NEAR_DELTAS = st.sampled_from([0, 1, 100, 127, 128, 300, 20_000, 2_000_000])


def known_of(ticks: list[int], low: int, high: int) -> Known:
    earlier = [tick for tick in ticks if tick < low]
    return Known(len(ticks), len(earlier), max(earlier, default=0), sum(tick <= high for tick in ticks))


class TestEventsNear:
    """They are those of the whole track, from one before a tick to one after another."""

    @given(
        st.lists(st.tuples(NEAR_DELTAS, EVENTS), max_size=5),
        st.lists(st.tuples(NEAR_DELTAS, TWO_BYTES), min_size=1, max_size=60),
        st.tuples(st.integers(0, 60), st.integers(0, 60)),
        st.booleans(),
    )
    def test_rows_are_those_of_the_table(
        self, head: list[tuple[int, bytes]], rest: list[tuple[int, bytes]], span: tuple[int, int], runs: bool
    ) -> None:
        events = head + rest
        body = with_running_status(events) if runs else b"".join(vlq(delta) + data for delta, data in events)
        body += vlq(5) + END[1:]
        whole = event_table(body)
        assert whole is not None
        ticks = whole.tick[(whole.status < 0xC0) | (whole.status >> 4 == 0xE)].tolist()
        low, high = sorted(ticks[at % len(ticks)] for at in span)
        found = events_near(body, known_of(ticks, low, high))
        if found is None:
            # Aftertouch behind a program, or no end of a note near there.
            assert runs or not whole.has_offs or not head or any(byte in body for byte in b"\xc0\xf0\xff")
            return
        rows = whole.rows(found.place)
        for column in ("tick", "begin", "place", "status", "first", "second", "kind"):
            assert np.array_equal(getattr(found, column), getattr(whole, column)[rows]), column
        assert rows[0] == 0
        gap = np.flatnonzero(np.diff(rows) != 1)
        assert len(gap) <= 1
        begins = rows[gap + 1] if len(gap) else 0
        assert whole.tick[begins] < low or begins == 0
        assert found.tick[-1] > high or found.kind[-1] == 0x2F
        assert whole.status[rows[-1]] == 0xFF or whole.tick[rows[-1]] > high

    def test_a_track_with_an_event_that_is_not_known_is_left_to_the_other_way(self) -> None:
        body = tune(0, *[60] * 9) + vlq(0) + bytes([0xA0, 60, 1]) + tune(0, *[60] * 9) + END
        ticks = [tick for n in range(18) for tick in (480 * n, 480 * n + 480)]
        assert events_near(body, known_of(ticks, 480, 480)) is None
        ticks.append(9 * 480)
        assert events_near(body, known_of(ticks, 480, 480)) is not None

    @pytest.mark.parametrize("stray", [meta(0, 1, b"x"), program(0, 3), b"\x00\xf0\x01\xf7"])
    def test_a_track_with_events_of_other_kinds_further_on_is_left_to_the_other_way(self, stray: bytes) -> None:
        body = tune(0, *[60] * 90) + stray + tune(0, *[60] * 9) + END
        ticks = [tick for n in range(99) for tick in (480 * n, 480 * n + 480)]
        assert events_near(body, known_of(ticks, 480, 480)) is None

    def test_only_the_neighbourhood_is_in_the_table(self) -> None:
        body = program(0, 3) + tune(0, *[60] * 900) + END
        ticks = [tick for n in range(900) for tick in (480 * n, 480 * n + 480)]
        found = events_near(body, known_of(ticks, 480 * 400, 480 * 402))
        assert found is not None
        assert found.status[0] == 0xC0
        assert len(found) < 12

    @pytest.mark.parametrize("silence", [10_000, 20_000, 3_000_000])
    def test_long_silences_far_from_the_head_are_no_events_of_other_kinds(self, silence: int) -> None:
        body = tune(0, *[60] * 900)
        body += vlq(silence) + on(0, 62)[1:] + off(silence, 62) + tune(0, *[60] * 9) + END
        whole = event_table(body)
        assert whole is not None
        ticks = whole.tick[:-1].tolist()
        found = events_near(body, known_of(ticks, 480 * 899, 480 * 900 + silence))
        assert found is not None
        assert len(found) < 30
        assert np.array_equal(found.tick, whole.tick[whole.rows(found.place)])

    @pytest.mark.parametrize("stray", [meta(0, 1, b""), meta(0, 1, b"x"), program(0, 3), b"\x00\xf0\x01\xf7"])
    def test_events_of_other_kinds_are_told_from_long_silences(self, stray: bytes) -> None:
        body = tune(0, *[60] * 900) + stray + tune(0, *[60] * 9) + END
        ticks = [tick for n in range(909) for tick in (480 * n, 480 * n + 480)]
        for more in range(2):  # as many events as its bytes stand for
            assert events_near(body, known_of([*ticks, *ticks[-1:] * more], 480, 480)) is None

    @given(st.binary(max_size=60), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 300))
    def test_bytes_that_are_no_track(self, body: bytes, count: int, before: int, up_to: int, latest: int) -> None:
        before, up_to, count = sorted((before, up_to, count))
        events_near(body, Known(count, before, latest, up_to))
        events_near(body + END, Known(count, before, latest, up_to))


def played(rows: list[tuple[int, int, int, int]]) -> bytes:
    """Notes (onset, duration, pitch, velocity) as a track, ends before beginnings."""
    events = [(onset + duration, 0, bytes([0x80, pitch, 64])) for onset, duration, pitch, _ in rows]
    events += [(onset, 1, bytes([0x90, pitch, velocity])) for onset, _, pitch, velocity in rows]
    out, now = b"", 0
    for tick, _, data in sorted(events):
        out, now = out + vlq(tick - now) + data, tick
    return out


NOTES = st.lists(
    st.tuples(st.integers(0, 400), st.integers(1, 30), KEYS, st.integers(1, 127)), min_size=12, max_size=60
)


def edited(score: Score, begin: int, stop: int, new: list[tuple[int, int, int, int]]) -> Score:
    notes = score.notes
    kept = notes[(notes["onset"] < begin) | (notes["onset"] >= stop)]
    number = score.tracks[0].program
    rows = [(onset, duration, pitch, velocity, number, 0, 0) for onset, duration, pitch, velocity in new]
    return score.replace(notes=np.concatenate([kept, note_table(rows)]))


@pytest.mark.parametrize("head", [program(0, 7) + control(0, 64, 127), b""])
@given(NOTES, st.integers(0, 400), st.integers(1, 30), NOTES.map(lambda rows: rows[:4]))
def test_bytes_are_those_of_a_patch_of_the_whole(
    head: bytes,
    rows: list[tuple[int, int, int, int]],
    begin: int,
    length: int,
    new: list[tuple[int, int, int, int]],
) -> None:
    data = smf(meta(0, 0x51, b"\x07\xa1\x20"), head + played(rows) + bend(5, 100))
    score = parse_midi(data)
    changed = edited(score, begin, begin + length, [(begin + one[0] % length, *one[1:]) for one in new])
    near = midi_bytes(changed)
    with patch.object(patching, "nearby", lambda *_: None):
        assert midi_bytes(changed) == near
    with patch.multiple(by_stretches, _SHORTEST=16, _LONGEST=24):  # as in a file too long to be looked at whole
        assert sorted(parse_midi(midi_bytes(changed)).notes[CONTENT].tolist()) == sorted(
            changed.notes[CONTENT].tolist()
        )


LONG = smf(program(0, 7) + tune(0, *[60, 62] * 200), program(0, 9, 1) + tune(1, *[50, 52, 53] * 100))


def change(score: Score, row: int) -> Score:
    notes = score.notes.copy()
    notes["velocity"][row] += 1
    return score.replace(notes=notes)


def test_only_notes_near_the_edit_are_looked_for() -> None:
    score = parse_midi(LONG)
    document, after = document_of(score), change(score, 20)
    assert document is not None
    assert document.files == (0, 1)
    found = nearby(document, changes(score.notes, after.notes), after.notes)
    assert found is not None
    assert len(found.rows) < 9
    assert (found.notes[20] >= 0).all()
    assert set(found.tables) == {int(score.notes["track"][20])}


def test_a_note_inside_another_of_its_pitch_gets_a_track_without_the_file_being_parsed() -> None:
    score = parse_midi(LONG)
    inside = note_table([(10, 20, 60, 64, 7, 0, 0)])
    changed = score.replace(notes=np.concatenate([inside, score.notes]))
    with patch.object(patching, "placed", side_effect=AssertionError):
        out = midi_bytes(changed)
    assert out[14:].startswith(LONG[14:])
    assert int.from_bytes(out[10:12], "big") == 3
    again = parse_midi(out)
    assert sorted(again.notes[CONTENT].tolist()) == sorted(changed.notes[CONTENT].tolist())


def test_a_note_that_is_open_where_the_neighbourhood_begins_takes_its_own_end() -> None:
    # One pitch twice, the second beginning before the end of the first, which is over before the edit.
    data = smf(on(0, 60) + on(50, 62) + on(40, 60) + off(10, 60) + on(100, 64) + off(5, 64) + off(45, 60) + off(50, 62)
               + tune(0, *[66] * 9))  # fmt: skip
    score = parse_midi(data)
    after = change(score, 3)
    document = document_of(score)
    assert document is not None
    found = nearby(document, changes(score.notes, after.notes), after.notes)
    assert found is not None
    assert found.rows.tolist() == [1, 2, 3]
    assert sum(a != b for a, b in zip(midi_bytes(after), data, strict=True)) == 1


def test_a_numberthat_comes_later_in_the_track_is_not_that_of_a_note_before_it() -> None:
    score = parse_midi(smf(control(0, 7, 100) + program(480, 7) + tune(0, *[60, 62] * 9)))
    assert [track.program for track in score.tracks] == [7]
    before = np.concatenate([note_table([(0, 240, 40, 64, 7, 0, 0)]), score.notes])
    changed = score.replace(notes=before)
    assert sorted(parse_midi(midi_bytes(changed)).notes[CONTENT].tolist()) == sorted(changed.notes[CONTENT].tolist())


@pytest.mark.parametrize("row", [0, 150, 699])
def test_a_long_file_differs_in_the_one_event(row: int) -> None:
    out = midi_bytes(change(parse_midi(LONG), row))
    assert sum(a != b for a, b in zip(out, LONG, strict=True)) == 1


def test_notes_that_last_over_the_edit_keep_their_ends() -> None:
    data = smf(on(0, 40) + on(1, 40) + tune(0, *[60, 62] * 9) + off(1, 40) + off(1, 40) + tune(0, *[64] * 40))
    score = parse_midi(data)
    for row in range(4, 12):
        changed = change(score, row)
        again = parse_midi(midi_bytes(changed))
        assert sorted(again.notes.tolist()) == sorted(changed.notes.tolist())
