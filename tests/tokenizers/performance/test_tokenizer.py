from __future__ import annotations

import io
import random
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic_music import tokenizers
from symbolic_music.errors import MidiError, RegionError, TokenError, UnknownNameError
from symbolic_music.io import read_midi
from symbolic_music.io.midi.writer import midi_bytes
from symbolic_music.score import CONTROL, TEMPO, Score, note_table
from symbolic_music.tokenizers.performance.decoding import paired
from symbolic_music.tokenizers.performance.encoding import summed_seconds
from symbolic_music.tokenizers.performance.vocabulary import LAYOUTS
from tests.corpus_paths import corpus_dir
from tests.tokenizers.example_music import PIECES, piece, scores, slow_violation, walk
from tests.tokenizers.performance import performance_reference as reference

TEMPO_120 = np.array([(0, 500_000)], TEMPO)
ON, OFF, SHIFT, VELOCITY = 0, 128, 255, 356
PRESETS = list(LAYOUTS)
presets = st.sampled_from(PRESETS)


def steps(*rows: tuple[int, int, int, int], controls: list[tuple[int, int, int, int]] | None = None) -> Score:
    """A score in steps of 10 ms of (onset, duration, pitch, velocity)."""
    return Score(50, note_table(rows), TEMPO_120, controls=np.array(controls or [], CONTROL))


def encoded(*rows, **more):
    return tokenizers.get("performance").encode(steps(*rows, **more)).tolist()


def decoded(*ids, preset="default"):
    notes = tokenizers.get("performance", preset=preset).decode(np.array(ids, np.int32)).notes
    return [tuple(row) for row in notes[["onset", "duration", "pitch", "velocity"]].tolist()]


# -- writing ----------------------------------------------------------------------------------------------


def test_one_note():
    assert encoded((0, 50, 60, 100)) == [VELOCITY + 24, ON + 60, SHIFT + 50, OFF + 60]


@pytest.mark.parametrize("preset", PRESETS)
def test_no_notes(preset):
    tokenizer = tokenizers.get("performance", preset=preset)
    for empty in (Score(), steps(controls=[(0, 64, 127, 0)]), steps((0, 5, 60, 0))):
        ids = tokenizer.encode(empty)
        assert ids.shape == (0,)
        assert ids.dtype == np.int32
    assert len(tokenizer.decode([])) == 0
    assert tokenizer.grammar.violation([]) is None


def test_velocity_is_written_when_its_bin_changes():
    expected = [VELOCITY + 24, ON + 60, SHIFT + 2, OFF + 60, ON + 62, SHIFT + 1, OFF + 62]
    assert encoded((0, 2, 60, 100), (2, 1, 62, 99), (3, 1, 64, 1)) == [
        *expected, VELOCITY, ON + 64, SHIFT + 1, OFF + 64
    ]  # fmt: skip


def test_velocities_of_a_bin():
    assert [encoded((0, 1, 60, v))[0] - VELOCITY for v in (1, 4, 5, 124, 125, 127)] == [0, 0, 1, 30, 31, 31]


@pytest.mark.parametrize(
    ("gap", "shifts"),
    [(1, [1]), (99, [99]), (100, [100]), (101, [100, 1]), (200, [100, 100]), (201, [100, 100, 1]), (1000, [100] * 10)],
)
def test_gaps_are_written_as_full_shifts_and_the_rest(gap, shifts):
    written = [SHIFT + shift for shift in shifts]
    assert encoded((gap, 1, 60, 64)) == [*written, VELOCITY + 15, ON + 60, SHIFT + 1, OFF + 60]
    assert encoded((0, gap, 60, 64)) == [VELOCITY + 15, ON + 60, *written, OFF + 60]


def test_the_last_ids_of_each_block():
    assert encoded((0, 1, 0, 1), (0, 1, 127, 127)) == [VELOCITY, ON, VELOCITY + 31, ON + 127, SHIFT + 1, OFF, OFF + 127]


