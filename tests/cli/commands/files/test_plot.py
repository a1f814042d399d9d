from __future__ import annotations

import json

from symbolic_music.score import Score, Track


def test_a_picture_is_written(run, song, tmp_path) -> None:
    outcome = run("plot", song, "-o", tmp_path / "a.png")
    assert (outcome.code, outcome.out, outcome.err) == (0, f"{tmp_path / 'a.png'}: 40 notes\n", "")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_new_is_counted(run, song, tmp_path, quartet) -> None:
    notes = quartet.notes.copy()
    notes["pitch"][10:13] += 1
    changed = quartet.replace(notes=notes).write(tmp_path / "changed.mid")
    outcome = run("plot", changed, "--compare", song, "--from", "1", "--to", 2, "-o", tmp_path / "a.png", "--json")
    facts = json.loads(outcome.out)
    assert facts == {"notes": 40, "generated": 3, "seconds": 4.0, "out": str(tmp_path / "a.png")}


def test_a_part_is_drawn(run, song, tmp_path) -> None:
    assert run("plot", song, "--show", "bars:2", "-o", tmp_path / "part.svg").code == 0
    part = (tmp_path / "part.svg").read_text()
    assert "<!-- 2 -->" in part
    assert "<!-- 1 -->" not in part


def test_mistakes(mistake, song, tmp_path) -> None:
    picture = tmp_path / "a.png"
    assert "is the input" in mistake("plot", song, "-o", song)
    assert "name it .png" in mistake("plot", song, "-o", tmp_path / "a.gif")
    assert "come in pairs" in mistake("plot", song, "-o", picture, "--from", "1")
    assert "0 <= start < end" in mistake("plot", song, "-o", picture, "--from", "2", "--to", "1")
    assert "shows one part" in mistake("plot", song, "-o", picture, "--show", "bars:1,2")
    assert "--show takes bars:8-12" in mistake("plot", song, "-o", picture, "--show", "all")
    assert "has 2 bars" in mistake("plot", song, "-o", picture, "--show", "bars:3-4")
    assert "ends at 4.0 s" in mistake("plot", song, "-o", picture, "--from", "9", "--to", "10")
    assert "no such file" in mistake("plot", song, "--compare", tmp_path / "b.mid", "-o", picture)
    empty = Score(tracks=(Track(),)).write(tmp_path / "empty.mid")
    assert "no notes" in mistake("plot", empty, "-o", picture)


def test_how_alike_the_bars_are(run, mistake, song, tmp_path) -> None:
    facts = json.loads(run("plot", song, "-o", tmp_path / "bars.png", "--similarity", "--json").out)
    assert facts["bars"] == 2
    assert (tmp_path / "bars.png").read_bytes().startswith(b"\x89PNG")
    assert "2 bars" in run("plot", song, "-o", tmp_path / "bars.svg", "--similarity").out
    assert "likeness of what sounds" in (tmp_path / "bars.svg").read_text()
    assert "leave --compare" in mistake("plot", song, "-o", tmp_path / "x.png", "--similarity", "--from", 0, "--to", 1)
    assert "name it .png" in mistake("plot", song, "-o", tmp_path / "x.bmp", "--similarity")
    Score().write(tmp_path / "empty.mid")
    assert "without bars" in mistake("plot", tmp_path / "empty.mid", "-o", tmp_path / "x.png", "--similarity")
