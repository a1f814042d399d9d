from __future__ import annotations

import json
import signal
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from symbolic_music.corpora.datasets import downloads
from symbolic_music.corpora.preparation import pipeline as library
from tests.corpora.example_files import album, files, transposed, tune, write


@pytest.fixture
def music(tmp_path) -> Path:
    source = album(tmp_path / "music", 6)
    (source / "bad.mid").write_text("not music")
    return source


def test_a_store_is_made_and_described(run, music, tmp_path) -> None:
    outcome = run("prepare", "folder", music, "-o", tmp_path / "store", "--workers", 1, "--splits", "0/0/100")
    assert (outcome.code, outcome.err) == (0, "")
    lines = [line.split() for line in outcome.out.splitlines()]
    assert ["test", "6"] in [line[:2] for line in lines]
    assert ["1", "not", "a", "MIDI", "file", "(no", "MThd", "header)"] in lines
    again = run("info", tmp_path / "store")
    assert again.out == outcome.out


def test_json_has_the_agreed_keys(run, music, tmp_path) -> None:
    made = json.loads(run("prepare", "folder", music, "-o", tmp_path / "store", "--workers", 2, "--json").out)
    facts = json.loads(run("info", tmp_path / "store", "--json").out)
    assert facts["pieces"] == 6
    assert facts["notes"] == 720
    assert sum(facts["splits"].values()) == 6
    assert facts["seconds"] > 0
    assert facts["left_out"] == {"not a MIDI file (no MThd header)": 1}
    assert {**made, "out": None} == facts
    assert made["out"] == str(tmp_path / "store")


def test_every_byte_is_verified_when_asked(run, mistake, music, song, tmp_path) -> None:
    store = tmp_path / "store"
    run("prepare", "folder", music, "-o", store, "--workers", 1)
    assert run("info", store, "--verify").out == run("info", store).out
    columns = store / "segments" / "00000.safetensors"
    columns.write_bytes(columns.read_bytes()[:-1] + b"x")
    assert run("info", store).code == 0
    assert "00000.safetensors is damaged" in mistake("info", store, "--verify")
    assert "note stores" in mistake("info", song, "--verify")


def test_near_duplicates_are_reported(run, tmp_path) -> None:
    source = write(tmp_path / "music", {f"{n}.mid": tune(n) for n in range(8)})
    write(source, {f"copy{n}.mid": transposed(tune(n), 1) for n in range(8)})
    outcome = run("prepare", "folder", source, "-o", tmp_path / "store", "--splits", "dedup", "--workers", 1)
    assert "near-duplicates: 16 pieces in 8 groups, the largest of 2" in outcome.out
    assert "plain splits" in outcome.out


def test_a_picture_is_drawn_of_a_store_only(run, mistake, music, song, tmp_path) -> None:
    run("prepare", "folder", music, "-o", tmp_path / "store", "--workers", 1)
    outcome = run("info", tmp_path / "store", "-o", tmp_path / "page.png")
    assert outcome.code == 0
    assert "page.png: page of plots" in outcome.out
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")
    facts = json.loads(run("info", tmp_path / "store", "-o", tmp_path / "page.svg", "--json").out)
    assert facts["out"] == str(tmp_path / "page.svg")
    assert "plot" in mistake("info", song, "-o", tmp_path / "song.png")
    assert "gif" in mistake("info", tmp_path / "store", "-o", tmp_path / "page.gif")
    assert "no such folder" in mistake("info", tmp_path / "store", "-o", tmp_path / "none" / "page.png")


def test_mistakes_are_one_line(mistake, music, tmp_path) -> None:
    store = tmp_path / "store"
    assert "maestro, lakh, chorales" in mistake("prepare", "bach", music, "-o", store)
    assert mistake("prepare", "folder", tmp_path / "none", "-o", store).startswith("no such file or folder")
    assert "shares" in mistake("prepare", "folder", music, "-o", store, "--splits", "90/10")
    assert "anticipation" in mistake("prepare", "folder", music, "-o", store, "--filter", "all")
    assert "v3.0.0" in mistake("prepare", "maestro", tmp_path / "m", "-o", store, "--download", "v9")
    assert "is not empty" in mistake("prepare", "folder", music, "-o", music)
    assert "--output" in mistake("prepare", "folder", music)
    assert not store.exists()


def test_an_unfinished_store_says_so(mistake, tmp_path) -> None:
    (tmp_path / "store" / "segments").mkdir(parents=True)
    assert "run the same prepare again" in mistake("info", tmp_path / "store")


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_stopped_says_how_to_go_on(run, music, tmp_path, monkeypatch, number) -> None:
    real = library.prepare

    def stopped(*arguments, progress, **options):
        def count(done: int, total: int) -> None:
            progress(done, total)
            if done == 2:
                signal.raise_signal(number)  # to this thread: another may have it much later

        return real(*arguments, progress=count, **{**options, "pieces": 1})

    monkeypatch.setattr(library, "prepare", stopped)
    before = signal.getsignal(signal.SIGTERM)
    outcome = run("prepare", "folder", music, "-o", tmp_path / "store", "--workers", 1)
    assert outcome.code == 130
    assert "stopped with 2 of 7 segments done; the same command resumes" in outcome.err
    assert signal.getsignal(signal.SIGTERM) is before
    monkeypatch.setattr(library, "prepare", lambda *a, **o: real(*a, **{**o, "pieces": 1}))
    assert run("prepare", "folder", music, "-o", tmp_path / "store", "--workers", 1).code == 0
    assert run("prepare", "folder", music, "-o", tmp_path / "fresh", "--workers", 1).code == 0
    assert files(tmp_path / "store") == files(tmp_path / "fresh")


def test_a_corpus_is_fetched_first(run, tmp_path, monkeypatch) -> None:
    folder = write(tmp_path / "groove", {"a.mid": tune(1)})
    header = "drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split"
    (folder / "info.csv").write_text(f"{header}\nd,s,i,rock,95,beat,4-4,a.mid,,1.0,train\n")
    with zipfile.ZipFile(tmp_path / "groove.zip", "w") as zipped:
        for name, data in files(folder).items():
            zipped.writestr(f"groove/{name}", data)
    data = (tmp_path / "groove.zip").read_bytes()
    archive = downloads.Archive((tmp_path / "groove.zip").as_uri(), sha256(data).hexdigest())
    monkeypatch.setitem(downloads.ARCHIVES, "groove", {"v1.0.0": archive})
    outcome = run("prepare", "groove", tmp_path / "got", "-o", tmp_path / "store", "--download", "v1.0.0",
                  "--workers", 1, "--json")  # fmt: skip
    assert json.loads(outcome.out)["pieces"] == 1
    assert (tmp_path / "got" / "groove.zip").read_bytes() == data


def test_a_split_that_would_stay_empty_is_refused(run, mistake, tmp_path):
    command = ("prepare", "folder", album(tmp_path / "music", 1), "--workers", 1, "-o", tmp_path / "store")
    told = mistake(*command)
    assert told.endswith(
        "has one piece that can be used for 3 splits: validation and test would be empty; "
        "add pieces, or give such a split a share of 0, as --splits 100/0/0"
    )
    assert not (tmp_path / "store").exists()
    assert run(*command, "--splits", "100/0/0").err == ""