def test_a_note_shorter_than_a_step_gets_one():
    score = Score(1000, note_table([(0, 2, 60, 64), (500, 0, 62, 64)]), TEMPO_120)
    ids = tokenizers.get("performance").encode(score).tolist()
    assert ids == [VELOCITY + 15, ON + 60, SHIFT + 1, OFF + 60, SHIFT + 24, ON + 62, SHIFT + 1, OFF + 62]


def test_the_middle_between_two_steps_goes_up():
    # 5 ms a tick.
    score = Score(100, note_table([(1, 3, 60, 64)]), TEMPO_120)
    assert tokenizers.get("performance").encode(score).tolist()[0] == SHIFT + 1


def test_the_pedal_holds_a_note_to_its_release():
    pedal = [(5, 64, 127, 0), (80, 64, 0, 0)]
    assert encoded((0, 10, 60, 64), controls=pedal) == [VELOCITY + 15, ON + 60, SHIFT + 80, OFF + 60]


def test_a_pitch_struck_again_under_the_pedal_ends_the_note_before():
    pedal = [(0, 64, 127, 0), (80, 64, 0, 0)]
    ids = encoded((0, 10, 60, 64), (40, 10, 60, 64), controls=pedal)
    assert ids == [VELOCITY + 15, ON + 60, SHIFT + 40, OFF + 60, ON + 60, SHIFT + 40, OFF + 60]


def test_seconds_follow_the_tempo_map():
    # A quarter note of 0.5 s, then of 1 s; a tempo event that changes nothing, one of a tick that has another.
    tempos = np.array([(0, 500_000), (480, 500_000), (960, 250_000), (960, 1_000_000)], TEMPO)
    score = Score(480, note_table([(480, 960, 60, 64)]), tempos)
    assert tokenizers.get("performance").encode(score).tolist() == [
        SHIFT + 50, VELOCITY + 15, ON + 60, SHIFT + 100, SHIFT + 50, OFF + 60
    ]  # fmt: skip


def test_without_tempo_events_a_quarter_note_lasts_half_a_second():
    score = Score(480, note_table([(480, 480, 60, 64)]), np.array([(960, 1_000_000)], TEMPO))
    assert tokenizers.get("performance").encode(score)[0] == SHIFT + 50


def test_score2perf_has_310_ids():
    tokenizer = tokenizers.get("performance", preset="score2perf")
    assert len(tokenizer.vocabulary) == 310
    rows = [(0, 1, 20, 64), (0, 1, 21, 64), (0, 1, 108, 64), (0, 1, 109, 64)]
    names = [tokenizer.vocabulary.name(int(token)) for token in tokenizer.encode(steps(*rows))]
    assert names == ["Velocity_16", "NoteOn_21", "NoteOn_108", "TimeShift_1", "NoteOff_21", "NoteOff_108"]
    with pytest.raises(UnknownNameError):
        tokenizers.get("performance", preset="midi")


def test_a_score_of_years_is_refused():
    with pytest.raises(RegionError, match="hours"):
        encoded((2_000_000_000, 5, 60, 64))


# -- reading ----------------------------------------------------------------------------------------------


def test_a_note_off_ends_the_first_open_note_of_its_pitch():
    ids = [VELOCITY, ON + 60, SHIFT + 1, VELOCITY + 1, ON + 60, SHIFT + 2, OFF + 60, SHIFT + 4, OFF + 60]
    assert decoded(*ids) == [(0, 3, 60, 1), (1, 6, 60, 5)]


def test_a_note_off_without_a_note_and_a_note_of_no_length_are_skipped():
    ids = [OFF + 60, VELOCITY, ON + 60, OFF + 60, OFF + 60, ON + 60, SHIFT + 3, OFF + 60, OFF + 61, SHIFT + 1]
    assert decoded(*ids) == [(0, 3, 60, 1)]


def test_open_notes_end_with_the_events():
    assert decoded(VELOCITY, ON + 60, SHIFT + 100, SHIFT + 7) == [(0, 107, 60, 1)]


