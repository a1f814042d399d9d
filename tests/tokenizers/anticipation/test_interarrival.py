from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic_music import tokenizers
from symbolic_music.errors import OptionError, TokenError
from symbolic_music.score import Score, note_table
from symbolic_music.tokenizers.anticipation.interarrival import encode
from tests.tokenizers.example_music import PIECES, note_rows, piece, scores, slow_violation, walk

ON, OFF, SEPARATOR = 1_000, 17_512, 34_024


@pytest.fixture(scope="module")
def interarrival():
    return tokenizers.get("anticipation", preset="interarrival")


def tune(*rows):
    return Score(notes=note_table(rows))


# -- encoding --------------------------------------------------------------------------------------------------


def test_shifts_stand_between_notes_on_and_off(interarrival):
    score = tune((0, 480, 64), (0, 480, 60), (480, 240, 40, 64, 33, 1), (720, 96, 36, 64, 0, 9))
    assert interarrival.encode(score).tolist() == [
        *(ON + 64, ON + 60, 50, OFF + 64, OFF + 60, ON + 128 * 33 + 40),
        *(25, OFF + 128 * 33 + 40, ON + 128 * 128 + 36, 10, OFF + 128 * 128 + 36),
    ]
    assert interarrival.encode(score).dtype == np.int32


def test_gaps_are_rounded_each_by_itself_halves_to_even(interarrival):
    # 16ths of 12.5 steps: always 12, so that four last 48 steps; 3/16 are 37.5, rounded up to 38.
    score = tune(*((120 * i, 120, 60 + i) for i in range(4)), (840, 480, 70))
    shifts = [int(i) for i in interarrival.encode(score) if i < ON]
    assert shifts == [12, 12, 12, 12, 38, 50]


def test_gaps_of_less_than_half_a_step_are_no_shift(interarrival):
    assert interarrival.encode(tune((0, 480, 60), (4, 480, 61))).tolist() == [ON + 60, ON + 61, 50, OFF + 60, OFF + 61]


def test_gaps_end_at_999_steps(interarrival):
    ids = interarrival.encode(tune((96_000, 9590, 60), (200_000, 9580, 60))).tolist()
    assert ids == [999, ON + 60, 999, OFF + 60, 999, ON + 60, 998, OFF + 60]


def test_at_one_tick_notes_end_before_others_begin(interarrival):
    ids = interarrival.encode(tune((0, 480, 60), (480, 480, 60), (480, 0, 62))).tolist()
    assert ids == [ON + 60, 50, OFF + 60, ON + 60, ON + 62, OFF + 62, 50, OFF + 60]
    # Tracks come one after another, as messages of merged tracks do.
    two = Score(notes=note_table([(0, 480, 60), (480, 480, 61), (0, 480, 70, 64, 0, 0, 1), (480, 9, 71, 64, 0, 0, 1)]))
    assert interarrival.encode(two).tolist()[:7] == [ON + 60, ON + 70, 50, OFF + 60, ON + 61, OFF + 70, ON + 71]


def test_a_note_that_is_never_ended_has_no_note_off(interarrival):
    notes = note_table([(0, 9600, 60), (0, 480, 61), (0, 0, 62)])
    notes["hanging"] = [1, 0, 1]
    ids = interarrival.encode(Score(notes=notes)).tolist()
    assert ids == [ON + 60, ON + 61, ON + 62, 50, OFF + 61]
    assert {(p, d) for _, d, p, _ in decoded(interarrival, *ids)} == {(60, 25), (61, 50), (62, 25)}


def literal(score):
    """A message at a time, in fractions of a second."""
    notes, count = score.notes, len(score.notes)
    messages = []
    for i, note in enumerate(notes):
        code = (128 if note["channel"] == 9 else int(note["program"])) * 128 + int(note["pitch"])
        start, end, track = int(note["onset"]), int(note["onset"]) + int(note["duration"]), int(note["track"])
        messages.append((start, track, 1, i, ON + code))
        messages.append((end, track, 0 if end > start else 2, count + i, OFF + code))
    tempos = [(0, 500_000), *((int(t), int(m)) for t, m in score.tempos.tolist())]

    def seconds(tick):
        total, last, tempo = Fraction(0), 0, 500_000
        for time, microseconds in tempos:
            if time > tick:
                break
            total, last, tempo = total + (time - last) * tempo, time, microseconds
        return (total + (tick - last) * tempo) / Fraction(10**6 * score.ticks_per_quarter)

    out, now = [], Fraction(0)
    for tick, _, _, _, code in sorted(messages):
        gap = min(999, round(100 * (seconds(tick) - now)))
        out += [gap, code] if gap else [code]
        now = seconds(tick)
    return out


