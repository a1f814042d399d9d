import json

import pytest

pytest.importorskip("soundfile")


def test_controls_are_written_changed_and_heard(run, song, tmp_path) -> None:
    notes = tmp_path / "notes.json"
    first, second, third = (tmp_path / f"{name}.wav" for name in "abc")
    options = ("--synth", "midi-ddsp", "--sample-rate", "16000")
    assert run("render", song, "-o", first, *options, "--write-controls", notes).code == 0
    assert run("render", song, "-o", second, *options, "--controls", notes).code == 0
    content = json.loads(notes.read_text())
    known = [note for note in content["notes"] if "volume" in note]
    assert known
    known[0]["volume"] -= 20
    notes.write_text(json.dumps(content))
    assert run("render", song, "-o", third, *options, "--controls", notes).code == 0
    assert second.read_bytes() != third.read_bytes()


def test_controls_belong_to_one_synth(mistake, song, tmp_path) -> None:
    assert "midi-ddsp" in mistake("render", song, "-o", tmp_path / "a.wav", "--write-controls", tmp_path / "n.json")
