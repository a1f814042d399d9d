import io
from pathlib import Path

import mido
import numpy as np
import pytest

from symbolic_music.io.midi import midi_bytes, parse_midi
from symbolic_music.io.provenance import stated, statement, statements, write_with_statement
from symbolic_music.score import NOTE, Score, Track, joined, note_table
from symbolic_music.version import __version__

TEXT = statement("song", 3)


def two_tracks() -> Score:
    rows = [(0, 240, 60, 80, 0, 0, 0), (0, 240, 43, 90, 33, 1, 1), (480, 240, 64, 80, 0, 0, 0)]
    return Score(480, note_table(rows), tracks=(Track("Piano", 0), Track("Bass", 33)))


def chunks(data: bytes) -> list[bytes]:
    found, at = [], 14
    while at < len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        found.append(data[at : at + 8 + size])
        at += 8 + size
    return found


def test_the_words():
    assert f"Written by symbolic-music {__version__}: model song, seed 3" == TEXT
    assert statement("song", 3, 2).endswith(", seed 3, alternative 2")


def test_a_new_file_says_it_first_and_plays_the_same():
    data = midi_bytes(two_tracks())
    said = stated(data, TEXT)
    first = mido.MidiFile(file=io.BytesIO(said)).tracks[0][0]
    assert (first.type, first.text, first.time) == ("text", TEXT, 0)
    assert parse_midi(said).notes.tolist() == parse_midi(data).notes.tolist()
    assert statements(parse_midi(said)) == [TEXT]


def test_only_the_track_that_was_written_to_changes():
    before = midi_bytes(two_tracks())
    score = parse_midi(before)
    new = note_table([(960, 240, 45, 90, 33, 1, int(score.notes["track"].max()))])
    changed = score.replace(notes=np.sort(joined([score.notes, new], NOTE), order="onset", kind="stable"))
    patched = midi_bytes(changed)
    said = stated(patched, TEXT, before)
    assert said[:14] == before[:14]
    old, plain, new_chunks = chunks(before), chunks(patched), chunks(said)
    assert new_chunks[:2] == old[:2] == plain[:2]
    assert new_chunks[2] != plain[2]
    assert statements(parse_midi(said)) == [TEXT]
    assert parse_midi(said).notes.tolist() == parse_midi(patched).notes.tolist()


def test_it_is_said_once():
    said = stated(midi_bytes(two_tracks()), TEXT)
    assert stated(said, TEXT) == said
    other = stated(said, statement("piano", 4))
    assert statements(parse_midi(other)) == [statement("piano", 4), TEXT]


def test_a_file_that_nothing_was_written_to_says_nothing():
    data = midi_bytes(two_tracks())
    assert stated(data, TEXT, data) == data


@pytest.mark.parametrize("length", [100, 200, 20_000])
def test_words_of_any_length(length):
    text = statement("m" * length, 0)
    assert statements(parse_midi(stated(midi_bytes(two_tracks()), text))) == [text]


def test_a_file_is_written(tmp_path: Path):
    path = tmp_path / "a.mid"
    write_with_statement(two_tracks(), path, TEXT)
    assert statements(parse_midi(path.read_bytes())) == [TEXT]


def test_a_name_that_is_no_text_is_said_as_far_as_it_is():
    score = two_tracks()
    assert b"model ?, seed" in stated(midi_bytes(score), statement("\ud800", 3))
