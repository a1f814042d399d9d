from __future__ import annotations

import json

from tests.io.midi.smf import control, meta, off, on, program, smf


def note(pitch: int) -> bytes:
    return on(0, pitch) + off(480, pitch)


def pair(tmp_path, first: bytes, second: bytes):
    (tmp_path / "a.mid").write_bytes(first)
    (tmp_path / "b.mid").write_bytes(second)
    return tmp_path / "a.mid", tmp_path / "b.mid"


def test_equal_files(run, tmp_path) -> None:
    a, b = pair(tmp_path, smf(note(60)), smf(note(60)))
    assert run("diff", a, b).out == "equal, event by event (1 notes)\n"
    facts = json.loads(run("diff", a, b, "--json").out)
    assert (facts["equal"], facts["sounds_alike"], facts["notes"], facts["events"]) == (True, True, [], [])


def test_what_a_listener_hears(run, tmp_path) -> None:
    a, b = pair(
        tmp_path,
        smf(program(0, 40) + control(0, 7, 30), note(60) + note(62)),
        smf(control(0, 64, 127), note(60) + note(64)),
    )
    facts = json.loads(run("diff", a, b, "--json").out)
    assert facts["notes"][0]["changed"] == {"program": [40, 0], "volume": [30, 100], "seconds": [0.5, 1.0]}
    assert [(n["pitch"], n["only"]) for n in facts["notes"][1:]] == [(62, "a"), (64, "b")]
    assert "program 40 -> 0, volume 30 -> 100" in run("diff", a, b).out


def test_what_no_listener_hears(run, tmp_path) -> None:
    a, b = pair(tmp_path, smf(meta(0, 1, b"by \xe9ar") + note(60)), smf(note(60), b""))
    text = run("diff", a, b).out
    assert "no audible difference" in text
    assert "tracks: 1 -> 2" in text
    assert "- track 0  tick 0  text" in text
    assert "+ track 1  tick 0  end of track" in text


def test_a_long_list_is_cut(run, tmp_path) -> None:
    a, b = pair(tmp_path, smf(note(60) * 100), smf(b""))
    assert "and 60 more (--all shows them)" in run("diff", a, b).out
    assert "more" not in run("diff", a, b, "--all").out


def test_mistakes(mistake, tmp_path) -> None:
    a, _ = pair(tmp_path, smf(note(60)), b"")
    assert "no such file" in mistake("diff", a, tmp_path / "c.mid")


def test_info_lists_what_there_is_beside_notes(run, tmp_path) -> None:
    tempo = meta(0, 0x51, b"\x07\xa1\x20")
    path = tmp_path / "a.mid"
    keys = meta(0, 0x59, b"\x00\x00")
    path.write_bytes(smf(tempo * 3 + meta(0, 2, b"me") + keys, control(0, 7, 9) + note(66) + note(69) + note(73)))
    facts = json.loads(run("info", path, "--json").out)
    assert (facts["tempo_changes"], facts["key"], facts["estimated_key"]) == (0, "C major", "F# minor")
    assert facts["beyond"] == {"controller 7": 1, "copyright": 1}
    text = run("info", path).out
    assert "C major; the notes suggest F# minor" in text
    assert "copyright (1)" in text
