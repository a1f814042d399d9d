"""Chords and keys as conditions of region models."""

from __future__ import annotations

import numpy as np
import pytest

from symbolic_music import generation
from symbolic_music.errors import OptionError
from symbolic_music.generation import Limits, bars
from symbolic_music.score import Score
from symbolic_music.theory import chord_classes
from tests.generation.sessions.test_region_edit import song
from tests.generation.untouched import check_kept, ours, regional


def infilled(limits: Limits, harmony: bool = True) -> np.ndarray:
    score = song(12)
    written = generation.edit(score, [bars(5, 8)], [0], regional(harmony), seed=2, limits=limits).finish()[0]
    check_kept(score, written, [(4 * 1920, 8 * 1920)], [0])
    return np.asarray(written.notes)


def test_a_chart_repeats_from_the_beginning_of_the_region() -> None:
    notes = infilled(Limits(chart="D | Am C"))
    assert len(notes) > 4
    for onset, pitch in zip(notes["onset"].tolist(), notes["pitch"].tolist(), strict=True):
        bar = onset // 1920
        name = "D" if bar % 2 == 0 else "Am" if onset % 1920 < 960 else "C"
        assert pitch % 12 in chord_classes(name), (bar, pitch)


def test_a_chart_is_its_chords_by_bars() -> None:
    chords = ((5, "D"), (6, "Am"), (6.5, "C"), (7, "D"), (8, "Am"), (8.5, "C"))
    assert np.array_equal(infilled(Limits(chart="| D | Am C |")), infilled(Limits(chords=chords)))


def test_notes_pass_where_they_may() -> None:
    bound, free = (infilled(Limits(chart="D", passing_notes=passing)) for passing in (False, True))
    inside = [np.isin(notes["pitch"] % 12, chord_classes("D")).mean() for notes in (bound, free)]
    assert inside[0] == 1
    assert 0 < inside[1] < 1


def test_the_model_is_conditioned_on_chords_and_key() -> None:
    plain, *others = (infilled(limits).tolist() for limits in (Limits(), Limits(chart="D", passing_notes=True)))
    assert all(other != plain for other in others)
    major, minor = (infilled(Limits(scale=scale, free=True)).tolist() for scale in ("C major", "A minor"))
    assert major != minor, "both have the same notes, but are not the same key"


def test_models_that_are_not_conditioned_keep_to_chords_alone() -> None:
    assert np.isin(infilled(Limits(chart="D"), harmony=False)["pitch"] % 12, chord_classes("D")).all()
    with pytest.raises(OptionError, match="'tiny' is not conditioned on chords"):
        infilled(Limits(chart="D", passing_notes=True), harmony=False)
    with pytest.raises(OptionError, match="is not conditioned on chords"):
        generation.edit(song(12), [bars(5, 8)], [0], ours(), limits=Limits(chart="D", passing_notes=True))


def test_a_lead_sheet_becomes_a_piece() -> None:
    piece = generation.new_piece(["piano", "bass"], tempo=120)
    limits = Limits(chart="C | F", passing_notes=False)
    found = generation.generate(piece, 12.0, regional(harmony=True), limits=limits, seed=1)
    assert isinstance(found, Score)
    assert set(found.notes["track"].tolist()) == {0, 1}
    bar = found.notes["onset"] // (4 * found.ticks_per_quarter)
    for even, name in ((0, "C"), (1, "F")):
        own = found.notes["pitch"][bar % 2 == even] % 12
        assert len(own)
        assert np.isin(own, chord_classes(name)).all()
