"""What a store holds, in numbers and on a page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from symbolic_music.corpora.preparation.pipeline import prepare
from symbolic_music.corpora.store.statistics import as_json, statistics, summary, usual_tempo
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.errors import FileError
from symbolic_music.plotting.store_page import corpus_page, save_corpus_page
from symbolic_music.score import METER, TEMPO, Score, Track, note_table
from symbolic_music.theory import likely_key
from tests.corpora.example_files import files, tune, write


@pytest.fixture
def store(tmp_path: Path) -> NoteStore:
    drums = Score(notes=note_table([(480 * n, 100, 36, 127, 0, 9, 0) for n in range(9)]), tracks=(Track("", 0, True),))
    source = write(tmp_path / "music", {"a.mid": tune(1), "b.mid": tune(2), "drums.mid": drums})
    (source / "text.mid").write_text("not music")
    (source / "more.mid").write_text("not music")
    return prepare("folder", source, tmp_path / "store", splits="34/33/33")


def test_a_summary_adds_up(store: NoteStore) -> None:
    facts = summary(store)
    assert facts.total.pieces == 3
    assert facts.total.notes == 249
    assert facts.total.seconds == pytest.approx(sum(piece.seconds for piece in store.pieces()))
    assert sum(totals.notes for totals in facts.splits.values()) == 249
    assert list(facts.splits) == [name for name in ("train", "validation", "test") if name in facts.splits]
    assert facts.left_out == {"not a MIDI file (no MThd header)": 2}
    assert facts.bytes == sum(map(len, files(store.path).values()))
    assert as_json(facts)["splits"] == store.manifest["splits"]
    assert as_json(facts)["duplicates"] is None


def test_statistics_count_every_note(store: NoteStore) -> None:
    found = statistics(store)
    assert (found.pieces, found.pitches.sum(), found.drums.sum(), found.velocities.sum()) == (3, 240, 9, 249)
    assert found.drums[36] == 9
    assert {n: own.tolist() for n, own in enumerate(found.instruments) if own.any()} == {
        0: [2, 120], 10: [2, 120], 128: [1, 9],
    }  # fmt: skip
    assert sorted(found.parts) == [1, 2, 2]
    assert found.keys.sum() == 2
    assert statistics(store, most=2).pieces == 2


def scale(*pitches: int) -> Score:
    return Score(notes=note_table([(480 * n, 480, pitch) for n, pitch in enumerate(pitches)]))


def test_keys_are_found() -> None:
    assert likely_key(scale(60, 62, 64, 65, 67, 69, 71, 72, 67, 60)) == 0
    assert likely_key(scale(62, 64, 66, 67, 69, 71, 73, 74, 69, 62)) == 2
    assert likely_key(scale(57, 59, 60, 62, 64, 65, 68, 69, 64, 57)) == 12 + 9
    assert likely_key(Score()) is None
    assert likely_key(scale(*range(60, 72))) is None


def test_the_usual_tempo_is_that_of_most_of_a_piece() -> None:
    notes = note_table([(0, 1000, 60)])
    assert usual_tempo(Score(notes=notes)) == 120
    tempos = np.array([(0, 1_000_000), (100, 600_000), (600, 1_000_000), (650, 600_000)], TEMPO)
    assert usual_tempo(Score(notes=notes, tempos=tempos)) == 100
    assert usual_tempo(Score(notes=notes, tempos=tempos[2:])) == 120
    assert usual_tempo(Score()) == 120


def test_the_page_shows_all_panels(store: NoteStore, tmp_path: Path) -> None:
    figure = corpus_page(store)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert {"length", "notes of a piece", "tempo", "pitch", "velocity", "first meter", "instruments"} <= set(titles)
    texts = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert {"3", "249", "pieces", "hours", "notes"} <= texts
    path = save_corpus_page(store, tmp_path / "page.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(FileError, match=r"\.png"):
        save_corpus_page(store, tmp_path / "page.gif")


def test_a_page_of_drums_only(tmp_path: Path) -> None:
    rows = [(480 * n, 100, 36 + n % 3, 127, 0, 9, 0) for n in range(9)]
    drums = Score(notes=note_table(rows), meters=np.array([(0, 5, 8)], METER), tracks=(Track("", 0, True),))
    store = prepare("folder", write(tmp_path / "music", {"drums.mid": drums}), tmp_path / "store", splits="100/0/0")
    figure = corpus_page(store)
    assert "drum sounds" in [axes.get_title(loc="left") for axes in figure.axes]
    texts = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert {"Drums", "5/8", "127", "no pitched notes", "all pieces"} <= texts
    assert figure.texts[0].get_text() == "store"
    assert save_corpus_page(store, tmp_path / "page.svg").stat().st_size > 1000
