"""Near-duplicates: what is one, what is not, and splits that keep them together."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music.corpora.datasets.splits import by_shares
from symbolic_music.corpora.preparation.fingerprints import SIZE, joined_sketches, sketch, split_sketches
from symbolic_music.corpora.preparation.near_duplicates import dedup_splits, groups, leak_report, overlap
from symbolic_music.corpora.preparation.pipeline import prepare
from symbolic_music.score import Score, note_table
from tests.corpora.example_files import first_half, only, slower, transposed, tune, write


def key(number: int) -> str:
    return f"{number:064x}"


def grouped(*scores: Score) -> list[int]:
    return groups([sketch(score) for score in scores], [key(n) for n in range(len(scores))]).tolist()


def test_neither_key_nor_tempo_nor_resolution_matter() -> None:
    a = tune(1)
    assert sketch(a).tolist() == sketch(transposed(a, 5)).tolist() == sketch(slower(a)).tolist()
    assert len(sketch(a)) > 60


def test_order_sounds_and_drums_do_not_matter() -> None:
    a = tune(1)
    notes = np.concatenate([a.notes, note_table([(240 * n, 10, 36, 90, 0, 9, 2) for n in range(50)])])
    notes["velocity"] = 30
    notes["program"] = 77
    assert sketch(Score(notes=notes)).tolist() == sketch(a).tolist()


def test_a_chord_counts_by_its_highest_note() -> None:
    a = tune(3, parts=1)
    below = a.notes.copy()
    below["pitch"] -= 12
    assert sketch(Score(notes=np.concatenate([below, a.notes]))).tolist() == sketch(a).tolist()


def test_what_stays_on_a_pitch_is_no_tune() -> None:
    assert not len(sketch(Score(notes=note_table([(240 * n, 200, 60 + n % 20 // 19) for n in range(100)]))))
    assert not len(sketch(Score(notes=note_table([(240 * n, 200, 60 + n) for n in range(7)]))))
    assert not len(sketch(Score()))


def test_a_long_piece_has_a_full_sketch() -> None:
    hashes = sketch(tune(1, notes=1000))
    assert len(hashes) == SIZE
    assert (np.diff(hashes.astype(np.int64)) > 0).all()


def test_overlap_is_estimated() -> None:
    a, b = tune(1, notes=900, parts=1), tune(2, notes=900, parts=1)
    both = Score(notes=np.concatenate([a.notes, later(b, a.end + 4800).notes]))
    found = overlap(sketch(a), sketch(both))
    assert found.contained > 0.97
    assert found.jaccard == pytest.approx(0.5, abs=0.1)
    assert overlap(sketch(a), sketch(b)).common == 0


def later(score: Score, ticks: int) -> Score:
    notes = score.notes.copy()
    notes["onset"] += ticks
    return score.replace(notes=notes)


def test_variations_are_one_group_and_strangers_are_not() -> None:
    a = tune(1, notes=120)
    scores = [tune(2), a, transposed(a, -3), tune(3), slower(a), only(a, 1), first_half(a), tune(4)]
    assert grouped(*scores) == [0, 1, 1, 3, 1, 1, 1, 7]


def test_a_wrong_note_here_and_there_does_not_matter() -> None:
    a = tune(1, notes=200)
    notes = a.notes.copy()
    notes["pitch"][::29] += 1
    assert grouped(a, a.replace(notes=notes)) == [0, 0]


def test_short_pieces_are_compared_as_a_whole() -> None:
    a, b = tune(1, notes=12, parts=1), tune(2, notes=12, parts=1)
    assert grouped(a, b, transposed(a, 2)) == [0, 1, 0]


def test_equal_files_are_a_group_even_without_notes() -> None:
    none = np.zeros(0, np.uint32)
    assert groups([none, none, none], [key(1), key(2), key(1)]).tolist() == [0, 1, 0]


def test_a_large_group_is_found_whole() -> None:
    a = tune(1, notes=200)
    copies = [transposed(a, n % 12) for n in range(40)]
    scores = [piece for n, copy in enumerate(copies) for piece in (copy, tune(100 + n))]
    found = grouped(*scores)
    assert found[::2] == [0] * 40
    assert found[1::2] == list(range(1, 80, 2))


def test_groups_go_together_and_others_stay() -> None:
    first = np.array([0, 1, 0, 3, 1, 5])
    keys = [key(n) for n in (7, 3, 9, 5, 4, 8)]
    asked: list[str] = []

    def split_of(text: str) -> str:
        asked.append(text)
        return "test"

    before = ["train", "train", "test", "validation", "validation", "train"]
    assert dedup_splits(first, keys, before, split_of) == ["test", "test", "test", "validation", "test", "train"]
    # Asked once for each group, by its smallest key: the same whatever else is in the group.
    assert len(set(asked)) == 2
    again: list[str] = []
    dedup_splits(np.array([0, 0]), [key(7), key(99)], ["train", "test"], lambda text: again.append(text) or "test")
    assert set(again) < set(asked)


def test_splits_of_groups_are_as_likely_as_those_of_pieces() -> None:
    count = 4000
    first = np.repeat(np.arange(0, count, 4), 4)
    rng = np.random.default_rng(0)
    keys = [rng.bytes(32).hex() for _ in range(count)]
    split_of = partial(by_shares, shares=(80, 10, 10))
    found = dedup_splits(first, keys, [split_of(k) for k in keys], split_of)
    assert found.count("test") / count == pytest.approx(0.1, abs=0.04)
    assert found.count("validation") / count == pytest.approx(0.1, abs=0.04)


def test_the_report_counts_what_leaks() -> None:
    first = np.array([0, 0, 2, 2, 4, 5, 5, 5])
    splits = ["train", "test", "test", "validation", "test", "train", "validation", "train"]
    assert leak_report(first, splits) == {
        "groups": 3,
        "pieces": 7,
        "largest": 3,
        "leaking_groups": 3,
        "leaks": {"test": {"pieces": 3, "leaking": 1}, "validation": {"pieces": 2, "leaking": 1}},
    }
    assert leak_report(np.zeros(0, np.int64), [])["groups"] == 0


@given(st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=5, unique=True).map(sorted), max_size=6))
def test_sketches_are_joined_and_split(lists: list[list[int]]) -> None:
    joined = joined_sketches([np.array(one, np.uint32) for one in lists])
    assert [one.tolist() for one in split_sketches(joined["hashes"], joined["start"])] == lists


def made_up(folder: Path) -> Path:
    """Ninety tunes, and copies of thirty of them in other keys and tempos."""
    copies = {f"copy{n}.mid": slower(transposed(tune(n), n % 11 + 1)) for n in range(30)}
    return write(folder, {f"tune{n}.mid": tune(n) for n in range(90)} | copies)


def test_prepare_brings_near_duplicates_together(tmp_path: Path) -> None:
    source = made_up(tmp_path / "music")
    plain = prepare("folder", source, tmp_path / "plain", pieces=32)
    store = prepare("folder", source, tmp_path / "store", pieces=32, workers=2, splits="dedup")
    split = {piece.source: piece.split for piece in store.pieces()}
    before = {piece.source: piece.split for piece in plain.pieces()}
    assert all(split[f"copy{n}.mid"] == split[f"tune{n}.mid"] for n in range(30))
    assert all(split[f"tune{n}.mid"] == before[f"tune{n}.mid"] for n in range(30, 90))
    report = store.manifest["duplicates"]
    assert (report["plain_splits"]["groups"], report["plain_splits"]["pieces"]) == (30, 60)
    apart = [n for n in range(30) if before[f"copy{n}.mid"] != before[f"tune{n}.mid"]]
    assert report["plain_splits"]["leaking_groups"] == len(apart) > 0
    assert report["splits"]["leaking_groups"] == 0
    assert all(leak["leaking"] == 0 for leak in report["splits"]["leaks"].values())
    facts = {piece.source: piece.facts for piece in store.pieces()}
    assert facts["tune3.mid"] == {"near_duplicate_of": "copy3.mid"}
    assert facts["copy3.mid"] == facts["tune50.mid"] == {}
    assert store.manifest["splits"] == {name: list(split.values()).count(name) for name in sorted(set(split.values()))}
    store.verify()


def test_pieces_that_come_later_change_the_splits_of_others(tmp_path: Path) -> None:
    source = write(tmp_path / "music", {f"tune{n}.mid": tune(n) for n in range(9)})
    prepare("folder", source, tmp_path / "store", pieces=4, splits="dedup")
    write(source, {f"z{n}.mid": transposed(tune(n), 1) for n in range(9)})
    store = prepare("folder", source, tmp_path / "store", pieces=4, splits="dedup")
    split = {piece.source: piece.split for piece in store.pieces()}
    assert all(split[f"z{n}.mid"] == split[f"tune{n}.mid"] for n in range(9))
    for n in range(9):
        (source / f"z{n}.mid").unlink()
    alone = prepare("folder", source, tmp_path / "store", pieces=4, splits="dedup")
    assert all("near_duplicate_of" not in piece.facts for piece in alone.pieces())


def test_shares_of_a_folder_whose_near_duplicates_stay_together(tmp_path: Path) -> None:
    source = write(tmp_path / "music", {f"{n}.mid": tune(n) for n in range(30)})
    write(source, {f"copy{n}.mid": transposed(tune(n), 1) for n in range(30)})
    store = prepare("folder", source, tmp_path / "store", splits="dedup:50/50/0")
    counts = store.manifest["splits"]
    assert min(counts["train"], counts["validation"]) > 15
    assert store.manifest["options"]["splits"] == "dedup (50/50/0)"
    assert store.manifest["duplicates"]["splits"]["leaking_groups"] == 0
