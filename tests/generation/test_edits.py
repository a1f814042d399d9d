from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

import symbolic_music as sm
from symbolic_music.corpora import chorale_from_grid
from symbolic_music.errors import EmptyScoreError, OptionError, RegionError
from symbolic_music.generation import Sampling
from symbolic_music.generation.planning import Verb
from symbolic_music.score import Score


@pytest.fixture(scope="module")
def chorale() -> sm.Score:
    """Four bars of I IV V I, quarter notes, repeated."""
    chords = [(72, 67, 64, 48), (72, 69, 65, 53), (71, 67, 62, 55), (72, 67, 64, 48)] * 8
    return chorale_from_grid([chord for chord in chords for _ in range(4)])


def of_others(score: sm.Score, first: int, last: int, tracks: list[int]) -> np.ndarray:
    inside = (score.notes["onset"] >= first) & (score.notes["onset"] < last) & np.isin(score.notes["track"], tracks)
    return score.notes[~inside]


def test_everything_outside_the_region_comes_back(chorale: sm.Score) -> None:
    result = sm.infill(chorale, 4.8, 9.6, [1, 2, 3], seed=3)
    first, last = (int(t) for t in np.rint(chorale.ticks([4.8, 9.6])))
    assert np.array_equal(of_others(result, first, last, [1, 2, 3]), of_others(chorale, first, last, [1, 2, 3]))
    for table in ("tempos", "meters", "keys", "controls", "bends"):
        assert np.array_equal(getattr(result, table), getattr(chorale, table))
    assert result.tracks == chorale.tracks
    written = result.notes[(result.notes["onset"] >= first) & (result.notes["onset"] < last)]
    written = written[written["track"] > 0]
    assert len(written) > 3
    assert (written["onset"].astype(int) + written["duration"] <= last).all()
    assert set(written["track"]) == {1, 2, 3}


def test_a_seed_repeats_and_another_differs(chorale: sm.Score) -> None:
    one, again, other = (sm.infill(chorale, 4.8, 9.6, [1, 2, 3], seed=s) for s in (1, 1, 2))
    assert one == again
    assert one != other


def test_each_voice_sounds_one_note_at_a_time(chorale: sm.Score) -> None:
    result = sm.infill(chorale, 0, chorale.duration, [1, 2, 3], seed=0)
    for track in (1, 2, 3):
        own = result.notes[result.notes["track"] == track]
        assert (own["onset"][1:] >= own["onset"][:-1] + own["duration"][:-1]).all()


def test_impossible_regions(chorale: sm.Score) -> None:
    with pytest.raises(RegionError, match="outside the piece"):
        sm.infill(chorale, 100, 110)
    with pytest.raises(RegionError, match="need 0 <= start < end"):
        sm.infill(chorale, 5, 5)
    with pytest.raises(RegionError, match="no track 7"):
        sm.infill(chorale, 1, 2, [7])
    with pytest.raises(EmptyScoreError):
        sm.infill(sm.Score(), 0, 1)


def test_accompany_keeps_the_melody_and_adds_parts(chorale: sm.Score) -> None:
    melody = sm.transforms.select_tracks(chorale, [0])
    result = sm.accompany(melody, [0], seed=1)
    assert np.array_equal(result.notes[result.notes["track"] == 0], melody.notes)
    assert len(result.tracks) == 4
    assert all((result.notes["track"] == t).any() for t in (1, 2, 3))


def test_generate_continues_the_prompt_note_for_note(chorale: sm.Score) -> None:
    result = sm.generate(chorale, seconds=4, seed=1)
    assert np.array_equal(result.notes[: len(chorale)], chorale.notes)
    assert (result.notes["onset"][len(chorale) :] >= chorale.end).all()
    assert result.duration <= chorale.duration + 4.01
    assert len(result) > len(chorale)


def test_generate_from_nothing_is_in_the_parts_of_the_model() -> None:
    result = sm.generate(seconds=6, seed=5)
    assert [t.name for t in result.tracks] == ["Soprano", "Alto", "Tenor", "Bass"]
    assert len(result) > 8
    with pytest.raises(OptionError, match="seconds"):
        sm.generate(seconds=0)


def test_sampling_refuses_what_makes_no_sense() -> None:
    for bad in ({"temperature": -1.0}, {"top_p": 0.0}, {"top_k": -1}, {"min_p": 2.0}):
        with pytest.raises(OptionError):
            Sampling(**bad)


def test_a_real_chorale_keeps_its_soprano() -> None:
    corpus = pytest.importorskip("music21").corpus
    from symbolic_music.io import from_music21

    score = from_music21(corpus.parse("bach/bwv66.6"))
    assert len(score.tracks) == 4
    result = sm.infill(score, 6, 10, [1, 2, 3], seed=0)
    assert np.array_equal(result.notes[result.notes["track"] == 0], score.notes[score.notes["track"] == 0])


@pytest.mark.parametrize("verb", get_args(Verb))
def test_a_seed_below_0_is_refused_by_every_verb(quartet: Score, verb: Verb) -> None:
    with pytest.raises(OptionError, match="a seed is a whole number from 0 on, not -1"):
        sm.edit(quartet, [sm.bars(1, 2)], [0], seed=-1, verb=verb)


def test_a_seed_below_0_is_refused_by_generate(quartet: Score) -> None:
    for prompt in (None, quartet):
        with pytest.raises(OptionError, match="a seed is a whole number from 0 on, not -1"):
            sm.generate(prompt, 1.0, seed=-1)
