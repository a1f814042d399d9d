from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music import tokenizers
from symbolic_music.errors import TokenError, UnknownNameError
from symbolic_music.score import CONTROL, TEMPO, Score, note_table

TEMPO_120 = np.array([(0, 500_000)], TEMPO)
ON, OFF, SHIFT, VELOCITY = 0, 128, 255, 356


def steps(*rows: tuple[int, int, int, int], controls: list[tuple[int, int, int, int]] | None = None) -> Score:
    """A score in steps of 10 ms of (onset, duration, pitch, velocity)."""
    return Score(50, note_table(rows), TEMPO_120, controls=np.array(controls or [], CONTROL))


def test_one_note() -> None:
    ids = tokenizers.get("performance").encode(steps((0, 50, 60, 100)))
    assert ids.tolist() == [VELOCITY + 24, ON + 60, SHIFT + 50, OFF + 60]


def test_two_hundred_steps_are_two_full_shifts_and_velocity_is_written_when_it_changes() -> None:
    ids = tokenizers.get("performance").encode(steps((0, 200, 60, 100), (200, 1, 62, 99), (201, 1, 64, 1)))
    expected = [VELOCITY + 24, ON + 60, SHIFT + 100, SHIFT + 100, OFF + 60, ON + 62, SHIFT + 1, OFF + 62]
    assert ids.tolist() == [*expected, VELOCITY, ON + 64, SHIFT + 1, OFF + 64]


def test_the_pedal_holds_a_note_to_its_release() -> None:
    pedal = [(5, 64, 127, 0), (80, 64, 0, 0)]
    ids = tokenizers.get("performance").encode(steps((0, 10, 60, 64), controls=pedal))
    assert ids.tolist() == [VELOCITY + 15, ON + 60, SHIFT + 80, OFF + 60]


def test_a_pitch_struck_again_under_the_pedal_ends_the_note_before() -> None:
    pedal = [(0, 64, 127, 0), (80, 64, 0, 0)]
    ids = tokenizers.get("performance").encode(steps((0, 10, 60, 64), (40, 10, 60, 64), controls=pedal))
    assert ids.tolist() == [VELOCITY + 15, ON + 60, SHIFT + 40, OFF + 60, ON + 60, SHIFT + 40, OFF + 60]


def test_score2perf_has_310_ids() -> None:
    tokenizer = tokenizers.get("performance", preset="score2perf")
    assert len(tokenizer.vocabulary) == 310
    assert tokenizer.encode(steps((0, 1, 20, 64), (0, 1, 21, 64)))[1] == 2
    with pytest.raises(UnknownNameError):
        tokenizers.get("performance", preset="midi")


notes = st.lists(
    st.tuples(st.integers(0, 900), st.integers(0, 400), st.integers(0, 127), st.integers(1, 127)), max_size=20
)


@given(notes)
def test_what_is_encoded_obeys_the_grammar_and_decodes_to_the_same_ids_again(rows) -> None:
    # Notes of one pitch that overlap are paired first in, first out; their lengths may change places.
    seen, apart = [], []
    for row in sorted(rows):
        if not any(p == row[2] and row[0] <= end for p, end in seen):
            seen.append((row[2], row[0] + max(row[1], 1)))
            apart.append(row)
    tokenizer = tokenizers.get("performance")
    ids = tokenizer.encode(steps(*apart))
    assert tokenizer.grammar.violation(ids) is None
    assert tokenizer.encode(tokenizer.decode(ids)).tolist() == ids.tolist()


def test_bad_ids_are_named() -> None:
    with pytest.raises(TokenError, match="outside the vocabulary"):
        tokenizers.get("performance").decode([388])
    assert tokenizers.get("performance").grammar.violation([60]) == 0
