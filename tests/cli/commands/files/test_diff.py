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


def test_files_that_say_the_same_in_other_bytes(run, tmp_path) -> None:
    a, b = pair(tmp_path, smf(note(60)), smf(on(0, 60) + b"\x83\x60\x90\x3c\x00"))
    assert run("diff", a, b).out == "equal, event by event (1 notes); the bytes differ\n"


def test_signs_that_are_not_played_are_said_not_to_be_compared(run, tmp_path) -> None:
    a, b = tmp_path / "a.abc", tmp_path / "b.abc"
    a.write_text("X:1\nT:t\nL:1/4\nK:C\nCDEF|\n")
    b.write_text("X:1\nT:t\nL:1/4\nK:C\n(CDEF)|\n")
    assert "not compared" in run("diff", a, b).out


def test_what_a_listener_hears(run, tmp_path) -> None:
    a, b = pair(
        tmp_path,
        smf(program(0, 40) + control(0, 7, 30), note(60) + note(62)),
        smf(control(0, 64, 127), note(60) + note(64)),
    )
    facts = json.loads(run("diff", a, b, "--json").out)
    assert facts["notes"][0]["changed"] == {"program": [40, 0], "volume": [30, 100], "seconds": [0.5, 1.0]}
    assert [(n["pitch"], n["only"]) for n in facts["notes"][1:]] == [(62, "a"), (64, "b")]
    text = run("diff", a, b).out
    assert "program 40 -> 0, volume 30 -> 100, length 0.500 s -> 1.000 s" in text
    assert "  track 1: 1 only in A, 1 only in B, 1 changed\n" in text
    assert "0.500 s  bar   1  D4   track 1  only in A" in text


def test_notes_of_other_tracks_are_not_taken_for_changed_ones(run, tmp_path) -> None:
    def two(names: tuple[bytes, bytes], first: bytes, second: bytes) -> bytes:
        return smf(meta(0, 3, names[0]) + program(0, 1) + first, meta(0, 3, names[1]) + program(0, 2, 1) + second)

    names = (b"Left", b"Right")
    quiet, loud = on(0, 60, 30, 1) + off(240, 60, 1), on(0, 60, 90) + off(480, 60)
    a, b = pair(tmp_path, two(names, loud, b""), two(names, b"", quiet))
    facts = json.loads(run("diff", a, b, "--json").out)
    assert [(n["name"], n["only"], n["bar"]) for n in facts["notes"]] == [("Left", "a", 1), ("Right", "b", 1)]


def test_a_note_that_moved_to_another_track_is_one_note(run, tmp_path) -> None:
    a, b = pair(tmp_path, smf(program(0, 1) + note(60)), smf(b"", note(60)))
    (found,) = json.loads(run("diff", a, b, "--json").out)["notes"]
    assert found["changed"] == {"program": [1, 0]}


def test_events_of_notes_come_last_and_controllers_have_names(run, tmp_path) -> None:
    a, b = pair(tmp_path, smf(note(60)), smf(control(0, 64, 0) + on(0, 60, 65) + off(480, 60)))
    text = run("diff", a, b).out
    assert "3 events are in one file only: 2 of notes, 1 of others" in text
    assert text.index("+ track 0  tick 0  controller 64 (sustain pedal) channel 1: 0") < text.index("note on channel 1")


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
    assert "volume (1)" in text


def test_info_says_the_meter_of_most_of_the_piece(run, tmp_path) -> None:
    path = tmp_path / "a.mid"
    path.write_bytes(smf(meta(0, 0x58, b"\x01\x03\x18\x08") + meta(240, 0x58, b"\x03\x02\x18\x08") + note(60) * 9))
    assert "1/8, 1 change, mostly 3/4" in run("info", path).out


def test_info_says_where_the_key_is_as_the_notes_suggest_and_counts_drums(run, tmp_path) -> None:
    path = tmp_path / "a.mid"
    drums = on(0, 36, channel=9) + off(9, 36, 9) + on(0, 42, channel=9) + off(9, 42, 9)
    path.write_bytes(smf(meta(0, 0x59, b"\x03\x01"), note(66) + note(69) + note(73), drums * 3))
    text = run("info", path).out
    assert "F# minor, which the notes suggest too" in text
    assert "2 sounds" in text
