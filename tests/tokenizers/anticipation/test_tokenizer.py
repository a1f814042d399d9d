from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic_music import tokenizers
from symbolic_music.errors import OptionError, TokenError, UnknownNameError
from symbolic_music.io.midi.published_readers import as_mido_merges
from symbolic_music.score import Score, note_table
from symbolic_music.tokenizers.anticipation.events import arrange, events_of, to_ids
from tests.tokenizers.example_music import PIECES, note_rows, piece, scores, slow_violation, walk

TIME, DURATION, NOTE, REST = 0, 10_000, 11_000, 27_512
CONTROL, SEPARATOR, AUTOREGRESS, ANTICIPATE = 27_513, 55_025, 55_026, 55_027


@pytest.fixture(scope="module")
def anticipation():
    return tokenizers.get("anticipation")


def two_parts():
    """A piano's chord, then a bass note and a drum three seconds later."""
    rows = [(0, 480, 64, 90, 0, 0), (0, 480, 60, 90, 0, 0), (2880, 240, 40, 90, 33, 1), (2880, 96, 36, 90, 0, 9)]
    return Score(notes=note_table(rows))


def event(time, duration, instrument, pitch):
    return [TIME + time, DURATION + duration, NOTE + 128 * instrument + pitch]


def control(time, duration, instrument, pitch):
    return [CONTROL + x for x in event(time, duration, instrument, pitch)]


# -- encoding --------------------------------------------------------------------------------------------------


def test_events_in_absolute_time(anticipation):
    expected = [*event(0, 50, 0, 64), *event(0, 50, 0, 60), *event(300, 25, 33, 40), *event(300, 10, 128, 36)]
    ids = anticipation.encode(two_parts())
    assert ids.tolist() == expected
    assert ids.dtype == np.int32


def test_control_programs_are_given_early_and_gaps_filled():
    tokenizer = tokenizers.get("anticipation", control_programs=[128, 33])
    expected = [
        *(*control(300, 25, 33, 40), *control(300, 10, 128, 36)),
        *(*event(0, 50, 0, 64), *event(0, 50, 0, 60)),
        *(100, DURATION, REST, 200, DURATION, REST),
    ]
    assert tokenizer.encode(two_parts()).tolist() == expected


def test_nothing_is_encoded_of_nothing(anticipation):
    assert anticipation.encode(Score()).shape == (0,)
    assert tokenizers.get("anticipation", control_programs=[0]).encode(Score()).shape == (0,)


def test_mistakes_in_options():
    with pytest.raises(UnknownNameError, match="no preset 'infinite'"):
        tokenizers.get("anticipation", preset="infinite")
    for program in (-1, 129):
        with pytest.raises(OptionError, match="0 to 127, or 128 for drums"):
            tokenizers.get("anticipation", control_programs=[program])


def test_a_tokenizer_is_its_config():
    tokenizer = tokenizers.get("anticipation", control_programs=(33, 0, 33))
    config = json.loads(json.dumps(tokenizer.to_config()))
    assert config == {"name": "anticipation", "preset": "default", "control_programs": [0, 33]}
    for again in (tokenizers.get(**config), pickle.loads(pickle.dumps(tokenizer))):
        assert again.encode(two_parts()).tolist() == tokenizer.encode(two_parts()).tolist()


def test_names_of_ids(anticipation):
    vocabulary = anticipation.vocabulary
    assert vocabulary.sizes == (55_028,)
    assert [vocabulary.name(i) for i in (0, 9_999, 10_000, 10_999)] == [
        "Time_0",
        "Time_9999",
        "Duration_0",
        "Duration_999",
    ]
    assert [vocabulary.name(i) for i in (11_000, 11_188, 27_511)] == ["Note_0.0", "Note_1.60", "Note_128.127"]
    assert vocabulary.name(REST) == "Rest_None"
    assert vocabulary.name(CONTROL) == "ControlTime_0"
    assert vocabulary.name(SEPARATOR - 1) == "ControlNote_128.127"
    assert [vocabulary.name(i) for i in (55_025, 55_026, 55_027)] == [
        "Separator_None",
        "Autoregress_None",
        "Anticipate_None",
    ]
    assert len(set(vocabulary.fields[0])) == 55_028


# -- decoding --------------------------------------------------------------------------------------------------


def test_decoding_gives_a_track_an_instrument(anticipation):
    score = anticipation.decode(anticipation.encode(two_parts()))
    assert score.ticks_per_quarter == 50
    assert score.tempos.tolist() == [(0, 500_000)]
    assert [(t.program, t.is_drum) for t in score.tracks] == [(0, False), (33, False), (0, True)]
    names = ["onset", "duration", "pitch", "velocity", "program", "channel", "track"]
    assert list(zip(*(score.notes[name].tolist() for name in names), strict=True)) == [
        (0, 50, 64, 72, 0, 0, 0),
        (0, 50, 60, 72, 0, 0, 0),
        (300, 25, 40, 72, 33, 1, 1),
        (300, 10, 36, 72, 0, 9, 2),
    ]