@given(scores())
def test_ids_are_those_of_the_rules(score):
    assert encode(score).tolist() == literal(score)


def test_ids_of_more_notes_than_one_block():
    rng = np.random.default_rng(0)
    score = tune(*zip(rng.integers(0, 300_000, 3000), rng.integers(0, 900, 3000), rng.integers(0, 128, 3000),
                      strict=True))  # fmt: skip
    assert encode(score).tolist() == literal(score)


def test_options_names_and_config(interarrival):
    assert interarrival.encode(Score()).shape == (0,)
    assert interarrival.vocabulary.sizes == (34_025,)
    assert [interarrival.vocabulary.name(i) for i in (0, 999, 1_000, 17_511, 17_512, 34_024)] == [
        *("Shift_0", "Shift_999", "NoteOn_0.0", "NoteOn_128.127", "NoteOff_0.0", "Separator_None")
    ]
    config = json.loads(json.dumps(interarrival.to_config()))
    assert tokenizers.get(**config).preset == "interarrival"
    with pytest.raises(OptionError, match="no controls"):
        tokenizers.get("anticipation", preset="interarrival", control_programs=[0])


# -- decoding --------------------------------------------------------------------------------------------------


def decoded(tokenizer, *ids):
    return [(t, d, p, i) for t, d, p, _, i in note_rows(tokenizer.decode(list(ids)))]


def test_a_note_off_ends_the_first_note_of_its_pitch_and_instrument(interarrival):
    other = 128 * 5
    ids = [ON + 60, 10, ON + 60, ON + other + 60, 10, OFF + 60, 10, OFF + 60, 10, OFF + other + 60]
    assert decoded(interarrival, *ids) == [(0, 20, 60, 0), (10, 20, 60, 0), (10, 30, 60, 5)]


def test_a_note_off_without_a_note_is_skipped(interarrival):
    ids = [OFF + 60, 10, ON + 60, 10, OFF + 60, OFF + 60, OFF + 60, 10, ON + 60, 10, OFF + 60]
    assert decoded(interarrival, *ids) == [(10, 10, 60, 0), (30, 10, 60, 0)]


def test_a_note_that_is_not_ended_lasts_a_quarter_of_a_second(interarrival):
    assert decoded(interarrival, ON + 60, 500, ON + 61) == [(0, 25, 60, 0), (500, 25, 61, 0)]
    # A separator ends a piece; the clock goes on.
    ids = [ON + 60, 500, SEPARATOR, OFF + 60, 10, ON + 60, 10, OFF + 60]
    assert decoded(interarrival, *ids) == [(0, 25, 60, 0), (510, 10, 60, 0)]


def test_a_score_has_a_track_an_instrument(interarrival):
    score = interarrival.decode([ON + 128 * 128 + 36, ON + 60, 10, OFF + 60, OFF + 128 * 128 + 36])
    assert [(t.program, t.is_drum) for t in score.tracks] == [(0, False), (0, True)]
    assert score.notes["track"].tolist() == [1, 0]
    assert score.notes["velocity"].tolist() == [72, 72]


@pytest.mark.parametrize("ids", [[-1], [34_025], [0.5], [[ON]]])
def test_ids_outside_the_vocabulary_are_named(interarrival, ids):
    with pytest.raises(TokenError):
        interarrival.decode(ids)


def literal_decode(ids):
    """Notes (onset, duration, code) in order of their beginning, an id at a time."""
    notes, waiting, now = [], {}, 0
    for token in ids:
        if token < ON:
            now += token
        elif token < OFF:
            waiting.setdefault(token - ON, []).append(len(notes))
            notes.append([now, 25, token - ON])
        elif token < SEPARATOR:
            if waiting.get(token - OFF):
                index = waiting[token - OFF].pop(0)
                notes[index][1] = now - notes[index][0]
        else:
            waiting = {}
    return [tuple(note) for note in notes]


few_ids = st.sampled_from([5, 900, ON + 60, ON + 61, ON + 60 + 128, OFF + 60, OFF + 61, OFF + 60 + 128, SEPARATOR])


