"""Candidates of an alternative: the one that fits best is kept."""

from __future__ import annotations

import numpy as np
import pytest

import symbolic_music as sm
from symbolic_music import generation
from symbolic_music.errors import OptionError
from symbolic_music.generation import bars
from symbolic_music.generation.ranking import fit_of
from tests.generation.sessions.test_region_edit import regional, song


def test_the_best_of_the_candidates_is_kept() -> None:
    score, model = song(12), regional()
    every = generation.edit(score, [bars(5, 6)], [0], model, seed=2, count=6).finish()
    session = generation.edit(score, [bars(5, 6)], [0], model, seed=2, count=2, best_of=3)
    drawn = list(session.stream())
    kept = session.results()
    assert [one.number for one in kept] == [0, 1]
    for number, one in enumerate(kept):
        candidates = every[3 * number : 3 * number + 3]
        best = max(candidates, key=lambda own: fit_of(own)[0] or 0.0)
        assert np.array_equal(one.notes, best.notes)
    assert {note.alternative for note in drawn} == {0, 1}
    assert len(drawn) == sum(len(one.notes) for one in every)


def test_functions_draw_four_and_sessions_one() -> None:
    score, model = song(12), regional()
    best = generation.edit(score, [bars(5, 6)], [0], model, seed=2, best_of=4).finish()[0].score
    assert sm.infill(score, bars=(5, 6), tracks=[0], model=model, seed=2) == best
    one = generation.edit(score, [bars(5, 6)], [0], model, seed=2).finish()[0].score
    assert sm.infill(score, bars=(5, 6), tracks=[0], model=model, seed=2, best_of=1) == one
    with pytest.raises(OptionError, match="at least one candidate"):
        generation.edit(score, [bars(5, 6)], [0], model, best_of=0)
