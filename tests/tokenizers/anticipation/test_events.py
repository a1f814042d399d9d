from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic_music.errors import RegionError
from symbolic_music.score import TEMPO, Score, note_table
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.anticipation.events import (
    REST_NOTE,
    arrange,
    empty,
    events_of,
    interleave,
    pad,
    to_ids,
)
from tests.tokenizers.example_music import scores

# A 16th of 120 ticks at 120 quarters a minute lasts 12.5 steps: an exact half.
SIXTEENTH = 120


def tune(*rows, tempos=((0, 500_000),), tpq=480):
    return Score(ticks_per_quarter=tpq, notes=note_table(rows), tempos=np.array(list(tempos), TEMPO))


def table(*rows):
    return np.array(rows, np.int32).reshape(-1, 3)


# -- notes to events -------------------------------------------------------------------------------------------


def test_halves_go_to_the_even_step():
    found = events_of(tune(*((k * SIXTEENTH, k * SIXTEENTH, 60) for k in (1, 3, 5, 7))))
    assert found[:, 0].tolist() == found[:, 1].tolist() == [12, 38, 62, 88]


def test_a_duration_is_rounded_from_unrounded_times():
    # 0.4 to 12.9 steps: 12.5 steps long, though its rounded ends are 13 apart.
    assert events_of(tune((4, SIXTEENTH, 60))).tolist() == [[0, 12, 60]]
    # 0.52 to 1.46 steps: one step long, both ends at step 1.
    assert events_of(tune((5, 9, 60))).tolist() == [[1, 1, 60]]


def test_durations_end_at_999_steps():
    found = events_of(tune((0, 9590, 60), (0, 9600, 61), (0, 100_000, 62)))
    assert found[:, 1].tolist() == [999, 999, 999]
    assert events_of(tune((0, 9580, 60)))[0, 1] == 998


def test_a_note_that_is_never_ended_lasts_a_quarter_of_a_second():
    notes = note_table([(0, 9600, 60), (0, 480, 61), (480, 10, 62)])
    notes["hanging"] = [1, 0, 1]
    assert events_of(Score(notes=notes))[:, 1].tolist() == [25, 50, 25]


def test_instruments_are_programs_and_drums_are_128():
    rows = [(0, 48, 36, 64, 0, 0), (0, 48, 36, 64, 33, 5), (0, 48, 36, 64, 127, 15), (0, 48, 36, 64, 25, 9)]
    assert events_of(tune(*rows))[:, 2].tolist() == [36, 128 * 33 + 36, 128 * 127 + 36, 128 * 128 + 36]


def test_notes_of_one_onset_stay_in_file_order():
    found = events_of(tune((0, 48, 64), (0, 96, 60), (0, 48, 67), (48, 48, 50)))
    assert (found[:, 2] % 128).tolist() == [64, 60, 67, 50]
    # Onsets that round to one step are still in the order of their ticks.
    assert (events_of(tune((2, 48, 50), (1, 48, 60)))[:, 2] % 128).tolist() == [60, 50]


def test_real_seconds_under_the_tempo_map():
    tempos = [(480, 1_000_000), (480, 250_000), (960, 500_000)]
    # Half a second to tick 480, a quarter to tick 960 (of two tempos at one tick the last counts).
    found = events_of(tune((0, 1440, 60), (480, 480, 61), (960, 480, 62), tempos=tempos))
    assert found[:, :2].tolist() == [[0, 125], [50, 25], [75, 50]]


def test_an_empty_score_has_no_events():
    assert events_of(Score()).shape == empty().shape == (0, 3)


def test_scores_of_months_are_refused():
    with pytest.raises(RegionError, match="clip it first"):
        events_of(tune((2**31 - 2, 1, 60), tpq=1, tempos=[(0, 16_000_000)]))


def slow_steps(score):
    """Onsets and durations in steps by the definition, one tick's tempo after another, in fractions."""
    tempos = [(0, 500_000), *((int(t), int(m)) for t, m in score.tempos.tolist())]

    def seconds(tick):
        total, last, tempo = Fraction(0), 0, 500_000
        for time, microseconds in tempos:
            if time > tick:
                break
            total += Fraction((time - last) * tempo, 10**6 * score.ticks_per_quarter)
            last, tempo = time, microseconds
        return total + Fraction((tick - last) * tempo, 10**6 * score.ticks_per_quarter)

    ons = [seconds(int(n["onset"])) for n in score.notes]
    offs = [seconds(int(n["onset"]) + int(n["duration"])) for n in score.notes]
    # Python rounds fractions half to even.
    return [round(100 * on) for on in ons], [round(100 * (off - on)) for on, off in zip(ons, offs, strict=True)]


@given(scores())
def test_steps_are_those_of_exact_fractions(score):
    onsets, durations = slow_steps(score)
    assert events_of(score)[:, :2].tolist() == [
        [on, min(for_, 999)] for on, for_ in zip(onsets, durations, strict=True)
    ]


