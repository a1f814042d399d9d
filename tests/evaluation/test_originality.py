from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symbolic_music.cli.options.originality import looked_up
from symbolic_music.cli.options.originality import summary as summary_of
from symbolic_music.corpora.preparation.pipeline import prepare
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.errors import CorpusError
from symbolic_music.evaluation.originality import bar_origins, build_index, open_index, originality, originality_report
from symbolic_music.evaluation.originality.interval_fingerprints import fingerprints, lines_of
from symbolic_music.evaluation.report import page
from symbolic_music.generation import Written
from symbolic_music.models import save_model
from symbolic_music.score import NOTE, TEMPO, Score, joined, note_table
from symbolic_music.transforms import clip, shift, stretch, transpose
from tests.generation.untouched import ours


def tune(seed: int, notes: int = 240) -> Score:
    """A melody over chords, at 120 quarters a minute."""
    rng = np.random.default_rng(seed)
    onsets = np.concatenate([[0], np.cumsum(rng.choice([120, 240, 480], notes - 1))])
    rows = [(int(o), 100, int(p), 80, 0, 0, 0) for o, p in zip(onsets, rng.integers(60, 84, notes), strict=True)]
    chords = [(960 * i, 900, int(p), 60, 0, 1, 1) for i in range(40) for p in rng.choice(np.arange(36, 60), 3, False)]
    return Score(notes=note_table(sorted(rows + chords)), tempos=np.array([(0, 500_000)], TEMPO))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> NoteStore:
    folder = tmp_path_factory.mktemp("originality")
    (folder / "midi").mkdir()
    for seed in range(12):
        tune(seed).write(folder / "midi" / f"{seed:02d}.mid")
    prepare("folder", folder / "midi", folder / "store", splits="80/10/10")
    return NoteStore(folder / "store")


def piece(store: NoteStore, place: int = 0) -> tuple[int, Score]:
    index = int(store.splits["train"][place])
    return index, store[index]


def test_a_planted_copy_is_found_with_its_place(store: NoteStore) -> None:
    index = build_index(store)
    number, score = piece(store, 1)
    # Twelve seconds of it, three semitones up, seven per cent slower, after six seconds of something else.
    copy = stretch(transpose(clip(score, 10, 22), 3), 1.07)
    own = clip(stretch(tune(99), 1.07), 0, 6)
    at = own.ticks(6.0)
    pasted = shift(copy, int(at))
    planted = own.replace(notes=joined([own.notes, pasted.notes], NOTE))
    found = originality(planted, index)
    first = found.passages[0]
    assert first.rhythm
    assert (first.piece, first.transposition) == (number, 3)
    assert first.stretch == pytest.approx(1.07, abs=0.002)
    assert first.start == pytest.approx(6 + 1.07 * (first.source_start - 10), abs=0.1)
    assert found.longest >= 12
    assert found.nearest == number
    assert found.nearest_source == store.piece(number).source
    assert found.share > 0.4
    # Nothing but the copy.
    assert planted.onset_seconds[first.rows].min() > 5.9


def test_a_piece_is_whole_in_the_index_and_not_without_itself(store: NoteStore) -> None:
    index = build_index(store)
    number, score = piece(store)
    assert originality(score, index).share == 1
    alone = originality(score, index, without=number)
    assert alone.longest == 0
    assert alone.nearest_share < 0.02


def test_another_tune_shares_nothing(store: NoteStore) -> None:
    found = originality(tune(1234), build_index(store))
    assert found.passages == ()
    assert found.share == 0


def test_other_rhythm_is_told(store: NoteStore) -> None:
    number, score = piece(store)
    part = clip(score, 10, 20)
    even = part.notes.copy()
    mine = even["track"] == 0
    rng = np.random.default_rng(0)
    even["onset"][mine] = np.concatenate([[0], np.cumsum(rng.choice([60, 2000], mine.sum() - 1))])
    found = originality(part.replace(notes=even[mine]), build_index(store))
    assert found.passages[0].piece == number
    assert not found.passages[0].rhythm
    assert found.longest == 0


def test_eight_bytes_a_note_and_kept_with_the_store(store: NoteStore) -> None:
    index = open_index(store)
    assert index.bytes <= 8 * index.starts[-1]
    again = open_index(store)
    assert isinstance(again.hashes, np.memmap)
    assert np.array_equal(index.hashes, again.hashes)
    assert np.array_equal(index.places, again.places)
    # An index of another state of the store is made anew.
    about = Path(store.path) / ".originality" / "train.json"
    facts = json.loads(about.read_text())
    about.write_text(json.dumps({**facts, "state": {}}))
    assert not isinstance(open_index(store).hashes, np.memmap)


def test_fingerprints_do_not_depend_on_pitch_and_tempo() -> None:
    score = tune(5)
    hashes, places = fingerprints(lines_of(score))
    moved, there = fingerprints(lines_of(stretch(transpose(score, -7), 1.4)))
    assert np.array_equal(hashes, moved)
    assert np.array_equal(places, there)
    # Both tracks lose their last eleven notes.
    assert len(hashes) == len(score) - 22
    assert len(np.unique(hashes)) > 0.99 * len(hashes)


