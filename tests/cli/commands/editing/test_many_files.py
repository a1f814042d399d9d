"""`infill FILES... --out FOLDER`: each file as it would be alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import symbolic_music as sm

WHERE = ("--at", "bars:1-1", "--tracks", "1", "-m", "chorales")


@pytest.fixture
def songs(song: Path) -> list[Path]:
    """The quartet, and the same a tone lower."""
    other = song.with_name("other.mid")
    sm.transforms.transpose(sm.read(song), -2).write(other)
    return [song, other]


@pytest.mark.parametrize("workers", [1, 2])
def test_files_are_edited_as_each_alone(
    run: Callable[..., Any], songs: list[Path], tmp_path: Path, workers: int
) -> None:
    (tmp_path / "new").mkdir()
    shown = run("infill", *songs, *WHERE, "--seed", 3, "--workers", workers, "--out", tmp_path / "new", "--json")
    assert shown.code == 0
    for path, told in zip(songs, json.loads(shown.out), strict=True):
        assert told["file"] == str(path)
        assert told["error"] is None
        assert run("infill", path, *WHERE, "--seed", 3, "-o", tmp_path / "alone.mid").code == 0
        assert (tmp_path / "new" / path.name).read_bytes() == (tmp_path / "alone.mid").read_bytes()


def test_a_file_that_cannot_be_edited_does_not_stop_the_others(
    run: Callable[..., Any], songs: list[Path], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.mid"
    bad.write_text("not music")
    (tmp_path / "new").mkdir()
    shown = run("infill", bad, *songs, *WHERE, "--count", 2, "--temperature", 0.9, "--out", tmp_path / "new")
    assert shown.code == 2
    assert shown.err.startswith(f"error: 1 of 3 files could not be edited; the first is {bad}: ")
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert names == ["other-1.mid", "other-2.mid", "song-1.mid", "song-2.mid"]


def test_mistakes_are_told_before_any_work(mistake: Callable[..., str], songs: list[Path], tmp_path: Path) -> None:
    assert "no such folder" in mistake("infill", *songs, *WHERE, "--out", tmp_path / "none")
    assert "is one of the files" in mistake("infill", *songs, *WHERE, "--out", tmp_path)
    (tmp_path / "new").mkdir()
    assert "several of these files" in mistake("infill", songs[0], songs[0], *WHERE, "--out", tmp_path / "new")
    assert "takes one file" in mistake("infill", *songs, *WHERE, "--int8", "--out", tmp_path / "new")
    assert "no engine" in mistake("infill", *songs, *WHERE, "--engine", "x", "--out", tmp_path / "new")
