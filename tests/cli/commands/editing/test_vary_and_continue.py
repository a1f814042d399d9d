"""Verbs that lengthen and vary a score."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import symbolic_music as sm


def test_a_piece_goes_on_and_gets_an_intro(run: Callable[..., Any], song: Path, tmp_path: Path) -> None:
    before = sm.read(song)
    for verb, shift in (("continue", 0), ("intro", 1920)):
        new = tmp_path / f"{verb}.mid"
        assert run(verb, song, "--bars", 1, "-m", "multitrack", "-o", new).code == 0
        after = sm.read(new)
        given = after.notes[(after.notes["onset"] >= shift) & (after.notes["onset"] < shift + before.end)]
        assert sorted(zip((given["onset"] - shift).tolist(), given["pitch"].tolist(), strict=True)) == sorted(
            zip(before.notes["onset"].tolist(), before.notes["pitch"].tolist(), strict=True)
        )
        assert len(after.bars()) == 3


def test_a_variation_keeps_what_it_is_to_keep(run: Callable[..., Any], song: Path, tmp_path: Path) -> None:
    before = sm.read(song).notes
    arguments = (song, "--bars", "1-2", "--tracks", 1, "-m", "multitrack", "--seed", 1)
    assert run("vary", *arguments, "--near", 0.5, "-o", tmp_path / "vary.mid").code == 0
    after = sm.read(tmp_path / "vary.mid").notes
    own, new = (table[table["track"] == 1] for table in (before, after))
    stayed = {(int(n["onset"]), int(n["pitch"])) for n in own} & {(int(n["onset"]), int(n["pitch"])) for n in new}
    assert 4 <= len(stayed) < 8
    assert (before[before["track"] != 1] == after[after["track"] != 1]).all()
    assert run("busier", *arguments, "--factor", 2, "-o", tmp_path / "busy.mid").code == 0
    busy = sm.read(tmp_path / "busy.mid").notes
    assert (busy["track"] == 1).sum() >= 12