def test_trills_drums_and_short_pieces_have_no_fingerprints() -> None:
    trill = note_table([(120 * i, 100, 60 + 2 * (i % 2)) for i in range(60)])
    same = note_table([(120 * i, 100, 60) for i in range(60)])
    drums = note_table([(120 * i, 100, 36 + i % 7, 80, 0, 9) for i in range(60)])
    for notes in (trill, same, drums, note_table([(0, 1, 60)]), note_table()):
        assert not len(fingerprints(lines_of(Score(notes=notes)))[0])


def test_a_split_that_is_missing_is_named(store: NoteStore) -> None:
    with pytest.raises(CorpusError, match="no split 'tset'"):
        open_index(store, "tset")


def test_notes_that_were_written_are_asked_about_and_no_others(store: NoteStore) -> None:
    index = build_index(store)
    number, score = piece(store)
    melody = np.flatnonzero(score.notes["track"] == 0)
    # Twenty notes of a training piece stand there again, and what was given is of that piece too.
    copied = np.zeros(len(score), bool)
    copied[melody[40:60]] = True
    found = originality(score, index, among=copied)
    assert (found.notes, found.longest, found.share, found.nearest) == (20, 20, 1.0, number)
    assert copied[found.passages[0].rows].sum() == found.passages[0].own == 20
    assert np.array_equal(found.passages[0].rows, found.passages[0].source_rows)
    # Others in their place: the piece around them is known, they are not.
    notes = score.notes.copy()
    notes["pitch"][copied] = np.random.default_rng(0).integers(60, 84, 20)
    other = originality(score.replace(notes=notes), index, among=copied)
    assert other.notes == 20
    assert other.longest == 0
    assert originality(score.replace(notes=notes), index).share > 0.8


def test_bars_are_told_with_their_place_in_the_training_data(store: NoteStore) -> None:
    number, score = piece(store, 2)
    # From the third bar of the piece on, after a bar of something else: a bar is two seconds.
    copy = shift(transpose(clip(score, 4, 12), 2), 4 * score.ticks_per_quarter)
    before = note_table([(i * 240, 200, 100 + i) for i in range(8)])
    made = copy.replace(notes=joined([before, copy.notes], NOTE))
    found = originality(made, build_index(store))
    bars = bar_origins(made, found, store)
    assert [bar.bar for bar in bars] == [1, 2, 3, 4, 5]
    assert (bars[0].notes, bars[0].copied, bars[0].sources) == (8, 0, ())
    for bar in bars[1:]:
        assert bar.copied > 0
        assert bar.sources[0] == (store.piece(number).source, bar.bar + 1)
    told = page(originality_report([("made", made, found, None)], store, {"split": "train"}))
    assert f"bar 3 of {store.piece(number).source}" in told
    assert told.count("<img") == 1 + 2 * min(3, sum(passage.rhythm for passage in found.passages))


def test_what_was_written_is_looked_up(store: NoteStore, tmp_path: Path) -> None:
    _, score = piece(store)
    new = score.notes[(score.notes["track"] == 0) & (score.notes["onset"] >= 9600)]
    written = Written(score, new, 0, -1.0, True)
    (shared,) = looked_up([written], Path(store.path), tmp_path / "page.html", ["made.mid"])
    assert shared.longest == shared.notes == len(new) == written.written.sum()
    assert f"longest passage of the training data {len(new)} notes" in summary_of(shared)
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


def test_verbs_that_write_check_themselves(
    store: NoteStore, quartet: Score, tmp_path: Path, run: Callable[..., Any], mistake: Callable[..., str]
) -> None:
    song, out = quartet.write(tmp_path / "song.mid"), tmp_path / "new.mid"
    model = save_model(ours(), tmp_path / "tiny")
    asked = ("infill", song, "--bars", "2", "--tracks", "0,1", "-m", model, "-o", out)
    facts = json.loads(run(*asked, "--originality", store.path, "--json").out)
    assert facts["originality"]["notes"] == facts["notes_written"]
    assert "training data" in run(*asked, "--originality", store.path).out
    assert "originality" not in json.loads(run(*asked, "--json").out)
    out.unlink()
    assert "--originality STORE" in mistake(*asked, "--originality-report", tmp_path / "page.html")
    assert "is not a note store" in mistake(*asked, "--originality", tmp_path / "nowhere")
    assert "store" in mistake(*asked, "--originality", tmp_path)


def test_the_verb(store: NoteStore, tmp_path: Path, run: Callable[..., Any], mistake: Callable[..., str]) -> None:
    _, score = piece(store)
    path = tmp_path / "copy.mid"
    transpose(clip(score, 5, 25), 2).write(path)
    facts = json.loads(run("originality", path, store.path, "--baseline", "train", "--json").out)
    own = facts["files"][str(path)]
    assert own["passages"][0]["transposition"] == 2
    assert own["longest"] == own["passages"][0]["notes"]
    assert facts["bytes_a_note"] <= 8
    assert len(facts["baseline"]) == len(store.splits["train"])
    assert max(one["nearest_share"] for one in facts["baseline"]) < 0.02
    told = run("originality", path, store.path, "--report", tmp_path / "page.html").out
    data = json.loads((tmp_path / "page.json").read_text())
    assert (data["n"], data["split"]) == (1, "train")
    assert data["command"].startswith("symbolic-music originality")
    assert "page.html" in told
    assert "copy.mid" in (tmp_path / "page.html").read_text()
    assert "copy.mid" in run("originality", path, store.path, "--baseline", "train").out
    assert "store" in mistake("originality", path)
    assert "no split" in mistake("originality", path, store.path, "--split", "none")
