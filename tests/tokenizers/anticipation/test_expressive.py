from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic_music import tokenizers
from symbolic_music.errors import TokenError
from symbolic_music.score import CONTROL, Score, note_table
from symbolic_music.tokenizers.anticipation.events import arrange, to_ids
from symbolic_music.tokenizers.anticipation.expressive import expressive_events, folded, velocities_of
from tests.tokenizers.example_music import PIECES, note_rows, piece, scores, slow_violation, walk

REST, UP, SEPARATOR, AUTOREGRESS, ANTICIPATE = 27_512, 27_513, 55_025, 55_026, 55_027
VELOCITY, CONTROL_VELOCITY = 55_028, 55_060
PROGRAMS = st.lists(st.sampled_from([0, 33, 127, 128]), max_size=3)


@pytest.fixture(scope="module")
def expressive():
    return tokenizers.get("anticipation", preset="expressive")


def event(time, duration, instrument, pitch, bin_):
    return [time, 10_000 + duration, 11_000 + 128 * instrument + pitch, VELOCITY + bin_]


def control(time, duration, instrument, pitch, bin_):
    return [*(UP + x for x in event(time, duration, instrument, pitch, 0)[:3]), CONTROL_VELOCITY + bin_]


def with_pedal(rows, pedal):
    """Rows of notes; pedal (time, value, track)."""
    controls = [(time, 64, value, track) for time, value, track in pedal]
    return Score(notes=note_table(rows), controls=np.array(controls, CONTROL))


@st.composite
def pedalled(draw):
    score = draw(scores())
    rows = st.tuples(st.integers(0, 20 * score.ticks_per_quarter), st.sampled_from([0, 63, 64, 127]))
    pedal = draw(st.lists(rows, max_size=8))
    tracks = [draw(st.integers(0, len(score.tracks) - 1)) for _ in pedal]
    controls = [(t, 64, value, track) for (t, value), track in zip(pedal, tracks, strict=True)]
    return score.replace(controls=np.array(controls, CONTROL))


# -- encoding --------------------------------------------------------------------------------------------------


def test_a_note_has_its_velocity(expressive):
    rows = [(0, 480, 64, 1), (480, 480, 60, 64), (960, 480, 40, 127, 33, 1), (960, 96, 36, 100, 0, 9)]
    expected = [
        *(*event(0, 50, 0, 64, 0), *event(50, 50, 0, 60, 16)),
        *(*event(100, 50, 33, 40, 31), *event(100, 10, 128, 36, 25)),
    ]
    assert expressive.encode(Score(notes=note_table(rows))).tolist() == expected


