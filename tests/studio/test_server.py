"""The server without a page: who is answered, what sessions keep, what a wish becomes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbolic_music as sm
from symbolic_music.score import KEY, NOTE, Score, Track, note_table
from symbolic_music.studio.score_json import key_name
from tests.browsers import until
from tests.studio.conftest import Client, band

BAR = 1920


def opened(client: Client, file: Path) -> str:
    """A session of a file; its address."""
    return f"/sessions/{client.post('/sessions', file.read_bytes(), name=file.name)['id']}"


def outside(score: Score, first: int, last: int, tracks: list[int]) -> np.ndarray[Any, Any]:
    """Notes that no wish of this stretch and these tracks may touch."""
    notes = score.notes
    return notes[~((notes["onset"] >= first) & (notes["onset"] < last) & np.isin(notes["track"], tracks))]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Content-Length": str(1 << 40)}, 413),
        ({}, 200),
    ],
)
def test_only_the_page_itself_is_answered(client: Client, headers: dict[str, str], status: int) -> None:
    assert client.raw("GET", "", headers=headers)[0] == status


def test_without_the_token_nothing_is_told(client: Client) -> None:
    status, _, body = Client(client.port, "wrong").raw("GET", "/sessions")
    assert status == 401
    assert "token" in json.loads(body)["error"]


def test_the_page_may_run_no_script_but_its_own(client: Client) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", client.port)
    connection.request("GET", "/")
    response = connection.getresponse()
    assert response.status == 200
    assert "script-src 'self'" in response.headers["content-security-policy"]
    assert b"main.js" in response.read()
    connection.request("GET", "/../server.py")
    assert connection.getresponse().status == 404
    connection.close()


@pytest.mark.parametrize("name", ["..", "%2e%2e", "../../etc", "a/b", "nothing-here"])
def test_no_session_is_outside_the_folder(client: Client, name: str) -> None:
    assert client.raw("GET", f"/sessions/{name}")[0] == 404


def test_what_is_no_music_is_refused_and_leaves_no_folder(client: Client) -> None:
    before = len(client.get("/sessions"))
    assert client.raw("POST", "/sessions", b"not music", name="x.mid")[0] == 400
    assert client.raw("POST", "/sessions", b"MThd", name="x.exe")[0] == 400
    assert len(client.get("/sessions")) == before


def test_a_refusal_names_the_file_as_it_was_given(client: Client) -> None:
    error = json.loads(client.raw("POST", "/sessions", b"not music", name="my song.mid")[2])["error"]
    assert error.startswith("my song.mid: not a MIDI file")


def test_a_file_without_tracks_opens_with_an_empty_one(client: Client) -> None:
    meter = b"\0\xff\x58\x04\x03\x02\x18\x08\0\xff\x2f\0"
    data = b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk" + len(meter).to_bytes(4, "big") + meter
    session = f"/sessions/{client.post('/sessions', data, name='empty.mid')['id']}"
    facts = client.get(f"{session}/score")
    assert ([track["title"] for track in facts["tracks"]], facts["bars"]) == (["Piano"], [0, 1440])
    note = {"onset": 0, "duration": 480, "pitch": 60, "track": 0}
    client.post(f"{session}/changes", {"state": 1, "changes": [{"do": "add", "notes": [note]}]})
    assert client.get(f"{session}/score")["notes"]["pitch"] == [60]


def test_where_the_chosen_model_thins_nothing_out_another_does_and_it_is_told(client: Client, band_file: Path) -> None:
    session = opened(client, band_file)
    wish = {"verb": "sparser", "state": 1, "spans": [[0, 4 * BAR]], "tracks": [0], "alternatives": 1, "seed": 5}
    edit = client.post(f"{session}/edits", {**wish, "model": "song", "factor": 0.6})["edit"]
    kind, told = client.events(f"{session}/edits/{edit}/events")[-1]
    assert (kind, told["model"]) == ("done", "multitrack")
    assert 0 < told["alternatives"][0]["notes"] < 16


def test_a_file_is_described_and_saved_as_it_was(client: Client, band_file: Path) -> None:
    session = opened(client, band_file)
    facts = client.get(f"{session}/score")
    assert facts["notes"]["pitch"] == band().notes["pitch"].tolist()
    assert [track["title"] for track in facts["tracks"]] == ["Melody", "Bass", "Drums"]
    assert (facts["key"], facts["bars"][:3]) == ("G major", [0, 1920, 3840])
    assert client.raw("GET", f"{session}/files/mid")[2] == band_file.read_bytes()


@pytest.mark.parametrize(
    ("sharps", "minor", "pitches", "key"),
    [
        # The notes of C and of G major: what is written decides.
        (0, 0, (67, 69, 71, 67, 74, 67, 72), "C major"),
        (1, 0, (67, 69, 71, 67, 74, 67, 72), "G major"),
        # F sharp is not in C major, which is only the default.
        (0, 0, (67, 69, 71, 67, 74, 66, 67), "G major"),
        (-1, 1, (62, 65, 69, 62, 67, 64, 62), "D minor"),
        (None, 0, (67, 69, 71, 67, 74, 67, 72), "G major"),
    ],
)
def test_the_written_key_is_shown_where_the_notes_keep_to_it(
    sharps: int | None, minor: int, pitches: tuple[int, ...], key: str
) -> None:
    notes = note_table([(480 * at, 480, pitch, 80, 0, 0, 0) for at, pitch in enumerate(pitches)])
    keys = np.array([] if sharps is None else [(0, sharps, minor)], KEY)
    assert key_name(Score(notes=notes, keys=keys, tracks=(Track("", 0),))) == key


def test_changes_by_hand_make_states_and_are_undone(client: Client, band_file: Path) -> None:
    session = opened(client, band_file)
    note = {"onset": 0, "duration": 480, "pitch": 60, "velocity": 99, "track": 1}
    told = client.post(f"{session}/changes", {"state": 1, "changes": [{"do": "add", "notes": [note]}]})
    assert (told["current"], told["states"][1]["parent"]) == (2, 1)
    assert len(client.get(f"{session}/score")["notes"]["onset"]) == len(band()) + 1
    assert client.post(f"{session}/go", {"to": "undo"})["current"] == 1
    client.post(f"{session}/changes", {"state": 1, "changes": [{"do": "delete", "rows": [0]}]})
    assert client.post(f"{session}/go", {"to": 2})["current"] == 2
    assert client.post(f"{session}/go", {"to": "undo"})["current"] == 1
    assert client.post(f"{session}/go", {"to": "redo"})["current"] == 3
    assert client.post(f"{session}/name", {"state": 3, "name": "<b>best</b>"})["states"][2]["name"] == "<b>best</b>"


def test_a_track_without_notes_keeps_its_place(client: Client, band_file: Path) -> None:
    session = opened(client, band_file)
    changes = [
        {"do": "new-track", "name": "Strings", "instrument": 48},
        {"do": "delete", "rows": list(range(len(band())))},
    ]
    note = {"onset": 0, "duration": 480, "pitch": 50, "velocity": 80, "track": 3}
    client.post(f"{session}/changes", {"state": 1, "changes": [*changes, {"do": "add", "notes": [note]}]})
    facts = client.get(f"{session}/score")
    assert [track["title"] for track in facts["tracks"]] == ["Melody", "Bass", "Drums", "Strings"]
    assert facts["notes"]["track"] == [3]


@pytest.mark.parametrize(
    "changes",
    [[], [{"do": "explode"}], [{"do": "delete", "rows": [10_000]}], [{"do": "move", "rows": [0], "semitones": 100}]],
)
def test_impossible_changes_are_refused(client: Client, band_file: Path, changes: list[Any]) -> None:
    session = opened(client, band_file)
    status, _, body = client.raw("POST", f"{session}/changes", json.dumps({"state": 1, "changes": changes}).encode())
    assert status == 400
    assert json.loads(body)["error"]
    assert client.get(session)["current"] == 1


def test_a_wish_is_drawn_told_and_kept_and_all_else_stays(client: Client, band_file: Path, tmp_path: Path) -> None:
    session = opened(client, band_file)
    wish = {"verb": "rewrite", "state": 1, "spans": [[2 * BAR, 4 * BAR]], "tracks": [1], "alternatives": 2, "seed": 3,
            "limits": {"lowest": 30, "highest": 50}}  # fmt: skip
    edit = client.post(f"{session}/edits", wish)["edit"]
    events = client.events(f"{session}/edits/{edit}/events")
    assert events[0][0] == "start"
    assert events[-1][0] == "done"
    drawn = [note for kind, content in events if kind == "notes" for note in content["notes"]]
    told = events[-1][1]["alternatives"]
    assert {one["number"] for one in told} == {0, 1}
    assert [one["rank"] for one in told] == [1, 2]
    assert 1 >= told[0]["fit"] >= told[1]["fit"] >= 0
    assert {"in the key", "on the grid"} <= told[0]["shares"].keys()
    assert sum(one["notes"] for one in told) == len(drawn)
    assert all(note[1] == 1 and 2 * BAR <= note[2] < 4 * BAR and 30 <= note[4] <= 50 for note in drawn)
    client.post(f"{session}/edits/{edit}/keep", {"takes": [{"alternative": 1, "first": 2 * BAR, "last": 4 * BAR}]})
    saved = tmp_path / "saved.mid"
    saved.write_bytes(client.raw("GET", f"{session}/files/mid")[2])
    score, place = sm.read(saved), (2 * BAR, 4 * BAR, [1])
    assert (outside(score, *place) == outside(sm.read(band_file), *place)).all()
    new = score.notes[
        (score.notes["track"] == 1) & (score.notes["onset"] >= 2 * BAR) & (score.notes["onset"] < 4 * BAR)
    ]
    assert sorted(new["onset"].tolist()) == sorted(note[2] for note in drawn if note[0] == 1)


def test_bars_of_two_alternatives_are_mixed(client: Client, band_file: Path) -> None:
    session = opened(client, band_file)
    wish = {"verb": "vary", "near": 0, "state": 1, "spans": [[0, 2 * BAR]], "tracks": [1], "alternatives": 2, "seed": 1}
    edit = client.post(f"{session}/edits", wish)["edit"]
    client.events(f"{session}/edits/{edit}/events")
    one, other = (client.get(f"{session}/edits/{edit}/alternatives/{i}")["notes"] for i in (0, 1))
    takes = [{"alternative": 0, "first": 0, "last": BAR}, {"alternative": 1, "first": BAR, "last": 2 * BAR}]
    client.post(f"{session}/edits/{edit}/keep", {"takes": takes})
    mixed = client.get(f"{session}/score")["notes"]

    def heard(notes: dict[str, list[int]], first: int, last: int) -> list[tuple[int, ...]]:
        rows = zip(notes["track"], notes["onset"], notes["pitch"], strict=True)
        return sorted(row for row in rows if first <= row[1] < last)

    assert heard(mixed, 0, BAR) == heard(one, 0, BAR)
    assert heard(mixed, BAR, 2 * BAR) == heard(other, BAR, 2 * BAR)
    assert heard(mixed, 2 * BAR, 99 * BAR) == heard(one, 2 * BAR, 99 * BAR)


@pytest.mark.parametrize(
    "verb", ["continue", "intro", "add-track", "sparser", "busier", "revoice", "harmonise", "accompany"]
)
def test_every_wish_is_granted(client: Client, tmp_path: Path, verb: str) -> None:
    session = opened(client, band(2).write(tmp_path / "two.mid"))
    limits = {"chords": [[1, "G"]] if verb == "harmonise" else []}
    wish = {"verb": verb, "state": 1, "spans": [[0, BAR]], "tracks": [0], "alternatives": 1, "bars": 1, "seed": 0}
    wish |= {"factor": 0.5 if verb == "sparser" else 1.5, "limits": limits}
    edit = client.post(f"{session}/edits", wish)["edit"]
    kind, content = client.events(f"{session}/edits/{edit}/events")[-1]
    assert kind == "done", content
    client.post(f"{session}/edits/{edit}/keep", {"takes": [{"alternative": 0, "first": 0, "last": BAR}]})
    facts = client.get(f"{session}/score")
    assert len(facts["bars"]) - 1 == (3 if verb in ("continue", "intro") else 2)
    assert len(facts["tracks"]) == (4 if verb == "add-track" else 3)


def test_a_wish_that_cannot_be_says_why(client: Client, band_file: Path) -> None:
    session = opened(client, band_file)
    wish = {"verb": "harmonise", "state": 1, "spans": [[0, BAR]], "tracks": [0]}
    edit = client.post(f"{session}/edits", wish)["edit"]
    assert client.events(f"{session}/edits/{edit}/events")[-1] == (
        "failed",
        {"message": "there are no chords to harmonise with: write some into the chord lane"},
    )
    assert client.raw("POST", f"{session}/edits", b'{"verb": "sing", "state": 1}')[0] == 400
    assert client.get(session)["current"] == 1


def test_a_wish_is_cancelled(client: Client, band_file: Path) -> None:
    session = opened(client, band_file)
    wish = {"verb": "rewrite", "state": 1, "spans": [[0, 8 * BAR]], "alternatives": 8}
    edit = client.post(f"{session}/edits", wish)["edit"]
    client.post(f"{session}/edits/{edit}/cancel")
    assert client.events(f"{session}/edits/{edit}/events")[-1][0] == "cancelled"
    until(lambda: client.get(f"{session}/edits/{edit}")["status"] == "cancelled", "the record")


def test_sound_comes_as_samples_from_any_moment(client: Client, band_file: Path) -> None:
    session = opened(client, band_file)
    _, headers, body = client.raw("GET", f"{session}/sound", **{"from": 4, "to": 5, "silent": "1,2"})
    samples = np.frombuffer(body, "<i2").reshape(-1, 2)
    assert headers["x-sample-rate"] == "44100"
    assert len(samples) > 44100
    assert np.abs(samples[:4410]).max() > 500
    silent = client.raw("GET", f"{session}/sound", **{"from": 4, "to": 5, "silent": "0,1,2"})[2]
    assert not np.frombuffer(silent, "<i2").any()
    note = np.frombuffer(client.raw("GET", "/note", instrument=128, pitch=36)[2], "<i2")
    assert np.abs(note).max() > 500
    assert client.raw("GET", f"{session}/sound", synth="cat")[0] == 400


def test_files_are_sent_whole_and_in_ranges(client: Client, tmp_path: Path) -> None:
    session = opened(client, band(2).write(tmp_path / "two.mid"))
    status, headers, whole = client.raw("GET", f"{session}/files/wav")
    assert (status, whole[:4], headers["accept-ranges"]) == (200, b"RIFF", "bytes")
    status, _, part = client.raw("GET", f"{session}/files/wav", headers={"Range": "bytes=100-199"})
    assert (status, part) == (206, whole[100:200])
    assert client.raw("GET", f"{session}/files/png")[2][:4] == b"\x89PNG"
    assert b"<score-partwise" in client.raw("GET", f"{session}/files/musicxml")[2]
    assert client.raw("GET", f"{session}/files/stems.zip")[2][:2] == b"PK"
    assert client.raw("GET", f"{session}/files/exe")[0] == 400


def test_the_document_names_every_address(client: Client) -> None:
    document = client.get("/openapi.json")
    assert document["openapi"].startswith("3.1")
    assert document["components"]["schemas"]["EditRequest"]["properties"]["verb"]["enum"][0] == "rewrite"
    from starlette.routing import Route

    from symbolic_music.studio.app import application
    from symbolic_music.studio.session.shared_state import Context

    context = Context(None, None)  # type: ignore[arg-type]
    routes = [route for route in application(context).routes if isinstance(route, Route)]
    named = {(path, method) for path, operations in document["paths"].items() for method in operations}
    answered = {(route.path, m.lower()) for route in routes for m in route.methods or () if m != "HEAD"}
    assert answered - {("/api/openapi.json", "get")} == named


def test_examples_are_pieces(client: Client) -> None:
    pytest.importorskip("music21")
    assert len(client.get("/examples")) == 5
    session = client.post("/examples/song")
    facts = client.get(f"/sessions/{session['id']}/score")
    assert [track["title"] for track in facts["tracks"]] == ["Melody", "Piano", "Bass", "Drums"]
    assert NOTE.names is not None
    assert len(facts["notes"]["onset"]) > 500


@pytest.mark.skipif(sys.platform == "win32", reason="no flock there")
def test_two_studios_do_not_share_a_folder(band_file, tmp_path, capsys) -> None:
    from symbolic_music.cli import main
    from symbolic_music.studio import alone, studio

    with alone(studio(tmp_path / "sessions")), pytest.raises(SystemExit) as end:
        main(["studio", str(band_file), "--sessions", str(tmp_path / "sessions"), "--no-browser"])
    assert end.value.code == 2
    assert "another studio keeps its sessions in" in capsys.readouterr().err
    assert list((tmp_path / "sessions").iterdir()) == []
