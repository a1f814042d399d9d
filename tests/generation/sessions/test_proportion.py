"""The proportions of a band."""

from __future__ import annotations

import numpy as np
import pytest

from symbolic_music import generation
from symbolic_music.generation import Limits, Sampling, bars
from symbolic_music.generation.sessions import region_edit
from symbolic_music.generation.sessions.base import Edit
from symbolic_music.generation.sessions.proportion import proportion, rests
from symbolic_music.generation.sessions.region_edit import RegionEditing
from tests.generation.sessions.test_region_edit import song
from tests.generation.untouched import regional

BAND = [33, 0, 48, 56, 65, 80, 128]


def test_basses_and_drums_play_on_and_others_rest_in_the_same_bars_of_each_phrase() -> None:
    found = rests(BAND, 8, 16, seed=1)
    assert [len(one) for one in found] == [16] * 7
    assert not found[0].any()
    assert not found[-1].any()
    for length, least in ((12, 2), (32, 4)):
        for one in rests(BAND, 8, length, seed=1):
            assert np.array_equal(one[4 * least :], one[: -4 * least][: len(one) - 4 * least])
            assert np.array_equal(one[: 4 * least : least], one[least - 1 : 4 * least : least]), "so many bars at least"
    assert [one.tolist() for one in rests(BAND, 8, 16, seed=1)] == [one.tolist() for one in found]


def test_parts_rest_as_much_as_in_songs() -> None:
    strings, piano = (np.mean([rests([program], 8, 8, seed)[0] for seed in range(400)]) for program in (48, 0))
    assert strings == pytest.approx(1 - 0.63, abs=0.02)
    assert piano == pytest.approx(1 - 0.80, abs=0.02)


def test_parts_rest_where_most_play() -> None:
    for seed in range(20):
        playing = np.sum([~one for one in rests([48, 56, 65, 80, 72, 61], 8, 8, seed)], axis=0)
        assert playing.max() - playing.min() <= 2


def test_small_bands_and_short_regions_have_no_rests() -> None:
    assert not np.any(rests([0, 48, 56], 4, 16, seed=0))
    assert not np.any([one.any() for one in rests(BAND, 8, 7, seed=0)])


def test_the_notes_that_are_asked_for() -> None:
    assert proportion(np.array([4, 4, 4, 4]), 16.0) == 1
    assert proportion(np.array([2, 2, 2, 2]), 16.0) == pytest.approx(0.75)
    assert proportion(np.array([8, 8, 8, 8]), 16.0) == pytest.approx(0.75)
    assert proportion(np.array([0, 0, 0, 16]), 16.0) == pytest.approx(0.75), "half of them are beyond twice the mean"
    assert proportion(np.array([0, 0, 0, 0]), 16.0) == 0
    assert proportion(np.array([4, 4, 4, 4]), 0.0) == 0, "nothing is asked for"


def test_the_parts_of_a_large_band_rest() -> None:
    score = song(16)
    score = score.replace(notes=score.notes[score.notes["track"] == 1])
    names = ["bass", "strings", "trumpet", "flute", "synth lead", 128]
    written = generation.accompany(score, [1], regional(), seed=3, instruments=names)
    free = generation.accompany(score, [1], regional(), seed=3, instruments=names, limits=Limits(free=True))
    silent, silent_free = (
        [16 - len(np.unique(one.notes["onset"][one.notes["track"] == track] // 1920)) for track in range(3, 9)]
        for one in (written, free)
    )
    assert silent[0] == silent[-1] == 0
    assert 4 <= sum(silent[1:5]) <= 40
    assert all(count % 4 == 0 for count in silent[1:5]), silent
    assert sum(silent_free) < sum(silent)


def test_one_new_part_plays_throughout() -> None:
    score = song(16)
    written = generation.add_track(score, 48, [bars(1, 16)], regional(), seed=3)
    assert len(np.unique(written.notes["onset"][written.notes["track"] == 3] // 1920)) == 16


def test_of_candidates_that_fit_alike_the_one_in_proportion_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(region_edit, "fit", lambda *_: (1.0, {}))
    score, span = song(), bars(9, 16).span(song())
    session = RegionEditing(score, Edit([span], [0, 1]), regional(), Sampling(), seed=4, count=4, each=4)
    counts = np.zeros(4, np.int64)
    for note in session.stream():
        counts[note.alternative] += note.track == 1
    assert len(set(counts.tolist())) > 1
    kept = {int((one.notes["track"] == 1).sum()) for one in session.results()}
    # Six notes a bar in the bars around.
    assert kept == {min(counts.tolist(), key=lambda count: abs(np.log(count / 48.5)))}, counts