@given(st.lists(few_ids, max_size=60))
@settings(max_examples=300)
def test_decoding_is_that_of_the_rules(ids):
    tokenizer = tokenizers.get("anticipation", preset="interarrival")
    score = tokenizer.decode(ids)
    codes = 128 * score.instruments + score.notes["pitch"]
    columns = (score.notes["onset"].tolist(), score.notes["duration"].tolist(), codes.tolist())
    assert list(zip(*columns, strict=True)) == literal_decode(ids)


@given(scores())
def test_what_is_encoded_obeys_the_grammar_and_keeps_its_notes(score):
    tokenizer = tokenizers.get("anticipation", preset="interarrival")
    ids = tokenizer.encode(score)
    assert tokenizer.grammar.violation(ids) is None
    found = tokenizer.decode(ids)
    assert sorted(zip(found.notes["pitch"].tolist(), found.instruments.tolist(), strict=True)) == sorted(
        zip(score.notes["pitch"].tolist(), score.instruments.tolist(), strict=True)
    )


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(1, 50), st.integers(60, 63)), max_size=20))
def test_notes_apart_in_whole_steps_come_back(rows):
    # One pitch at a time, in steps of 10 ms (48 ticks are 5 steps): nothing is rounded, nothing overlaps.
    apart, ends = [], {}
    for onset, duration, pitch in sorted(rows):
        if onset >= ends.get(pitch, 0):
            apart.append((5 * onset, 5 * duration, pitch))
            ends[pitch] = onset + duration
    gaps = np.diff(sorted({0, *(t for t, _, _ in apart), *(t + d for t, d, _ in apart)}))
    score = tune(*((48 * t // 5, 48 * d // 5, p) for t, d, p in apart))
    tokenizer = tokenizers.get("anticipation", preset="interarrival")
    found = [(t, d, p) for t, d, p, _, _ in note_rows(tokenizer.decode(tokenizer.encode(score)))]
    if gaps.max(initial=0) <= 999:
        assert found == sorted(apart)
    else:
        assert [d for _, d, _ in found] == [d for _, d, _ in sorted(apart)]


@pytest.mark.parametrize("name", PIECES)
def test_real_pieces(interarrival, name):
    score = piece(name)
    ids = interarrival.encode(score)
    assert interarrival.grammar.violation(ids) is None
    assert len(interarrival.decode(ids)) == len(score)


# -- grammar ---------------------------------------------------------------------------------------------------


def follow(grammar, ids):
    state = grammar.start()
    for token in ids:
        state = grammar.advance(state, token)
    return grammar.allowed(state)


def test_what_may_follow(interarrival):
    grammar = interarrival.grammar
    first = follow(grammar, [])
    assert first[1:ON].all()
    assert first[ON:OFF].all()
    assert not first[OFF:SEPARATOR].any()
    assert first[SEPARATOR]
    assert not first[0]
    twice = [ON + 60, ON + 60, ON + 61]
    assert np.flatnonzero(follow(grammar, twice)[OFF:SEPARATOR]).tolist() == [60, 61]
    assert np.flatnonzero(follow(grammar, [*twice, OFF + 60])[OFF:SEPARATOR]).tolist() == [60, 61]
    assert np.flatnonzero(follow(grammar, [*twice, OFF + 60, OFF + 60])[OFF:SEPARATOR]).tolist() == [61]
    shifted = follow(grammar, [*twice, 5])
    assert not shifted[:ON].any()
    assert not shifted[SEPARATOR]
    assert np.array_equal(follow(grammar, [*twice, SEPARATOR]), first)


@given(st.integers(0, 2**32), st.integers(0, 60))
@settings(max_examples=60)
def test_what_obeys_the_grammar_decodes(seed, length):
    tokenizer = tokenizers.get("anticipation", preset="interarrival")
    ids = np.array(walk(tokenizer.grammar, np.random.default_rng(seed), length), np.int64)
    assert tokenizer.grammar.violation(ids) is None
    assert len(tokenizer.decode(ids)) == ((ids >= ON) & (ids < OFF)).sum()


@given(st.lists(few_ids | st.sampled_from([0, -1, 34_025]), max_size=40))
@settings(max_examples=300)
def test_violation_is_what_the_slow_one_says(ids):
    tokenizer = tokenizers.get("anticipation", preset="interarrival")
    assert tokenizer.grammar.violation(ids) == slow_violation(tokenizer, np.array(ids, np.int64))