def test_decoding_stops_at_eos_and_skips_pad():
    tokenizer = tokenizers.get("performance", preset="score2perf")
    one = tokenizer.encode(steps((0, 5, 60, 64))).tolist()
    assert decoded(*one, 1, 0, 0, *one, preset="score2perf") == [(0, 5, 60, 61)]
    assert decoded(0, *one, preset="score2perf") == [(0, 5, 60, 61)]
    assert decoded(1, *one, preset="score2perf") == []


def test_pairs():
    pitch, is_off = np.array([5, 3, 5, 5, 3, 5, 5]), np.array([True, False, False, False, True, True, False])
    on, off = paired(pitch, is_off)
    assert dict(zip(on.tolist(), off.tolist(), strict=True)) == {1: 4, 2: 5, 3: -1, 6: -1}


def test_bad_ids_are_named():
    for preset, size in (("default", 388), ("score2perf", 310)):
        with pytest.raises(TokenError, match="outside the vocabulary"):
            tokenizers.get("performance", preset=preset).decode([size])
    with pytest.raises(TokenError, match="whole numbers"):
        tokenizers.get("performance").decode([0.5])


def test_more_events_than_a_score_has_ticks_for(monkeypatch):
    monkeypatch.setattr("symbolic_music.tokenizers.performance.decoding._LAST_STEP", 100)
    assert decoded(VELOCITY, ON + 60, SHIFT + 100) == [(0, 100, 60, 1)]
    with pytest.raises(TokenError, match="last 101 steps"):
        decoded(VELOCITY, ON + 60, SHIFT + 100, SHIFT + 1)


def test_more_notes_than_can_be_numbered(monkeypatch):
    monkeypatch.setattr("symbolic_music.tokenizers.performance.encoding.MAX_NOTES", 1)
    with pytest.raises(RegionError, match="2 notes"):
        encoded((0, 1, 60, 64), (5, 1, 60, 64))


# -- the grammar ------------------------------------------------------------------------------------------


def test_what_may_follow():
    grammar = tokenizers.get("performance").grammar
    names = tokenizers.get("performance").vocabulary

    def types(*ids):
        state = grammar.start()
        for token in ids:
            state = grammar.advance(state, token)
        return {names.name(int(token)).partition("_")[0] for token in np.flatnonzero(grammar.allowed(state))}

    assert types() == {"TimeShift", "Velocity"}
    assert types(VELOCITY) == {"NoteOn"}
    assert types(VELOCITY, ON + 60) == {"NoteOn", "NoteOff", "TimeShift", "Velocity"}
    assert types(VELOCITY, ON + 60, OFF + 60) == {"NoteOn", "TimeShift", "Velocity"}


def test_the_state_does_not_tell_the_order_of_a_chord():
    grammar = tokenizers.get("performance").grammar
    states = set()
    for chord in ([ON + 60, ON + 64, ON + 60], [ON + 64, ON + 60, ON + 60]):
        state = grammar.start()
        for token in [VELOCITY, *chord]:
            state = grammar.advance(state, token)
        states.add(state)
    assert len(states) == 1


@pytest.mark.parametrize(
    ("ids", "where"),
    [
        ([ON + 60], 0),
        ([OFF + 60], 0),
        ([VELOCITY, VELOCITY], 1),
        ([VELOCITY, SHIFT + 1], 1),
        ([VELOCITY, ON + 60, OFF + 61], 2),
        ([VELOCITY, ON + 60, ON + 60, OFF + 60, OFF + 60, OFF + 60], 5),
        ([SHIFT + 1, 388], 1),
        ([SHIFT + 1, -1], 1),
        ([VELOCITY, ON + 60, SHIFT + 1, SHIFT + 1, OFF + 60], None),
    ],
)
def test_the_first_id_out_of_place(ids, where):
    tokenizer = tokenizers.get("performance")
    assert tokenizer.grammar.violation(ids) == where
    assert slow_violation(tokenizer, np.array(ids)) == where


def test_after_eos_only_pad():
    grammar = tokenizers.get("performance", preset="score2perf").grammar
    assert grammar.violation([1, 0, 0]) is None
    assert grammar.violation([0]) == 0
    assert grammar.violation([1, 0, 1]) == 2
    assert grammar.violation([278, 1]) == 1


