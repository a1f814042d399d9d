"""Verbs in pipelines, as a shell runs them."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from symbolic_music import read
from symbolic_music.cli.output import pipes


@pytest.fixture
def given(monkeypatch):
    """Put bytes on standard input."""

    def put(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return put


@pytest.fixture
def poured(capfdbinary, given):
    """Run a verb on bytes; what it writes to standard output, and what it says."""

    def call(data: bytes, *arguments: str | Path) -> tuple[int, bytes, str]:
        from symbolic_music.cli import main

        given(data)
        with pytest.raises(SystemExit) as end:
            main([str(a) for a in arguments])
        captured = capfdbinary.readouterr()
        return int(end.value.code or 0), captured.out, captured.err.decode()

    return call


def test_a_score_from_standard_input(run, given, song) -> None:
    given(song.read_bytes())
    piped = run("info", "-")
    given(song.read_bytes())
    facts = json.loads(run("info", "-", "--json").out)
    plain = json.loads(run("info", song, "--json").out)
    assert piped.code == 0
    assert "standard input" in piped.out
    assert facts["notes"] == plain["notes"] > 0


def test_ids_and_back_through_pipes(poured, song, tmp_path) -> None:
    code, ids, said = poured(song.read_bytes(), "tokenize", "-", "-t", "anticipation", "-o", "-")
    assert code == 0
    assert said.startswith("standard output: ")
    array = np.load(io.BytesIO(ids), allow_pickle=False)
    code, midi, _ = poured(ids, "detokenize", "-", "-t", "anticipation", "-o", "-")
    assert code == 0
    (tmp_path / "back.mid").write_bytes(midi)
    assert len(read(tmp_path / "back.mid")) == len(array) // 3


def test_json_goes_beside_the_result(poured, song) -> None:
    code, sound, said = poured(song.read_bytes(), "render", "-", "-o", "-", "--sample-rate", "8000", "--json")
    assert code == 0
    assert sound[:4] == b"RIFF"
    assert json.loads(said)["sample_rate"] == 8000


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_as_input(run, song, tmp_path) -> None:
    pipe = tmp_path / "pipe.mid"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(song.read_bytes()))
    writer.start()
    outcome = run("info", pipe, "--json")
    writer.join()
    assert json.loads(outcome.out)["notes"] == json.loads(run("info", song, "--json").out)["notes"]


def test_mistakes_name_the_stream_and_not_a_temporary_file(mistake, given) -> None:
    given(b"no music")
    assert mistake("info", "-").startswith("standard input: not a MIDI file")
    given(b"")
    assert mistake("plot", "-", "--compare", "-", "-o", "x.png").startswith("standard input can be read once")
    given(b"")
    assert "leave --count out" in mistake("generate", "--count", "2", "-o", "-")
    given(b"")
    assert mistake("encode", "-") == "name the codes of a piped sound with -o"


def test_more_than_a_pipe_may_bring_is_refused(mistake, given, monkeypatch) -> None:
    monkeypatch.setattr(pipes, "MOST_BYTES", 1 << 20)
    given(bytes(2 << 20))
    assert mistake("info", "-") == "more than 1 MiB come from -; name a file"


def test_a_terminal_gets_no_bytes(mistake, song, monkeypatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert mistake("render", song, "-o", "-").startswith("standard output is a terminal")


@pytest.mark.parametrize(
    ("head", "suffix"),
    [
        (b"MThd\0\0\0\6", ".mid"),
        (b"RIFF\0\0\0\0RMIDdata", ".mid"),
        (b"RIFF\0\0\0\0WAVEfmt ", ".wav"),
        (b"fLaC", ".flac"),
        (b"\x93NUMPY", ".npy"),
        (b"PK\3\4...ids.npy", ".npz"),
        (b"PK\3\4...META-INF/container.xml", ".mxl"),
        (b"\xef\xbb\xbf<?xml", ".musicxml"),
        (b"\n<?xml", ".musicxml"),
        (b"X:1\nT:", ".abc"),
        (b"!!!COM: Bach\n**kern", ".krn"),
        (b"**kern\t**kern", ".krn"),
        (b"", ".mid"),
    ],
)
def test_what_a_stream_is_shows_in_its_first_bytes(head, suffix) -> None:
    assert pipes._suffix(head) == suffix
