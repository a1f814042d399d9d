"""Tracks by number, by name, by family and by instrument."""

from __future__ import annotations

import pytest

from symbolic_music.errors import RegionError
from symbolic_music.generation import select
from symbolic_music.score import Score, Track


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ([1, 3], [1, 3]),
        (["oboe"], [1]),
        ([" BASSOON "], [3]),
        (["drums"], [4]),
        (["reed"], [1, 3]),
        (["pipe", "Horn"], [0, 2]),
        (["french horn"], [2]),
        ([3, "drums", 3], [3, 4]),
    ],
)
def test_tracks_are_found(quartet: Score, asked: list, found: list) -> None:
    assert select(quartet, asked) == found


def test_a_name_comes_before_a_family(quartet: Score) -> None:
    named = quartet.replace(tracks=(Track("Reed", 73), *quartet.tracks[1:]))
    assert select(named, ["reed"]) == [0]


def test_families_are_found_by_what_a_track_plays() -> None:
    from symbolic_music.score import note_table

    rows = [(0, 480, 40, 64, 33, 0, 0), (0, 480, 60, 64, 0, 1, 1)]
    score = Score(notes=note_table(rows), tracks=(Track("Low", 33), Track("", 0), Track("Idle", 32)))
    assert select(score, ["bass"]) == [0]
    assert select(score, ["piano"]) == [1]


@pytest.mark.parametrize("asked", ["tuba", "", 9])
def test_what_is_not_there_is_an_error(quartet: Score, asked: object) -> None:
    with pytest.raises(RegionError, match="no track"):
        select(quartet, [asked])
