from __future__ import annotations

import math

import numpy as np
import pytest

from symbolic_music.errors import EvaluationError, RegionError
from symbolic_music.evaluation.context import Case, EditRegion, measure
from symbolic_music.evaluation.context.bar_similarity import likeness, on_grid, places, repetition
from symbolic_music.evaluation.context.harmony import clashes, in_chord, in_key
from symbolic_music.evaluation.context.seams import gap, leap, lost, same_as_original
from symbolic_music.evaluation.context.track_agreement import at_once, density, in_range, note_length, pile, polyphony
from symbolic_music.score import METER, TEMPO, Array, Score, Track, note_table

BAR = 1920


def song() -> Score:
    """Eight bars of 4/4 in C: a melody of quarters C E G E, chords of C major a bar, a backbeat."""
    melody = [
        (BAR * bar + 480 * beat, 480, pitch, 80, 73, 0, 0)
        for bar in range(8)
        for beat, pitch in enumerate((72, 76, 79, 76))
    ]
    chords = [(BAR * bar, BAR, pitch, 60, 0, 1, 1) for bar in range(8) for pitch in (48, 52, 55)]
    drums = [
        (BAR * bar + 480 * beat, 60, 36 if beat % 2 == 0 else 38, 100, 0, 9, 2) for bar in range(8) for beat in range(4)
    ]
    tracks = (Track("Melody", 73), Track("Chords", 0), Track("Drums", 0, is_drum=True))
    return Score(notes=note_table(melody + chords + drums), meters=np.array([(0, 4, 4)], METER), tracks=tracks)


def case(track: int = 0, first: int = 2, last: int = 4) -> Case:
    """A region of bars counted from 0."""
    return Case(song(), EditRegion(first * BAR, last * BAR, (track,)), "song")


def line(*notes: tuple[int, int], track: int = 0, length: int = 480) -> Array:
    """Notes of one track: (tick after the beginning of bar 2, pitch)."""
    return note_table([(2 * BAR + tick, length, pitch, 80, 73, 9 if track == 2 else 0, track) for tick, pitch in notes])


def test_a_region_knows_its_notes() -> None:
    assert case().original["pitch"].tolist() == [72, 76, 79, 76] * 2
    assert len(case().own) == 24
    assert set(case().others["track"].tolist()) == {1}
    assert case().bars == (2, 4)
    assert case(2).is_drums
    assert not case().is_drums


@pytest.mark.parametrize("bad", [(4, 4, (0,)), (-1, 4, (0,)), (0, 4, ())])
def test_impossible_regions_are_refused(bad: tuple[int, int, tuple[int, ...]]) -> None:
    with pytest.raises(RegionError):
        EditRegion(*bad)


def test_places_round_to_sixteenths_and_over_bar_lines() -> None:
    lines = np.array([0, BAR, 2 * BAR])
    found = places(np.array([0, 59, 60, 120, BAR - 61, BAR - 60, BAR + 130]), lines, 480)
    assert found.tolist() == [[0, 0], [0, 0], [0, 1], [0, 1], [0, 15], [1, 0], [1, 1]]


def test_likeness_is_the_best_jaccard_index_of_each_bar() -> None:
    backbeat = [(480 * beat, 36 if beat % 2 == 0 else 38) for beat in range(8)]
    assert likeness(case(2), line(*backbeat, track=2)) == 1
    # Three of four hits in the first bar; in the second one hit that is there, one that is not.
    some = [*backbeat[:3], (BAR, 36), (BAR + 240, 42)]
    assert likeness(case(2), line(*some, track=2)) == pytest.approx((3 / 4 + 1 / 5) / 2)
    assert math.isnan(likeness(case(2), line(track=2)))


def test_likeness_of_rhythm_alone_does_not_hear_pitches() -> None:
    tune = line(*[(480 * beat, 60 + beat) for beat in range(8)])
    assert likeness(case(), tune, pitches=False) == 1
    assert likeness(case(), tune) == 0


def test_bars_of_the_region_are_not_held_against_each_other() -> None:
    twice = line((240, 60), (BAR + 240, 60))
    assert likeness(case(), twice) == 0
    assert repetition(case(), twice) == 1


def test_the_grid_is_of_sixteenths_and_of_triplets() -> None:
    # .12 of a sixteenth of 120 ticks is 14.4 ticks, of a triplet of 160 ticks 19.2.
    assert on_grid(case(), line((120, 60), (134, 60), (136, 60), (160, 60), (179, 60), (181, 60))) == pytest.approx(
        4 / 6
    )


def test_a_note_before_a_bar_line_is_measured_from_it() -> None:
    assert on_grid(case(), line((BAR - 10, 60))) == 1
    assert on_grid(case(), line((BAR - 30, 60))) == 0


