"""Folders with what is no music: links to nothing, broken files, names that are no text."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from symbolic_music.transforms import transpose


@pytest.fixture
def folder(quartet, tmp_path) -> Path:
    """Three pieces, one of a name that is not UTF-8, a broken file and a link to nothing."""
    own = tmp_path / "music"
    own.mkdir()
    for i, name in enumerate((b"a.mid", b"b.mid", b"c.mid")):
        transpose(quartet, i).write(own / os.fsdecode(name))
    (own / "x.mid").write_bytes(b"no music")
    (own / "y.mid").symlink_to("nowhere.mid")
    return own


@pytest.mark.skipif(sys.platform != "linux", reason="names of bytes")
def test_reports_name_files_whose_names_are_no_text(run, folder: Path, tmp_path: Path) -> None:
    (folder / "a.mid").rename(folder / os.fsdecode(b"a\xff.mid"))
    outcome = run("compare", folder, folder, "--report", tmp_path / "a.html")
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "a.html").read_text("utf-8").rstrip().endswith("</html>")
    outcome = run("listening-test", folder.rename(tmp_path / "one"), tmp_path / "one", "-o", tmp_path / "l.html")
    assert outcome.code == 2  # x.mid is none
    assert "x.mid" in outcome.err


def test_originality_leaves_out_what_is_no_music(run, mistake, folder: Path, tmp_path: Path) -> None:
    assert run("prepare", "folder", folder, "-o", tmp_path / "store").code == 0
    facts = json.loads(run("originality", folder, tmp_path / "store", "--json").out)
    assert len(facts["files"]) == 3
    assert sorted(Path(name).name for name in facts["left_out"]) == ["x.mid", "y.mid"]
    told = run("originality", folder, tmp_path / "store", "--report", tmp_path / "o.html")
    assert f"left out: {folder / 'x.mid'}: not a MIDI file" in told.out
    assert "x.mid" in mistake("originality", folder / "x.mid", tmp_path / "store")