def test_steps_of_more_notes_than_one_block():
    rng = np.random.default_rng(0)
    rows = zip(rng.integers(0, 90_000, 5000), rng.integers(1, 2000, 5000), rng.integers(0, 128, 5000), strict=True)
    score = tune(*rows, tempos=[(30_000, 300_000), (60_000, 723_451)])
    onsets, durations = slow_steps(score)
    expected = np.stack([onsets, np.minimum(durations, 999), score.notes["pitch"]], axis=1)
    assert np.array_equal(events_of(score), expected)


# -- padding ---------------------------------------------------------------------------------------------------


def slow_pad(events, end=None):
    """The published rule, a rest at a time."""
    out, previous = [], 0
    for time, duration, note in events.tolist():
        while time - previous > 100:
            previous += 100
            out.append((previous, 0, REST_NOTE))
        out.append((time, duration, note))
        previous = time
    while end is not None and end - previous > 100:
        previous += 100
        out.append((previous, 0, REST_NOTE))
    return table(*out)


def test_rests_fill_gaps_of_more_than_a_second():
    found = pad(table((100, 5, 60), (201, 5, 61), (450, 5, 62)), end=651)
    rests = [[301, 0, REST_NOTE], [401, 0, REST_NOTE], [550, 0, REST_NOTE], [650, 0, REST_NOTE]]
    notes = [[100, 5, 60], [201, 5, 61], [450, 5, 62]]
    assert found.tolist() == [notes[0], [200, 0, REST_NOTE], notes[1], *rests[:2], notes[2], *rests[2:]]
    assert pad(table((100, 5, 60), (200, 5, 61)), end=300).tolist() == [[100, 5, 60], [200, 5, 61]]


def test_a_piece_without_events_is_rests():
    assert pad(empty(), 250)[:, 0].tolist() == [100, 200]
    assert len(pad(empty())) == len(pad(empty(), 100)) == 0


def event_tables(most=25, latest=1500):
    rows = st.tuples(st.integers(0, latest), st.integers(0, 999), st.integers(0, v.MAX_NOTE - 1))
    return st.lists(rows, max_size=most).map(lambda rows: table(*sorted(rows, key=lambda row: row[0])))


@given(event_tables(), st.none() | st.integers(0, 2000))
def test_pad_is_the_published_loop(events, end):
    assert pad(events, end).tolist() == slow_pad(events, end).tolist()


def test_padding_of_months_is_refused():
    with pytest.raises(RegionError, match="clip it first"):
        pad(table((2**31 - 1, 5, 60)))


# -- interleaving ----------------------------------------------------------------------------------------------


def slow_interleave(events, controls, delta=500):
    """The published loop: before each event the controls due within delta of the event before it."""
    out, waiting, previous = [], controls.tolist(), 0
    for event in events.tolist():
        while waiting and waiting[0][0] <= previous + delta:
            out.append((waiting.pop(0), True))
        out.append((event, False))
        previous = event[0]
    return out + [(control, True) for control in waiting]


def pairs(merged, is_control):
    return list(zip(merged.tolist(), is_control.tolist(), strict=True))


def test_controls_come_five_seconds_early():
    events = table((0, 10, 60), (90, 10, 61), (180, 10, 62), (200, 10, 63))
    controls = table((500, 7, 128), (501, 7, 129), (591, 7, 130), (680, 7, 131), (701, 7, 132))
    # Before the first event what is due by 500; then by the time of the event before + 500.
    expected = [controls[0], events[0], events[1], controls[1], events[2], controls[2], controls[3], events[3]]
    merged, is_control = interleave(events, controls)
    assert merged.tolist() == [row.tolist() for row in (*expected, controls[4])]
    assert is_control.tolist() == [True, False, False, True, False, True, True, False, True]


@given(event_tables(), event_tables(), st.sampled_from([0, 1, 500]))
def test_interleave_is_the_published_loop(events, controls, delta):
    assert pairs(*interleave(events, controls, delta)) == slow_interleave(events, controls, delta)


@given(event_tables(), st.integers(0, 2**32))
@settings(max_examples=50)
def test_a_piece_is_padded_to_its_end_before_controls_come_in(events, seed):
    mask = np.random.default_rng(seed).random(len(events)) < 0.5
    end = int(events[-1, 0]) if len(events) else 0
    assert pairs(*arrange(events, mask)) == slow_interleave(slow_pad(events[~mask], end), events[mask])


# -- ids -------------------------------------------------------------------------------------------------------


def test_blocks_of_the_vocabulary():
    assert (v.TIME, v.DURATION, v.NOTE, v.REST) == (0, 10_000, 11_000, 27_512)
    assert (v.ATIME, v.ADURATION, v.ANOTE) == (27_513, 37_513, 38_513)
    assert (v.SEPARATOR, v.AUTOREGRESS, v.ANTICIPATE, v.SIZE) == (55_025, 55_026, 55_027, 55_028)


def test_ids_of_an_event_a_rest_and_a_control():
    rows = table((7, 25, 128 * 33 + 40), (107, 0, REST_NOTE), (7, 25, 128 * 33 + 40))
    expected = [7, 10_025, 15_264, 107, 10_000, 27_512, 27_520, 37_538, 42_777]
    assert to_ids(rows, np.array([False, False, True])).tolist() == expected
    assert to_ids(rows).dtype == np.int32
