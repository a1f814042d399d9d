"""Infilling, accompanying and continuing with a model of the published encoding."""

from __future__ import annotations

import numpy as np
import pytest

from symbolic_music import accompany, generate, infill
from symbolic_music.errors import OptionError
from symbolic_music.models import Card, Model
from symbolic_music.score import Score
from tests.corpora.example_stores import band
from tests.generation.left_to_right.test_batched_ids import model as of_tokens
from tests.generation.tiny_gpt2 import tiny


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(tiny(context=121), Card("tiny", 1, "", ""))


def region(score: Score, tracks: list[int], first: int, last: int) -> np.ndarray:
    notes = score.notes
    return np.isin(notes["track"], tracks) & (notes["onset"] >= first) & (notes["onset"] < last)


@pytest.mark.parametrize("tracks", [[0], [1, 2], [0, 1, 2]])
def test_all_that_was_not_asked_for_stays(model: Model, tracks: list[int]) -> None:
    score = band(1, 60)
    start, end = score.duration * 0.4, score.duration * 0.55
    edited = infill(score, start, end, tracks, model, seed=1)
    first, last = (int(np.ceil(float(t) - 1e-6)) for t in score.ticks([start, end]))
    before, after = region(score, tracks, first, last), region(edited, tracks, first, last)
    assert np.array_equal(np.sort(score.notes[~before]), np.sort(edited.notes[~after]))
    assert after.any()
    written = edited.notes[after]
    assert (written["onset"] + written["duration"] <= last).all()
    for name in ("tempos", "meters", "controls", "bends", "keys"):
        assert np.array_equal(getattr(score, name), getattr(edited, name))
    assert edited.tracks == score.tracks
    assert infill(score, start, end, tracks, model, seed=1) == edited


def test_an_accompaniment_keeps_what_is_kept(model: Model) -> None:
    score = band(2, 40).clip(0, 6)
    result = accompany(score, [1], model, seed=3)
    assert np.array_equal(
        np.sort(result.notes[result.notes["track"] == 1]), np.sort(score.notes[score.notes["track"] == 1])
    )
    assert (result.notes["track"] == 0).any()


def test_a_piece_is_continued_in_its_tracks(model: Model) -> None:
    score = band(3, 40)
    longer = generate(score, 3.0, model, seed=1)
    old = longer.notes["onset"] < score.end
    assert np.array_equal(np.sort(longer.notes[old]), np.sort(score.notes))
    assert set(longer.notes["track"].tolist()) <= {0, 1, 2}
    assert score.duration < longer.duration <= score.duration + 3.01


def test_from_nothing_every_instrument_gets_a_track(model: Model) -> None:
    score = generate(None, 3.0, model, seed=1)
    assert len(score) > 0
    assert score.duration <= 3.01
    assert len({(t.program, t.is_drum) for t in score.tracks}) == len(score.tracks)


def test_a_model_that_only_continues_says_so() -> None:
    score = band(1, 60)
    with pytest.raises(OptionError, match="only supports continuation"):
        infill(score, 1.0, 2.0, [0], of_tokens("performance"))