def test_controls_are_merged_back_and_rests_left_out(anticipation):
    with_controls = tokenizers.get("anticipation", control_programs=[33])
    ids = with_controls.encode(two_parts())
    assert note_rows(with_controls.decode([ANTICIPATE, *ids])) == note_rows(
        anticipation.decode(anticipation.encode(two_parts()))
    )


def test_a_piece_after_separators_begins_where_the_one_before_ended(anticipation):
    ids = [*event(100, 50, 0, 60), *[SEPARATOR] * 3, *event(20, 5, 0, 62), *[SEPARATOR] * 3, *event(0, 5, 0, 64)]
    assert anticipation.decode([AUTOREGRESS, *ids]).notes["onset"].tolist() == [100, 170, 175]


def test_times_past_a_hundred_seconds_are_kept(anticipation):
    # 300 s is time id 30,000, which alone would read as a control's.
    score = Score(notes=note_table([(0, 480, 60, 64), (288_000, 480, 61, 64)]))
    ids = anticipation.encode(score)
    assert ids.tolist() == [*event(0, 50, 0, 60), *event(30_000, 50, 0, 61)]
    assert anticipation.decode(ids).notes["onset"].tolist() == [0, 30_000]


def test_more_than_sixteen_instruments_come_back(anticipation):
    score = Score(notes=note_table([(0, 480, 60, 64, program, 0, program) for program in range(128)]))
    assert note_rows(anticipation.decode(anticipation.encode(score))) == [(0, 50, 60, 72, p) for p in range(128)]


@pytest.mark.parametrize(
    "ids",
    [
        [0, 0, 0],
        [1, 2],
        [CONTROL, 10_000, CONTROL + 11_000],
        [0, CONTROL + 10_000, 11_000, 0],
        [-1],
        [0, 10_000, 11_000, SEPARATOR, 0],
        [0, 10_000, 11_000, 0, 55_028],
        [5, 10_000, 11_000, AUTOREGRESS, AUTOREGRESS, AUTOREGRESS],
        [0, CONTROL + 10_000, 11_000],
        [0, 10_000, SEPARATOR],
        [SEPARATOR, SEPARATOR, 11_000],
        [0, 10_000, 55_028],
        [-1, 10_000, 11_000],
        [0.5, 0.5, 0.5],
        [[0, 10_000, 11_000]],
    ],
)
def test_ids_that_are_no_triples_are_named(anticipation, ids):
    with pytest.raises(TokenError):
        anticipation.decode(ids)


def test_a_row_that_is_cut_short_is_left_out(anticipation):
    for tail in (
        [7],
        [30_000],
        [7, 10_000],
        [CONTROL + 7],
        [CONTROL + 7, CONTROL + 10_000],
        [SEPARATOR],
        [SEPARATOR] * 2,
    ):
        assert len(anticipation.decode([AUTOREGRESS, *tail])) == 0
        score = anticipation.decode([*event(0, 50, 0, 60), *tail])
        assert note_rows(score) == [(0, 50, 60, 72, 0)]


