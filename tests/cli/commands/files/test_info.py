from __future__ import annotations

import json

import pytest

from symbolic_music.score import Score, Track
from symbolic_music.theory import key_name
from tests.io.midi.smf import bend, control, note, smf


def test_json_says_what_is_in_the_file(run, song) -> None:
    outcome = run("info", song, "--json")
    facts = json.loads(outcome.out)
    assert outcome.err == ""
    assert facts["readable"] is True
    assert facts["tracks"] == 5
    assert facts["notes"] == 40
    assert facts["seconds"] == 4.0
    assert facts["programs"] == [60, 68, 70, 73, 128]
    assert facts["problems"] == []
    assert (facts["tempo"], facts["meter"], facts["key"], facts["bars"]) == (120.0, "4/4", "C major", 2)
    assert facts["parts"][4] == {
        "track": 4, "name": "Drums", "program": 128, "drums": True, "notes": 8, "lowest": 36, "highest": 38,
        "first_onset": 0.0,
    }  # fmt: skip


def test_the_table_shows_each_track(run, song) -> None:
    text = run("info", song).out
    lines = {line.split()[1]: line for line in text.splitlines() if line.split()[:1] in (["0"], ["3"], ["4"])}
    assert "Flute" in lines["Flute"]
    assert "C5 to G5" in lines["Flute"]
    assert "2 sounds" in lines["Drums"]
    assert "120 quarters a minute" in text
    assert "C major" in text
    assert "\x1b" not in text


def test_a_file_without_notes_or_maps_is_described(run, tmp_path) -> None:
    path = Score(tracks=(Track("silent"),)).write(tmp_path / "empty.mid")
    facts = json.loads(run("info", path, "--json").out)
    assert (facts["notes"], facts["seconds"], facts["programs"]) == (0, 0.0, [])
    assert (facts["meter"], facts["key"]) == (None, None)
    assert run("info", path).code == 0


def test_broken_files_are_mistakes(mistake, run, tmp_path) -> None:
    text = tmp_path / "text.mid"
    text.write_text("not music")
    assert "text.mid" in mistake("info", text)
    assert json.loads(run("info", text, "--json").out)["readable"] is False
    assert mistake("info", text, "--json")
    assert mistake("info", tmp_path / "missing.mid") == f"no such file: {tmp_path / 'missing.mid'}"
    assert "symbolic-music prepare folder" in mistake("info", tmp_path)


@pytest.mark.parametrize(
    ("sharps", "minor", "name"),
    [(0, False, "C major"), (0, True, "A minor"), (3, True, "F# minor"), (-3, True, "C minor"), (-1, False, "F major"),
     (7, False, "C# major"), (-7, True, "Ab minor"), (6, False, "F# major"), (-2, False, "Bb major")],
)  # fmt: skip
def test_keys_have_their_names(sharps, minor, name) -> None:
    assert key_name(sharps, minor) == name


def test_the_meter_of_a_piece_with_an_upbeat(run, tmp_path) -> None:
    (tmp_path / "tune.abc").write_text("X:1\nM:3/4\nL:1/4\nK:G\nD|GAB|G3|]\n")
    told = json.loads(run("info", tmp_path / "tune.abc", "--json").out)
    assert (told["meter"], told["meter_changes"], told["bars"]) == ("3/4", 0, 3)


def test_controllers_of_a_channel_with_two_parts_are_counted_once(run, tmp_path) -> None:
    right = control(0, 64, 127) + note(72) + control(0, 64, 0)
    (tmp_path / "hands.mid").write_bytes(smf(right + bend(0, 100), note(48), note(50, 1) + control(0, 7, 90, 5)))
    told = json.loads(run("info", tmp_path / "hands.mid", "--json").out)
    assert told["beyond"] == {"controller 64": 2, "bend": 1, "controller 7": 1}