# -- properties -------------------------------------------------------------------------------------------

notes = st.lists(
    st.tuples(st.integers(0, 900), st.integers(0, 400), st.integers(0, 127), st.integers(1, 127)), max_size=20
)


@st.composite
def pedalled(draw: st.DrawFn) -> Score:
    """Scores of several tracks, tempos and pedals, a few of their notes on one pitch."""
    score = draw(scores(most_notes=20))
    last = 20 * score.ticks_per_quarter
    pedal = st.tuples(
        st.integers(0, last), st.just(64), st.sampled_from([0, 63, 64, 127]), st.integers(0, len(score.tracks) - 1)
    )
    pitches = st.sampled_from([20, 21, 60, 60, 60, 108, 109])
    table = score.notes.copy()
    table["pitch"] = draw(st.lists(pitches, min_size=len(table), max_size=len(table)))
    return score.replace(notes=table, controls=np.array(draw(st.lists(pedal, max_size=12)), CONTROL))


@settings(max_examples=300)
@given(st.one_of(pedalled(), scores()), presets)
def test_ids_are_those_of_the_rules_told_event_by_event(score, preset):
    tokenizer = tokenizers.get("performance", preset=preset)
    # In this tempo no tick lies in the middle between two steps, where the last bit of the seconds counts.
    score = score.replace(ticks_per_quarter=97, tempos=np.array([(0, 499_979)], TEMPO))
    ids = tokenizer.encode(score)
    assert ids.tolist() == reference.encode(score, tokenizer.layout)
    assert tokenizer.grammar.violation(ids) is None


tempos = st.lists(
    st.tuples(st.integers(0, 4000), st.one_of(st.integers(150_000, 3_000_000), st.sampled_from([461_538, 700_001]))),
    max_size=8,
)


@settings(max_examples=50)
@given(st.sampled_from([24, 96, 220, 480]), tempos)
def test_seconds_are_those_of_pretty_midi_to_the_last_bit(tpq, tempos):
    pretty_midi = pytest.importorskip("pretty_midi")
    # pretty_midi keeps a time for every tick up to the last event.
    ticks = np.arange(5000)
    score = Score(tpq, note_table([(0, len(ticks), 60, 64)]), np.array(tempos, TEMPO))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pretty_midi.PrettyMIDI(io.BytesIO(midi_bytes(score)))
    ours = summed_seconds(score, ticks)
    assert ours.tolist() == [theirs.tick_to_time(int(tick)) for tick in ticks]
    assert np.allclose(ours, score.seconds(ticks), rtol=1e-12)


