"""What a musician may ask of new notes, and what cannot be asked."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from symbolic_music import generation
from symbolic_music.errors import ConstraintError, OptionError, RegionError
from symbolic_music.generation import Limits, Region, Request, bars
from symbolic_music.generation.constraints.pitch import Chords, PitchRange
from symbolic_music.generation.constraints.rhythm import GivenRhythm
from symbolic_music.generation.decoding.feasibility import check_request
from symbolic_music.score import BAR_NUMBER, Score
from symbolic_music.theory import chord_classes, pitch_number
from tests.generation.untouched import check, four_parts, ours, published, regional


def test_pitches_by_name() -> None:
    names = {"C4": 60, "c4": 60, "A0": 21, "F#3": 54, "Bb5": 82, "C-1": 0, "G9": 127, "48": 48}
    assert {name: pitch_number(name) for name in names} == names
    for name in ("H4", "C", "128", "-1", "G#9", ""):
        with pytest.raises(OptionError, match="no pitch"):
            pitch_number(name)


def test_chords_by_name() -> None:
    assert chord_classes("C") == (0, 4, 7)
    assert chord_classes("F#m7b5") == (0, 4, 6, 9)
    assert chord_classes("Bbmaj7") == (2, 5, 9, 10)
    assert chord_classes("-") == ()


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"lowest": 60, "highest": 60, "scale": "Db major", "pitch_classes": (2,)}, "no pitch is left"),
        ({"scale": "C major", "pitch_classes": (1, 3)}, "no pitch is left"),
        ({"lowest": 60, "highest": 62, "chords": ((1, "C"), (2, "Eb"))}, "for the chord Eb of bar 2"),
        ({"lowest": 60, "highest": 60, "no_repeats": True}, "without repeats"),
        ({"polyphony": 1, "notes_at_once": (2, 3)}, "cannot be 1 at once"),
        ({"given_pitches": (60, 61), "scale": "C major"}, "the given pitch 61 is not among"),
        ({"given_pitches": (60, 62), "highest": 61}, "the given pitch 62 is not among"),
        ({"given_pitches": (60, 62), "notes_at_once": (3, 4)}, "2 given pitches are too few"),
    ],
)
def test_contradictions_are_errors(wanted: dict, message: str) -> None:
    with pytest.raises(ConstraintError, match=message):
        Limits(**wanted)


@pytest.mark.parametrize(
    "wanted",
    [
        {"end_on": float("nan")},
        {"end_on": float("inf")},
        {"end_on": 0.5},
        {"chords": ((0, "C"),)},
        {"chords": ((2, "C"), (1, "C"))},
        {"lowest": 61, "highest": 60},
        {"highest": 128},
        {"scale": ""},
        {"pitch_classes": (12,)},
        {"notes_per_bar": (3, 2)},
        {"given_pitches": (128,)},
    ],
)
def test_what_makes_no_sense_is_refused(wanted: dict) -> None:
    with pytest.raises(OptionError):
        Limits(**wanted)


def test_what_meets_with_the_region_is_an_error_before_anything_is_drawn(quartet: Score) -> None:
    with pytest.raises(RegionError, match="in no region"):
        generation.edit(quartet, [bars(1)], [0], published(), limits=Limits(end_on=3))
    with pytest.raises(ConstraintError, match="no note may begin"):
        check_request(Request(end=100, constraints=(GivenRhythm((500,)),)))
    chord = Chords(((0, (0,)), (50, (6,))))
    with pytest.raises(ConstraintError, match=r"no pitch is left at 0\.50 s"):
        check_request(Request(end=100, instruments=(0,), constraints=(chord, PitchRange(60, 65))))
    check_request(Request(end=50, instruments=(0,), constraints=(chord, PitchRange(60, 65))))


@pytest.mark.parametrize("model", [ours, published])
def test_the_music_ends_where_it_is_to(quartet: Score, model) -> None:
    written = generation.edit(quartet, [bars(1, 2)], [1, 2], model(), seed=2, limits=Limits(end_on=2.5)).finish()[0]
    assert (written.notes["onset"].astype(np.int64) + written.notes["duration"]).max() == 2880
    assert len(written.notes)


@pytest.mark.parametrize(("model", "limits"), [(four_parts, {}), (ours, {"polyphony": 3})])
def test_notes_begin_together_where_there_is_room_for_them(quartet: Score, model, limits: dict) -> None:
    for seed in range(5):
        wanted = Limits(notes_at_once=(2, 3), **limits)
        written = generation.edit(quartet, [bars(1, 2)], [0, 1, 2], model(), seed=seed, limits=wanted).finish()[0]
        counts = np.unique(written.notes["onset"], return_counts=True)[1]
        assert set(counts.tolist()) <= {2, 3}
    with pytest.raises(ConstraintError, match="no note may begin"):
        generation.edit(quartet, [bars(1)], [0, 1, 2], four_parts(), limits=Limits(notes_at_once=(4, 4)))


@pytest.mark.parametrize("model", [four_parts, ours])
@pytest.mark.parametrize("limits", [{"notes_per_bar": (4, 4)}, {"notes_per_bar": (6, 20), "no_repeats": True}])
def test_held_notes_leave_room_for_those_that_a_bar_must_have(quartet: Score, model, limits: dict) -> None:
    for seed in range(5):
        wanted = Limits(polyphony=1, **limits)
        written = generation.edit(quartet, [bars(1, 2)], [0, 1, 2], model(), seed=seed, limits=wanted).finish()[0]
        counts = np.bincount(written.notes["onset"] // 1920)
        assert limits["notes_per_bar"][0] <= counts.min() <= counts.max() <= limits["notes_per_bar"][1]


@pytest.mark.parametrize("limits", [{"notes_per_bar": (2, 3)}, {"notes_at_once": (2, 3)}])
def test_notes_just_before_a_bar_are_none_of_it(quartet: Score, limits: dict) -> None:
    early = quartet.notes.copy()
    early["onset"][early["onset"] == 1920] = 1919
    score = quartet.replace(notes=early)
    for seed in range(5):
        written = generation.edit(score, [bars(2)], [1], ours(), seed=seed, limits=Limits(**limits)).finish()[0]
        if "notes_per_bar" in limits:
            assert 2 <= len(written.notes) <= 3
        else:
            assert set(np.unique(written.notes["onset"], return_counts=True)[1].tolist()) <= {2, 3}


MELODY = (60, 64, 67, 67, 65, 62)


@pytest.mark.parametrize("model", [published, ours, four_parts])
@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"polyphony": 1},
        {"polyphony": 1, "end_on": 3},
        {"scale": "C major", "notes_per_bar": (1, 5)},
        {"chords": ((1, "C9"), (2, "-"))},
    ],
)
def test_given_pitches_are_written_in_a_free_rhythm(quartet: Score, model, limits: dict) -> None:
    melody = MELODY if "chords" not in limits else (60, 64, 67, 67, 64, 62)
    rhythms = set()
    for seed in range(4):
        wanted = Limits(given_pitches=melody, **limits)
        written = generation.edit(quartet, [bars(1, 2)], [1], model(), seed=seed, limits=wanted).finish()[0]
        check(quartet, written, [(0, 3840)], [1])
        assert written.notes["pitch"].tolist() == list(melody)
        rhythms.add(written.notes["onset"].tobytes())
    assert len(rhythms) > 1


@pytest.mark.parametrize("model", [published, ours, four_parts])
def test_given_pitches_wait_for_their_chord(quartet: Score, model) -> None:
    limits = Limits(given_pitches=(60, 64), chords=((1, "D"), (2, "C")))
    for seed in range(4):
        written = generation.edit(quartet, [bars(1, 2)], [1], model(), seed=seed, limits=limits).finish()[0]
        assert written.notes["pitch"].tolist() == [60, 64]
        assert written.notes["onset"].min() >= 1920


def test_given_pitches_are_written_in_each_region_and_after_a_piece(quartet: Score) -> None:
    limits = Limits(given_pitches=(60, 62))
    written = generation.edit(quartet, [bars(1), Region(2.5, 3, "bars")], [1], ours(), limits=limits).finish()[0]
    assert written.notes["pitch"].tolist() == [60, 62, 60, 62]
    longer = generation.continuation(quartet, 4.0, ours(), limits=limits).finish()[0]
    assert longer.notes["pitch"].tolist() == [60, 62]
    assert not (longer.notes["track"] == 4).any()


@pytest.mark.parametrize(
    ("limits", "tracks", "message"),
    [
        ({"notes_per_bar": (1, 2)}, [1], "6 given pitches cannot be 1-2 notes in each of 2 bars"),
        ({"no_repeats": True}, [1], "repeat one"),
        ({"chords": ((1, "C"), (2, "Cm"))}, [1], "the given pitch 62 fits nowhere"),
        ({}, [4], "the given pitch 60 fits nowhere"),
    ],
)
def test_given_pitches_that_contradict_are_errors(quartet: Score, limits: dict, tracks: list, message: str) -> None:
    with pytest.raises(ConstraintError, match=message):
        generation.edit(quartet, [bars(1, 2)], tracks, ours(), limits=Limits(given_pitches=MELODY, **limits))
    for verb in ("revoice", "thin_out"):
        with pytest.raises(ConstraintError, match="free rhythm"):
            generation.edit(quartet, [bars(1, 2)], [1], ours(), limits=Limits(given_pitches=MELODY), verb=verb)


def test_the_stream_can_be_left(quartet: Score) -> None:
    editing = generation.edit(quartet, [bars(1), Region(2.5, 3, "bars")], [0, 1], ours(), seed=1, count=2)
    assert editing.results() == []
    stream = editing.stream()
    drawn = [next(stream) for _ in range(5)]
    stream.close()
    assert 0 < editing.done < 1
    found = editing.results()
    assert sum(len(one.notes) for one in found) == 5
    assert not any(one.complete for one in found)
    told = {(note.alternative, note.track, round(note.onset_seconds, 6), note.pitch) for note in drawn}
    for one in found:
        onsets = one.score.seconds(one.notes["onset"]).round(6).tolist()
        rows = zip(one.notes["track"].tolist(), onsets, one.notes["pitch"].tolist(), strict=True)
        assert {(one.number, *row) for row in rows} <= told
    later = quartet.notes[quartet.notes["onset"] >= 1920]
    assert np.array_equal(found[0].score.notes[found[0].score.notes["onset"] >= 1920], later)


@pytest.mark.parametrize("model", [published, ours, four_parts, regional])
def test_new_notes_begin_on_the_grid(quartet: Score, model) -> None:
    limits = Limits(grid=1 / 3, notes_per_bar=(3, 9), free=True)
    places = set()
    for seed in range(4):
        written = generation.edit(quartet, [bars(1, 2)], [1], model(), seed=seed, limits=limits).finish()[0]
        check(quartet, written, [(0, 3840)], [1])
        assert len(written.notes) >= 6
        places |= set((written.notes["onset"] % 480).tolist())
    assert places == {0, 160, 320}


def test_a_model_in_seconds_writes_on_the_grid_of_the_piece(quartet: Score) -> None:
    # 10 ms are 9.6 ticks here: few steps of the model are on a line.
    free, usual = (
        generation.edit(quartet, [bars(1, 2)], [1], published(), seed=4, limits=Limits(free=one)).finish()[0].notes
        for one in (True, False)
    )
    lines = {line % 480 for step in (120, 160) for line in range(0, 480, step)}
    assert set((usual["onset"] % 480).tolist()) <= lines
    assert not set((free["onset"] % 480).tolist()) <= lines


def test_a_grid_that_no_region_has() -> None:
    with pytest.raises(OptionError, match="1/24 to 64"):
        Limits(grid=0.01)


@pytest.mark.parametrize("first", [1, 0])
def test_what_a_region_model_meets_is_told_in_limits_and_printed_bars(quartet: Score, first: int) -> None:
    score = quartet.replace(bar_numbers=np.array([(0, first)], BAR_NUMBER))
    where = [Region(*(tick / score.ticks_per_quarter for tick in score.bars(score.end)[:2]), "beats")]
    edit = generation.edit(score, where, [1], regional(), limits=Limits(notes_per_bar=(100, 200), grid=1))
    with pytest.raises(ConstraintError) as raised:
        edit.finish()
    worded = rf"no (onset|note) is left in bar {first}: the limits \(notes per bar 100-200, grid 1\) leave none"
    assert re.match(worded, str(raised.value))


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"chart": "C", "chords": ((1, "C"),)}, "not both"),
        ({"passing_notes": True}, "give some"),
        ({"chart": "C || F"}, "chords in each bar"),
        ({"chart": ""}, "chords in each bar"),
        ({"chart": "C | H"}, "no chord 'H'"),
        ({"chart": "C | Eb", "lowest": 60, "highest": 62}, "for the chord Eb: pitches 60 to 62"),
    ],
)
def test_charts_that_cannot_be(limits: dict[str, Any], words: str) -> None:
    with pytest.raises((OptionError, ConstraintError), match=words):
        Limits(**limits)


@pytest.mark.parametrize(
    ("scale", "key"), [(None, None), ("D minor", 14), ("Eb", 3), ("A harmonic minor", 21), ("C dorian", None)]
)
def test_the_key_of_a_scale(scale: str | None, key: int | None) -> None:
    assert Limits(scale=scale).key == key
