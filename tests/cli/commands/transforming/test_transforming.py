"""Verbs that change a score without a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import symbolic_music as sm


def test_transpose_moves_all_or_a_region(run: Callable[..., Any], song: Path, tmp_path: Path) -> None:
    before = sm.read(song)
    assert run("transpose", song, "--semitones", 2, "-o", tmp_path / "up.mid").code == 0
    up = sm.read(tmp_path / "up.mid")
    pitched = before.notes["channel"] != 9
    assert (up.notes["pitch"].astype(int) - before.notes["pitch"])[pitched].tolist() == [2] * int(pitched.sum())
    assert run("transpose", song, "--semitones", 12, "--bars", 2, "--tracks", 0, "-o", tmp_path / "part.mid").code == 0
    part = sm.read(tmp_path / "part.mid")
    changed = (part.notes["pitch"] != before.notes["pitch"]) if len(part) == len(before) else None
    assert changed is not None
    assert set(before.notes["track"][changed].tolist()) == {0}
    assert before.notes["onset"][changed].min() == 4 * 480


def test_drums_are_not_counted_as_transposed(run: Callable[..., Any], song: Path, tmp_path: Path) -> None:
    told = run("transpose", song, "--semitones", 3, "--tracks", "drums", "-o", tmp_path / "same.mid").out
    assert "0 notes by 3" in told
    assert sm.read(tmp_path / "same.mid") == sm.read(song)


def test_bars_are_copied_and_deleted(run: Callable[..., Any], song: Path, tmp_path: Path) -> None:
    told = json.loads(run("copy-bars", song, "--bars", "1-2", "--times", 2, "-o", tmp_path / "six.mid", "--json").out)
    assert told["notes"] == 3 * told["notes_before"]
    assert len(sm.read(tmp_path / "six.mid").bars()) == 6
    assert run("delete-bars", tmp_path / "six.mid", "--bars", "3-6", "-o", tmp_path / "two.mid").code == 0
    assert (sm.read(tmp_path / "two.mid").notes == sm.read(song).notes).all()


def test_humanised_notes_are_quantised_back(run: Callable[..., Any], song: Path, tmp_path: Path) -> None:
    off, back = tmp_path / "off.mid", tmp_path / "back.mid"
    assert run("humanise", song, "--seconds", 0.02, "--velocity", 0, "--seed", 3, "-o", off).code == 0
    assert (sm.read(off).notes["onset"] != sm.read(song).notes["onset"]).any()
    assert run("quantise", off, "--grid", 1, "-o", back).code == 0
    assert sorted(sm.read(back).notes["onset"].tolist()) == sorted(sm.read(song).notes["onset"].tolist())


@pytest.mark.parametrize(
    "arguments",
    [
        ("transpose", "--semitones", 120),
        ("quantise", "--grid", 0),
        ("humanise", "--seconds", 9),
        ("copy-bars", "--bars", "7-9"),
        ("delete-bars", "--bars", "1-2"),
        ("delete-bars", "--bars", "x"),
    ],
)
def test_mistakes_are_told(mistake: Callable[..., str], song: Path, tmp_path: Path, arguments: tuple[Any, ...]) -> None:
    verb, *options = arguments
    assert mistake(verb, song, *options, "-o", tmp_path / "new.mid")
    assert "name it .mid" in mistake("transpose", song, "--semitones", 1, "-o", tmp_path / "new.txt")