def quantised(score):
    """(onset, duration, pitch, 72, instrument) of the events of a score, sorted: what survives."""
    return sorted((t, d, n % 128, 72, n // 128) for t, d, n in events_of(score).tolist())


@given(scores())
def test_what_is_encoded_decodes_to_the_same_events(score):
    tokenizer = tokenizers.get("anticipation")
    ids = tokenizer.encode(score)
    again = tokenizer.decode(ids)
    assert note_rows(again) == quantised(score)
    assert tokenizer.encode(again).tolist() == ids.tolist()


@given(scores(), st.lists(st.sampled_from([0, 33, 127, 128]), max_size=3))
def test_controls_decode_to_the_same_notes(score, programs):
    tokenizer = tokenizers.get("anticipation", control_programs=programs)
    assert note_rows(tokenizer.decode(tokenizer.encode(score))) == quantised(score)


@pytest.mark.parametrize("name", PIECES)
def test_real_pieces(anticipation, name):
    score = as_mido_merges(piece(name))
    assert note_rows(anticipation.decode(anticipation.encode(score))) == quantised(score)


# -- grammar ---------------------------------------------------------------------------------------------------


def ranges(mask):
    """Runs of allowed ids as (first, last)."""
    edges = np.flatnonzero(np.diff(mask.astype(int), prepend=0, append=0))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def follow(grammar, ids):
    state = grammar.start()
    for token in ids:
        state = grammar.advance(state, token)
    return grammar.allowed(state)


def test_what_may_follow(anticipation):
    grammar = anticipation.grammar
    times = [(0, 9_999), (CONTROL, CONTROL + 9_999), (SEPARATOR, SEPARATOR)]
    assert ranges(follow(grammar, [])) == [*times[:2], (SEPARATOR, ANTICIPATE)]
    assert ranges(follow(grammar, [AUTOREGRESS])) == times
    assert ranges(follow(grammar, [7])) == [(10_000, 10_999)]
    assert ranges(follow(grammar, [7, 10_000])) == [(11_000, REST)]
    # Only a rest has no length of its own to name.
    assert ranges(follow(grammar, [7, 10_001])) == [(11_000, REST - 1)]
    assert ranges(follow(grammar, [CONTROL + 9])) == [(CONTROL + 10_000, CONTROL + 10_999)]
    assert ranges(follow(grammar, [CONTROL + 9, CONTROL + 10_000])) == [(CONTROL + 11_000, SEPARATOR - 1)]
    # Events and controls each have a clock that never goes back.
    after = [7, 10_000, 11_000, CONTROL + 9, CONTROL + 10_000, CONTROL + 11_000]
    assert ranges(follow(grammar, after)) == [(7, 9_999), (CONTROL + 9, CONTROL + 9_999), (SEPARATOR, SEPARATOR)]
    assert ranges(follow(grammar, [*after, SEPARATOR])) == ranges(follow(grammar, [*after, SEPARATOR, SEPARATOR]))
    assert ranges(follow(grammar, [*after, SEPARATOR])) == [(SEPARATOR, SEPARATOR)]
    assert ranges(follow(grammar, [*after, *[SEPARATOR] * 3])) == times


def test_masks_are_read_only(anticipation):
    with pytest.raises(ValueError, match="read-only"):
        anticipation.grammar.allowed(anticipation.grammar.start())[0] = False


@given(scores(), st.lists(st.sampled_from([0, 33, 127, 128]), max_size=3))
def test_what_is_encoded_obeys_the_grammar(score, programs):
    tokenizer = tokenizers.get("anticipation", control_programs=programs)
    assert tokenizer.grammar.violation(tokenizer.encode(score)) is None


def test_absolute_times_past_a_hundred_seconds_do_not_obey(anticipation):
    rows = [(0, 480, 60, 64), (95_990, 480, 61, 64), (96_000, 480, 61, 64)]
    ids = anticipation.encode(Score(notes=note_table(rows)))
    assert ids[[3, 6]].tolist() == [9999, 10_000]
    assert anticipation.grammar.violation(ids) == slow_violation(anticipation, ids) == 6


@given(st.integers(0, 2**32), st.integers(0, 60))
@settings(max_examples=60)
def test_what_obeys_the_grammar_decodes(seed, length):
    tokenizer, rng = tokenizers.get("anticipation"), np.random.default_rng(seed)
    ids = np.array(walk(tokenizer.grammar, rng, length), np.int64)
    assert tokenizer.grammar.violation(ids) is None
    flag = int(len(ids) > 0 and ids[0] >= AUTOREGRESS)
    notes = ids[flag:][2::3]
    assert len(tokenizer.decode(ids)) == ((notes != REST) & (notes != SEPARATOR)).sum()


def broken_ids(rng):
    """A sequence with a few ids changed: one that obeys, or nearly."""
    times = np.sort(rng.integers(0, 3000, 12))
    events = np.stack([times, rng.integers(0, 3, 12), rng.integers(0, 128 * 129, 12)], axis=1).astype(np.int32)
    ids = to_ids(*arrange(events, rng.random(12) < 0.4))
    ids = np.concatenate([[ANTICIPATE], ids[:21], [SEPARATOR] * 3, ids])[rng.integers(0, 2) :]
    for _ in range(rng.integers(0, 3)):
        near = ids[rng.integers(0, len(ids))] + rng.integers(-2, 3)
        ids[rng.integers(0, len(ids))] = rng.choice([near, rng.integers(-1, 55_029), REST, SEPARATOR, ANTICIPATE])
    return ids[: rng.integers(0, len(ids) + 1)]


@given(st.integers(0, 2**32))
@settings(max_examples=300)
def test_violation_is_what_the_slow_one_says(seed):
    tokenizer, ids = tokenizers.get("anticipation"), broken_ids(np.random.default_rng(seed))
    assert tokenizer.grammar.violation(ids) == slow_violation(tokenizer, ids)


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_violation_of_walks_gone_astray(seed):
    tokenizer, rng = tokenizers.get("anticipation"), np.random.default_rng(seed)
    ids = np.array(walk(tokenizer.grammar, rng, 30))
    ids[rng.integers(0, 30)] = rng.integers(0, 55_028)
    assert tokenizer.grammar.violation(ids) == slow_violation(tokenizer, ids)