def test_keys_and_chords() -> None:
    written = line((0, 72), (480, 74), (960, 73), (1440, 77))
    assert in_key(case(), written) == 3 / 4
    # Over C, E and G: C is in the chord; C sharp, D and F are not; C sharp and F are a semitone off.
    assert in_chord(case(), written) == 1 / 4
    assert clashes(case(), written) == 2 / 4


def test_the_key_is_not_learnt_from_the_region() -> None:
    strange = [(2 * BAR + 60 * i, 6000, 61 + 2 * (i % 3), 80, 73, 0, 0) for i in range(60)]
    score = case().score
    other = Case(score.replace(notes=np.concatenate([score.notes, note_table(strange)])), case().region)
    assert in_key(other, line((0, 72), (480, 73))) == 1 / 2


def test_notes_with_nothing_beside_them_have_no_chord() -> None:
    alone = Case(song().replace(notes=song().notes[song().notes["track"] == 0]), case().region)
    assert math.isnan(in_chord(alone, line((0, 72))))
    assert math.isnan(clashes(alone, line((0, 72))))


def test_a_chord_that_is_struck_a_hair_later_is_heard() -> None:
    assert in_chord(case(), line((-25, 72))) == 1


def test_proportion() -> None:
    octave = line(*[(480 * beat, 60) for beat in range(4)], length=240)
    assert density(case(), octave) == 1
    assert note_length(case(), octave) == 1
    assert in_range(case(), octave) == 0
    assert in_range(case(), line((0, 72), (480, 80))) == 1 / 2
    assert polyphony(case(), line((0, 72), (0, 76))) == 1
    assert polyphony(case(), octave) == 0


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([(0, 10), (20, 10)], 1.0),
        ([(0, 10), (0, 10)], 2.0),
        ([(0, 10), (5, 10)], 20 / 15),
        ([(0, 10), (2, 4), (12, 4)], 18 / 14),
    ],
)
def test_notes_at_once(rows: list[tuple[int, int]], found: float) -> None:
    assert at_once(note_table([(onset, length, 60) for onset, length in rows])) == pytest.approx(found)


def test_a_pile_is_more_than_twice_what_the_track_has() -> None:
    assert pile(case(), line((0, 60), (10, 62))) == 0
    assert pile(case(), line((0, 60), (10, 62), (20, 64))) == 1
    assert pile(case(1), line((0, 60), (10, 62), (20, 64), track=1)) == 0


def test_seams() -> None:
    # From E (76) to C (60) and from G (79) to C (72).
    written = line((0, 60), (2 * BAR - 240, 79))
    assert leap(case(), written) == (16 + 7) / 2
    assert leap(case(), case().original) == 4
    assert gap(case(), case().original) == 0
    assert gap(case(), written) == (0 + 0.5) / 2
    assert gap(case(), line((960, 60), (2 * BAR - 480, 60))) == (2 + 0) / 2


def test_what_is_the_original_and_what_is_lost() -> None:
    one = case()
    assert same_as_original(one, one.original) == 1
    assert same_as_original(one, one.original[:4]) == 1 / 2
    assert lost(one, one.score) == 0
    fewer = one.score.replace(notes=one.score.notes[1:], tempos=np.array([(0, 400_000)], TEMPO))
    # A note is gone, and a tempo came.
    assert lost(one, fewer) == 2
    assert lost(one, one.score.replace(notes=one.score.notes[~one.region.mask(one.score.notes)])) == 0


def test_all_metrics_of_the_original_are_good() -> None:
    for track in range(3):
        found = measure(case(track), song())
        assert found["on_grid"] == found["same_as_original"] == found["in_range"] == 1
        assert found["piles"] == found["empties"] == found["lost"] == found["density"] == 0
        assert math.isnan(found["in_key"]) == (track == 2)
        assert math.isnan(found["likeness"]) == (track != 2)


def test_an_empty_region_is_told_and_has_no_other_figures() -> None:
    one = case()
    found = measure(one, one.score.replace(notes=one.score.notes[~one.region.mask(one.score.notes)]))
    assert found["empties"] == 1
    assert found["density_kept"] == 0
    assert all(math.isnan(found[name]) for name in ("in_key", "in_chord", "likeness_rhythm", "on_grid", "seam_gap"))


def test_an_edit_on_another_clock_is_refused() -> None:
    with pytest.raises(EvaluationError, match="480"):
        measure(case(), song().replace(ticks_per_quarter=96))


def test_several_tracks_are_told_apart() -> None:
    both = Case(song(), EditRegion(2 * BAR, 4 * BAR, (0, 1)))
    swapped = both.original.copy()
    swapped["track"] = 1 - swapped["track"]
    assert likeness(both, both.original) == 1
    assert likeness(both, swapped) == 0