def test_bins_are_four_wide_and_decode_to_within_two(expressive):
    score = Score(notes=note_table([(480 * i, 480, 60, i) for i in range(1, 128)]))
    ids = expressive.encode(score)
    assert (ids[3::4] - VELOCITY).tolist() == [i // 4 for i in range(1, 128)]
    found = expressive.decode(ids).notes["velocity"].astype(int)
    assert np.abs(found - np.arange(1, 128)).max() == 2
    assert velocities_of(range(32)).tolist() == list(range(2, 128, 4))


def test_the_pedal_holds_notes(expressive):
    pedal = [(240, 127, 0), (1920, 0, 0)]
    # The first is held to the release, the second until it is struck again; the drum is not held.
    rows = [(0, 480, 60, 64), (480, 240, 62, 64), (960, 240, 62, 64), (960, 96, 36, 64, 0, 9, 1)]
    assert expressive.encode(with_pedal(rows, pedal)).tolist() == [
        *(*event(0, 200, 0, 60, 16), *event(50, 50, 0, 62, 16), *event(100, 100, 0, 62, 16)),
        *event(100, 10, 128, 36, 16),
    ]
    # Held or not, no note lasts longer than 9.99 s.
    long = with_pedal([(0, 480, 60, 64)], [(0, 127, 0), (48_000, 0, 0)])
    assert expressive.encode(long).tolist() == event(0, 999, 0, 60, 16)


def test_controls_and_rests_have_velocities_too():
    tokenizer = tokenizers.get("anticipation", preset="expressive", control_programs=[33])
    rows = [(0, 480, 60, 90), (2880, 240, 40, 50, 33, 1)]
    assert tokenizer.encode(Score(notes=note_table(rows))).tolist() == [
        *control(300, 25, 33, 40, 12),
        *event(0, 50, 0, 60, 22),
        *(100, 10_000, REST, VELOCITY),
        *(200, 10_000, REST, VELOCITY),
    ]


@given(pedalled())
def test_a_score_with_its_pedal_folded_has_the_same_ids(score):
    tokenizer = tokenizers.get("anticipation", preset="expressive")
    held = folded(score)
    assert len(held.controls) == 0
    assert tokenizer.encode(held).tolist() == tokenizer.encode(score).tolist()
    window = held.replace(notes=held.notes[3:9])
    assert tokenizer.encode(window).tolist() == tokenizer.encode(score).tolist()[12:36]


@given(scores(), PROGRAMS)
def test_without_velocities_it_is_the_published_sequence(score, programs):
    # No pedal here, so durations are the same.
    ids = tokenizers.get("anticipation", preset="expressive", control_programs=programs).encode(score).reshape(-1, 4)
    plain = tokenizers.get("anticipation", control_programs=programs).encode(score)
    assert ids[:, :3].ravel().tolist() == plain.tolist()
    is_control = ids[:, 2] > REST
    assert np.array_equal((ids[:, 3] >= CONTROL_VELOCITY), is_control)


def test_names_and_config(expressive):
    vocabulary = expressive.vocabulary
    assert vocabulary.sizes == (55_092,)
    assert vocabulary.fields[0][:55_028] == tokenizers.get("anticipation").vocabulary.fields[0]
    assert [vocabulary.name(i) for i in (55_028, 55_059, 55_060, 55_091)] == [
        "Velocity_0",
        "Velocity_31",
        "ControlVelocity_0",
        "ControlVelocity_31",
    ]
    tokenizer = tokenizers.get("anticipation", preset="expressive", control_programs=[0])
    config = json.loads(json.dumps(tokenizer.to_config()))
    assert config == {"name": "anticipation", "preset": "expressive", "control_programs": [0]}
    assert tokenizers.get(**config).to_config() == config


# -- decoding --------------------------------------------------------------------------------------------------


def quantised(score):
    """(onset, duration, pitch, velocity, instrument) of what survives, sorted."""
    return sorted((t, d, n % 128, 4 * b + 2, n // 128) for t, d, n, b in expressive_events(score).tolist())


@given(pedalled(), PROGRAMS)
def test_what_is_encoded_obeys_and_decodes_to_the_same_notes(score, programs):
    tokenizer = tokenizers.get("anticipation", preset="expressive", control_programs=programs)
    ids = tokenizer.encode(score)
    assert tokenizer.grammar.violation(ids) is None
    again = tokenizer.decode([ANTICIPATE, *ids] if programs else ids)
    assert note_rows(again) == quantised(score)
    plain = tokenizers.get("anticipation", preset="expressive")
    assert plain.encode(again).tolist() == plain.encode(plain.decode(plain.encode(again))).tolist()


@pytest.mark.parametrize("name", PIECES)
def test_real_pieces(expressive, name):
    score = piece(name)
    ids = expressive.encode(score)
    assert note_rows(expressive.decode(ids)) == quantised(score)
    assert expressive.encode(expressive.decode(ids)).tolist() == ids.tolist()


def test_pieces_are_parted_by_four_separators(expressive):
    ids = [*event(100, 50, 0, 60, 9), *[SEPARATOR] * 4, *event(20, 5, 0, 62, 9)]
    assert expressive.decode([AUTOREGRESS, *ids]).notes["onset"].tolist() == [100, 170]


@pytest.mark.parametrize(
    "ids",
    [
        [0, 10_000, 11_000, VELOCITY, 0, 0],
        [0, 10_000, 11_000, CONTROL_VELOCITY],
        [UP, UP + 10_000, UP + 11_000, VELOCITY],
        [0, 10_000, 11_000, 55_092],
        [0, 10_000, 11_000, 0],
        [SEPARATOR, SEPARATOR, SEPARATOR, VELOCITY],
    ],
)
def test_ids_that_are_no_quadruples_are_named(expressive, ids):
    with pytest.raises(TokenError):
        expressive.decode(ids)


# -- grammar ---------------------------------------------------------------------------------------------------


def follow(grammar, ids):
    state = grammar.start()
    for token in ids:
        state = grammar.advance(state, token)
    return np.flatnonzero(grammar.allowed(state)).tolist()


def test_what_may_follow(expressive):
    grammar = expressive.grammar
    assert follow(grammar, [5, 10_001, 11_000]) == list(range(VELOCITY, VELOCITY + 32))
    assert follow(grammar, [5, 10_000, REST]) == [VELOCITY]
    assert follow(grammar, [UP, UP + 10_000, UP + 11_000]) == list(range(CONTROL_VELOCITY, CONTROL_VELOCITY + 32))
    assert follow(grammar, [SEPARATOR] * 3) == [SEPARATOR]
    after = follow(grammar, [5, 10_001, 11_000, VELOCITY + 9])
    assert (after[0], after[-1]) == (5, SEPARATOR)


@given(st.integers(0, 2**32), st.integers(0, 60))
@settings(max_examples=60)
def test_what_obeys_the_grammar_decodes(seed, length):
    tokenizer = tokenizers.get("anticipation", preset="expressive")
    ids = np.array(walk(tokenizer.grammar, np.random.default_rng(seed), length), np.int64)
    assert tokenizer.grammar.violation(ids) is None
    flag = int(len(ids) > 0 and ids[0] in (AUTOREGRESS, ANTICIPATE))
    notes = ids[flag:][: (len(ids) - flag) // 4 * 4][2::4]
    assert len(tokenizer.decode(ids)) == ((notes != REST) & (notes != SEPARATOR)).sum()


@given(st.integers(0, 2**32))
@settings(max_examples=300)
def test_violation_is_what_the_slow_one_says(seed):
    tokenizer, rng = tokenizers.get("anticipation", preset="expressive"), np.random.default_rng(seed)
    events = np.stack(
        [np.sort(rng.integers(0, 3000, 12)), *(rng.integers(0, top, 12) for top in (3, 128 * 129, 32))], axis=1
    ).astype(np.int32)
    ids = to_ids(*arrange(events, rng.random(12) < 0.4))
    ids = np.concatenate([[ANTICIPATE], ids[:20], [SEPARATOR] * 4, ids])[rng.integers(0, 2) :]
    for _ in range(rng.integers(0, 3)):
        near = ids[rng.integers(0, len(ids))] + rng.integers(-2, 3)
        ids[rng.integers(0, len(ids))] = rng.choice([near, rng.integers(-1, 55_093), REST, SEPARATOR, VELOCITY])
    ids = ids[: rng.integers(0, len(ids) + 1)]
    assert tokenizer.grammar.violation(ids) == slow_violation(tokenizer, ids)