@given(notes, presets)
def test_what_is_encoded_obeys_the_grammar_and_decodes_to_the_same_ids_again(rows, preset):
    # Notes of one pitch that overlap are paired first in, first out; their lengths may change places.
    seen, apart = [], []
    for row in sorted(rows):
        if not any(p == row[2] and row[0] <= end for p, end in seen):
            seen.append((row[2], row[0] + max(row[1], 1)))
            apart.append(row)
    tokenizer = tokenizers.get("performance", preset=preset)
    ids = tokenizer.encode(steps(*apart))
    assert tokenizer.grammar.violation(ids) is None
    score = tokenizer.decode(ids)
    low, high = tokenizer.layout.low, tokenizer.layout.high
    wanted = [(t, max(d, 1), p, (v - 1) // 4 * 4 + 1) for t, d, p, v in apart if low <= p <= high]
    assert score.notes[["onset", "duration", "pitch", "velocity"]].tolist() == sorted(wanted)
    assert tokenizer.encode(score).tolist() == ids.tolist()


@given(st.integers(0, 2**32 - 1), st.integers(0, 120), presets)
def test_what_obeys_the_grammar_decodes_to_a_score_that_stays_as_it_is(seed, length, preset):
    tokenizer = tokenizers.get("performance", preset=preset)
    # Few pitches and no end: more meets more.
    ids = np.array(walk(tokenizer.grammar, np.random.default_rng(seed), length), np.int32)
    assert tokenizer.grammar.violation(ids) is None
    score = tokenizer.decode(ids)
    assert score == reference.decode(ids, tokenizer.layout)
    again = tokenizer.encode(score)
    assert tokenizer.grammar.violation(again) is None
    assert tokenizer.decode(again) == score
    assert tokenizer.encode(tokenizer.decode(again)).tolist() == again.tolist()


def few(preset: str, outside: bool) -> st.SearchStrategy[list[int]]:
    """Ids of two pitches, so that notes on and off meet; with PAD and EOS, and `outside` the vocabulary too."""
    at = LAYOUTS[preset]
    pair = [at.on, at.on + 1, at.off, at.off + 1]
    more = [-1, at.size] if outside else []
    specials = list(range(len(at.specials)))
    kinds = [*pair, *pair, *pair, at.shift, at.velocity - 1, at.velocity, at.size - 1, *specials, *more]
    return st.lists(st.sampled_from(kinds), max_size=40)


@settings(max_examples=500)
@given(st.data(), presets)
def test_decoding_is_that_of_the_loop(data, preset):
    tokenizer = tokenizers.get("performance", preset=preset)
    ids = np.array(data.draw(few(preset, outside=False)), np.int32)
    assert tokenizer.decode(ids) == reference.decode(ids, tokenizer.layout)


@settings(max_examples=500)
@given(st.data(), presets)
def test_violation_is_that_of_the_loop(data, preset):
    tokenizer = tokenizers.get("performance", preset=preset)
    ids = np.array([tokenizer.layout.velocity, *data.draw(few(preset, outside=True))])
    assert tokenizer.grammar.violation(ids) == slow_violation(tokenizer, ids)
    assert tokenizer.grammar.violation(ids[1:]) == slow_violation(tokenizer, ids[1:])


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), presets, st.data())
def test_violation_after_one_id_is_changed(seed, length, preset, data):
    tokenizer = tokenizers.get("performance", preset=preset)
    ids = np.array(walk(tokenizer.grammar, np.random.default_rng(seed), length))
    ids[data.draw(st.integers(0, length - 1))] = data.draw(st.integers(0, tokenizer.layout.size - 1))
    assert tokenizer.grammar.violation(ids) == slow_violation(tokenizer, ids)


# -- real music -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", PIECES)
def test_pieces_of_music21(name, preset):
    check(piece(name), preset)


@pytest.mark.corpora
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", ["maestro-midi", "lakh-subset", "pop909"])
def test_real_files(name, preset):
    files = sorted(p for p in corpus_dir(name).rglob("*") if p.suffix.lower() in (".mid", ".midi"))
    random.Random(2).shuffle(files)
    for path in files[:12]:
        try:
            score = read_midi(path)
        except MidiError:
            continue
        check(score, preset)


def check(score: Score, preset: str) -> None:
    tokenizer = tokenizers.get("performance", preset=preset)
    ids = tokenizer.encode(score)
    assert len(ids)
    assert tokenizer.grammar.violation(ids) is None
    back = tokenizer.decode(ids)
    assert back == reference.decode(ids, tokenizer.layout)
    assert tokenizer.decode(tokenizer.encode(back)) == back
    # Seconds added up in another order turn a few middles between steps; in one tempo there are none to turn.
    flat = score.without_hanging().replace(ticks_per_quarter=997, tempos=np.array([(0, 499_979)], TEMPO))
    assert tokenizer.encode(flat).tolist() == reference.encode(flat, tokenizer.layout)


def test_hanging_notes_are_left_out_as_note_seq_does() -> None:
    notes = note_table([(0, 480, 60, 64), (0, 240, 62, 64)])
    notes["hanging"] = [0, 1]
    tokenizer = tokenizers.get("performance")
    ids = tokenizer.encode(Score(notes=notes))
    assert [tokenizer.vocabulary.name(int(i)) for i in ids] == [
        "Velocity_16",
        "NoteOn_60",
        "TimeShift_50",
        "NoteOff_60",
    ]
