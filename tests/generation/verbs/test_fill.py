from __future__ import annotations

import numpy as np
import pytest

from symbolic_music import Score, Track, bars, edit
from symbolic_music.errors import RegionError
from symbolic_music.generation.sampling_defaults import default_sampling
from symbolic_music.score import note_table
from symbolic_music.studio.session.model_edits import EditRequest, writing_of
from tests.generation.untouched import check, regional

BAR = 1920


@pytest.fixture
def gap() -> Score:
    """Six bars of two tracks, quarter notes; the second is silent in bars 3 and 4."""
    rows = [(480 * i, 480, 72 + i % 3, 80, 0, 0, 0) for i in range(24)]
    rows += [(480 * i, 480, 40 + i % 3, 80, 33, 1, 1) for i in range(24) if not 8 <= i < 16]
    return Score(notes=note_table(sorted(rows)), tracks=(Track("lead", 0), Track("bass", 33)), ticks_per_quarter=480)


def test_fill_writes_only_where_the_track_is_silent(gap: Score) -> None:
    written = edit(gap, [bars(2, 5)], ["bass"], regional(), seed=1, verb="fill").finish()[0]
    check(gap, written, [(2 * BAR, 4 * BAR)], [1])
    assert np.isin(gap.notes, written.score.notes).all(), "nothing is replaced"


def test_a_note_that_sounds_into_a_bar_fills_it(gap: Score) -> None:
    notes = gap.notes.copy()
    last = np.flatnonzero((notes["track"] == 1) & (notes["onset"] == 7 * 480))[0]
    notes["duration"][last] = 960  # into bar 3
    held = gap.replace(notes=notes)
    written = edit(held, [bars(2, 5)], ["bass"], regional(), seed=1, verb="fill").finish()[0]
    check(held, written, [(3 * BAR, 4 * BAR)], [1])


def test_nothing_to_fill(gap: Score) -> None:
    with pytest.raises(RegionError, match="there is none to fill"):
        edit(gap, [bars(1, 2)], ["bass"], regional(), verb="fill")


def test_a_wish_draws_as_the_model_does_unless_it_says_how(gap: Score) -> None:
    spans, model = [(2 * BAR, 4 * BAR)], regional()
    usual, same, bold = (
        writing_of(
            EditRequest(verb="fill", state=0, spans=spans, tracks=[1], alternatives=1, temperature=t), gap, model, 1
        )
        for t in (None, default_sampling(model).temperature, 4.0)
    )
    first = usual.finish()[0].notes.tolist()
    assert first == same.finish()[0].notes.tolist()
    assert first != bold.finish()[0].notes.tolist()
