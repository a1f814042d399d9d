from __future__ import annotations

import numpy as np
import pytest

from symbolic_music import tokenizers
from symbolic_music.corpora.datasets.chorale_grid import chorale_from_grid
from symbolic_music.errors import OptionError, TokenError
from symbolic_music.score import Score, Track, note_table
from symbolic_music.tokenizers.chorale_grid import SILENCE, START
from symbolic_music.training.data.chorale_grids import ids_of, transposed

STEPS = [[72, 67, 64, 48], [72, 67, 64, 50], [74, -1, 65, 50], [74, 67, 65, 50]]


def test_voices_take_turns_from_the_top() -> None:
    grid = tokenizers.get("grid")
    ids = grid.encode(chorale_from_grid(STEPS))
    expected = [START, 72, 67, 64, 48, 72, 67, 64, 50, 74, SILENCE, 65, 50, 74, 67, 65, 50]
    assert ids.tolist() == expected
    assert ids_of(np.array(STEPS)).tolist() == expected


def test_decoding_joins_what_is_held() -> None:
    score = tokenizers.get("grid").decode(tokenizers.get("grid").encode(chorale_from_grid(STEPS)))
    assert np.array_equal(score.notes, chorale_from_grid(STEPS).notes)


def test_tracks_become_voices_whatever_their_order_and_drums_none() -> None:
    notes = note_table([(0, 480, 48, 80, 0, 0, 0), (0, 480, 72, 80, 0, 0, 1), (0, 480, 36, 80, 0, 9, 2)])
    tracks = (Track("low", 0), Track("high", 0), Track("kit", 0, is_drum=True))
    ids = tokenizers.get("grid", voices=2).encode(Score(ticks_per_quarter=480, notes=notes, tracks=tracks))
    assert ids.tolist() == [START, *[72, 48] * 4]


def test_an_unfinished_step_is_filled_with_silence() -> None:
    assert [n["pitch"] for n in tokenizers.get("grid").decode([START, 60]).notes] == [60]


def test_a_start_within_is_refused() -> None:
    with pytest.raises(TokenError):
        tokenizers.get("grid").decode([START, 60, START])
    assert tokenizers.get("grid").grammar.violation([START, 60, START]) == 2


def test_odd_options_are_refused() -> None:
    with pytest.raises(OptionError):
        tokenizers.get("grid", voices=0)


def test_transposition_leaves_silence_and_refuses_to_leave_the_range() -> None:
    ids = np.array([START, 60, SILENCE, 127])
    assert transposed(ids, -1).tolist() == [START, 59, SILENCE, 126]
    assert transposed(ids, 1).tolist() == ids.tolist()
