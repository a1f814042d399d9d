"""Writing and reading again, as MIDI and as MusicXML."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic_music import read
from symbolic_music.errors import FileError, MidiError, NotationError
from symbolic_music.io import midi_bytes, parse_midi
from symbolic_music.score import BEND, CONTROL, KEY, METER, TEMPO, Score, Text, Track, note_table


def sounding(score: Score) -> list[tuple[int, ...]]:
    """(onset, duration, pitch, velocity, instrument), sorted."""
    columns = [score.notes[name].tolist() for name in ("onset", "duration", "pitch", "velocity")]
    return sorted(zip(*columns, score.instruments.tolist(), strict=True))


def test_a_note_struck_again_where_it_ends_is_not_cut() -> None:
    score = Score(notes=note_table([(0, 100, 60), (100, 50, 60), (100, 0, 60), (150, 10, 60)]))
    assert sounding(parse_midi(midi_bytes(score))) == sounding(score)


def test_a_note_inside_another_of_its_pitch_keeps_its_length() -> None:
    score = Score(notes=note_table([(0, 100, 60, 1), (20, 30, 60, 2), (20, 90, 60, 3), (30, 5, 60, 4)]))
    assert sounding(parse_midi(midi_bytes(score))) == sounding(score)


@pytest.mark.parametrize("tracks", [3, 15, 16, 17, 40, 128])
def test_any_number_of_instruments(tracks: int) -> None:
    notes = note_table([(10 * i, 5, 60, 64, i, 0, i) for i in range(tracks)] + [(0, 5, 36, 90, 0, 9, tracks)])
    named = tuple(Track(f"part {i}", i) for i in range(tracks))
    score = Score(notes=notes, tracks=(*named, Track("kit", 0, True)))
    again = parse_midi(midi_bytes(score))
    assert again == score
    assert again.problems == ()


def test_more_tracks_than_channels_share_those_of_their_program() -> None:
    notes = note_table([(i, 5, 40 + i, 64, i % 3, 0, i) for i in range(30)])
    data = midi_bytes(Score(notes=notes, tracks=tuple(Track("", i % 3) for i in range(30))))
    programs = {data[i] & 15: data[i + 1] for i in range(len(data)) if data[i] >> 4 == 0xC and data[i - 1] == 0}
    assert programs == {0: 0, 1: 1, 2: 2}
    assert data.count(b"\xff\x21\x01") == 0


def test_everything_beside_the_notes() -> None:
    score = Score(
        ticks_per_quarter=960,
        notes=note_table([(0, 960, 60, 100, 5, 0, 0)]),
        tempos=np.array([(0, 400_000), (960, 500_000), (960, 600_000)], TEMPO),
        meters=np.array([(0, 7, 8), (3360, 3, 4)], METER),
        keys=np.array([(0, -4, 1), (960, 7, 0)], KEY),
        controls=np.array([(0, 7, 100, 0), (5, 64, 127, 0), (900, 64, 0, 0)], CONTROL),
        bends=np.array([(1, -8192, 0), (2, 0, 0), (3, 8191, 0)], BEND),
        tracks=(Track("Fl\xf6te", 5),),
        texts=(Text(0, "Anfang"), Text(480, "la", "lyric", 0)),
    )
    assert parse_midi(midi_bytes(score)) == score


def test_a_silence_longer_than_a_delta_time() -> None:
    score = Score(notes=note_table([(600_000_000, 5, 60)]))
    assert parse_midi(midi_bytes(score)).notes["onset"].tolist() == [600_000_000]


def test_too_fine_a_grid() -> None:
    with pytest.raises(MidiError, match="resample"):
        midi_bytes(Score(ticks_per_quarter=40_000))


notes = st.tuples(
    st.integers(0, 50), st.integers(0, 30), st.integers(58, 62), st.integers(1, 127), st.integers(0, 2),
    st.sampled_from([0, 9]), st.integers(0, 2),
)  # fmt: skip


@given(st.lists(notes, max_size=30))
def test_any_notes_come_back(rows: list[tuple[int, ...]]) -> None:
    score = Score(notes=note_table(rows))
    again = parse_midi(midi_bytes(score))
    assert sounding(again) == sounding(score)
    assert parse_midi(midi_bytes(again)).notes.tolist() == again.notes.tolist()


def test_musicxml_there_and_back(tmp_path: Path) -> None:
    pytest.importorskip("music21")
    rows = [(0, 480, 60, 80), (480, 240, 64, 80), (720, 240, 67, 80), (960, 320, 60, 80), (960, 320, 64, 80),
            (1280, 160, 62, 80), (1440, 480, 65, 80), (0, 1920, 48, 80, 40, 0, 1),
            (1920, 60, 50, 80, 40, 0, 1)]  # fmt: skip
    score = Score(
        notes=note_table(rows),
        meters=np.array([(0, 3, 4)], METER),
        keys=np.array([(0, 2, 0)], KEY),
        tempos=np.array([(0, 600_000)], TEMPO),
        tracks=(Track("Right hand", 0), Track("Violin", 40)),
    )
    path = score.write(tmp_path / "x.musicxml")
    again = read(path)
    beats = again.ticks_per_quarter // score.ticks_per_quarter
    expected = [(a * beats, b * beats, *rest) for a, b, *rest in sounding(score)]
    assert [row[:3] + row[4:] for row in sounding(again)] == [tuple(row[:3] + row[4:]) for row in expected]
    assert [t.name for t in again.tracks] == ["Right hand", "Violin"]
    assert [t.program for t in again.tracks] == [0, 40]
    assert again.meters.tolist() == [(0, 3, 4)]
    assert again.keys["sharps"].tolist() == [2]
    assert again.tempos["microseconds"].tolist() == pytest.approx([600_000], rel=1e-4)


def test_musicxml_rounds_what_notation_cannot_write(tmp_path: Path) -> None:
    pytest.importorskip("music21")
    score = Score(notes=note_table([(3, 471, 60), (641, 159, 62)]))
    again = read(score.write(tmp_path / "x.xml"))
    assert (again.notes["onset"] / again.ticks_per_quarter).tolist() == pytest.approx([0, 4 / 3], abs=1e-3)


def test_musicxml_of_drums_and_of_nothing(tmp_path: Path) -> None:
    pytest.importorskip("music21")
    drums = Score(notes=note_table([(0, 120, 36, 90, 0, 9, 0)]), tracks=(Track("kit", 0, True),))
    again = read(drums.write(tmp_path / "drums.musicxml"))
    assert again.instruments.tolist() == [128]
    assert again.notes["pitch"].tolist() == [36]
    assert len(read(Score().write(tmp_path / "empty.musicxml"))) == 0


def test_an_unknown_suffix_names_those_that_are_written(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"\.mid or \.musicxml"):
        Score().write(tmp_path / "x.pdf")


@pytest.mark.parametrize("name", ["bach/bwv66.6", "ryansMammoth/AmericanHornpipe", "palestrina/agnus_01"])
def test_notation_of_many_formats(name: str) -> None:
    corpus = pytest.importorskip("music21.corpus")
    score = read(Path(corpus.getWork(name)))
    assert len(score) > 50
    assert all(told.startswith(("repeats are read once", "not played as written")) for told in score.problems)


def test_a_collection_of_tunes_gives_the_first_and_says_so(tmp_path: Path) -> None:
    pytest.importorskip("music21")
    path = tmp_path / "tunes.abc"
    path.write_text("X:1\nT:One\nM:4/4\nL:1/4\nK:C\nCDEF|\n\nX:2\nT:Two\nM:4/4\nL:1/4\nK:C\nGG|\n")
    score = read(path)
    assert score.notes["pitch"].tolist() == [60, 62, 64, 65]
    assert score.problems == ("2 pieces in one file: only the first is read",)


def test_ties_across_voices_and_bars_are_one_note_each(tmp_path: Path) -> None:
    pytest.importorskip("music21")
    score = Score(notes=note_table([(960, 1920, 60, 80), (1440, 1920, 64, 80)]))
    again = read(score.write(tmp_path / "x.musicxml"))
    scale = again.ticks_per_quarter // 480
    assert [row[:3] for row in sounding(again)] == [(960 * scale, 1920 * scale, 60), (1440 * scale, 1920 * scale, 64)]


notation_notes = st.tuples(st.integers(0, 24), st.integers(1, 16), st.integers(0, 127), st.just(80))


@settings(max_examples=10, deadline=None)
@given(st.lists(notation_notes, min_size=1, max_size=5, unique_by=lambda row: row[2]))
def test_any_16ths_come_back_from_musicxml(rows: list[tuple[int, ...]]) -> None:
    pytest.importorskip("music21")
    score = Score(notes=note_table([(onset * 120, length * 120, *rest) for onset, length, *rest in rows]))
    with tempfile.TemporaryDirectory() as folder:
        again = read(score.write(Path(folder) / "x.musicxml"))
    scale = again.ticks_per_quarter // 480
    found = sorted((o // scale, d // scale, p) for o, d, p, _, _ in sounding(again))
    assert found == [row[:3] for row in sounding(score)]


def test_names_with_control_characters(tmp_path: Path) -> None:
    pytest.importorskip("music21")
    score = Score(notes=note_table([(0, 480, 60)]), tracks=(Track("Pia\0no\x1b"),))
    assert read(score.write(tmp_path / "x.musicxml")).tracks[0].name == "Piano"


def test_a_compressed_file_that_unpacks_to_much_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("music21")
    with zipfile.ZipFile(tmp_path / "x.mxl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("score.xml", b" " * (33 << 20))
    with pytest.raises(NotationError, match="unpacks to more than 32 MiB"):
        read(tmp_path / "x.mxl")


@pytest.mark.parametrize("name", ["x" * 300 + ".mid", "a\0b.mid"])
def test_impossible_paths(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileError):
        read(tmp_path / name)
    with pytest.raises(FileError):
        Score().write(tmp_path / name)


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        (Score(tempos=np.array([(0, 1 << 25)], TEMPO)), "microseconds a quarter"),
        (Score(meters=np.array([(0, 4, 3)], METER)), "power of two"),
        (Score(notes=note_table([((1 << 30) + 1, 1, 60)])), "ticks: clip"),
    ],
)
def test_what_midi_cannot_hold_is_refused(score: Score, reason: str) -> None:
    with pytest.raises(MidiError, match=reason):
        midi_bytes(score)
