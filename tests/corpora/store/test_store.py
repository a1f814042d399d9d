"""Note stores: what goes in comes out, damage is found, additions do not disturb readers."""

from __future__ import annotations

import json
import pickle
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music.corpora.store.manifest import (
    VERSION,
    LeftOut,
    Piece,
    _sealed,
    has_segment,
    write_manifest,
    write_segment,
)
from symbolic_music.corpora.store.segments import Segment, segment_bytes
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.errors import CorpusError, StoreError
from symbolic_music.score import BEND, CONTROL, KEY, METER, TEMPO, Score, Track, note_table

RICH = Score(
    ticks_per_quarter=960,
    notes=note_table([(0, 70_000, 60, 80, 5, 0, 0), (70_000, 0, 61, 1, 5, 0, 0), (70_000, 9, 36, 127, 0, 9, 1)]),
    tempos=np.array([(0, 500_000), (5, 16_000_000)], TEMPO),
    meters=np.array([(0, 7, 8)], METER),
    keys=np.array([(0, -7, 1)], KEY),
    controls=np.array([(3, 64, 127, 0), (4, 64, 0, 1)], CONTROL),
    bends=np.array([(3, -8192, 0), (9, 8191, 0)], BEND),
    tracks=(Track("a", 5), Track("b", 0, True), Track("c", 7)),
)
PLAIN = Score(notes=note_table([(0, 10, 60)]), tracks=(Track("d"),))


def piece(name: str, score: Score, split: str = "train") -> Piece:
    names = tuple(track.name for track in score.tracks)
    return Piece(name, "0" * 64, split, len(score), score.duration, tracks=names, problems=("a problem",))


def build(folder: Path) -> NoteStore:
    write_segment(folder, 0, "p0", [(piece("x", RICH), RICH), (piece("y", PLAIN, "test"), PLAIN)], [])
    write_segment(folder, 1, "p1", [(piece("z", Score()), Score())], [LeftOut("w", "broken")])
    write_manifest(folder, 2, "folder", {"splits": "90/5/5"})
    return NoteStore(folder)


def test_pieces_come_back(tmp_path: Path) -> None:
    store = build(tmp_path)
    assert len(store) == 3
    assert [store[i] for i in range(3)] == [RICH, PLAIN, Score()]
    assert store.music(0) == RICH.replace(tracks=tuple(Track("", t.program, t.is_drum) for t in RICH.tracks))
    assert store.note_counts.tolist() == [3, 1, 0]
    assert {name: own.tolist() for name, own in store.splits.items()} == {"test": [1], "train": [0, 2]}
    assert store.piece(1).problems == ("a problem",)
    assert store.left_out() == [LeftOut("w", "broken")]
    assert store.manifest["splits"] == {"test": 1, "train": 2}
    assert store.manifest["notes"] == 4
    with pytest.raises(IndexError, match="has 3"):
        store[3]
    store.verify()


def test_another_process_opens_it_anew(tmp_path: Path) -> None:
    store = build(tmp_path)
    again = pickle.loads(pickle.dumps(store))  # our own object, as a loader's worker gets it
    assert again[0] == RICH


def test_adding_a_segment_does_not_disturb_a_reader(tmp_path: Path) -> None:
    before = build(tmp_path)
    write_segment(tmp_path, 2, "p2", [(piece("v", PLAIN), PLAIN)], [])
    write_manifest(tmp_path, 3, "folder", {})
    assert before[0] == RICH
    assert len(before) == 3
    assert len(NoteStore(tmp_path)) == 4


def test_a_segment_is_kept_only_when_whole_and_of_the_same_plan(tmp_path: Path) -> None:
    build(tmp_path)
    assert has_segment(tmp_path, 0, "p0")
    assert not has_segment(tmp_path, 0, "another")
    assert not has_segment(tmp_path, 5, "p0")
    data = tmp_path / "segments" / "00000.safetensors"
    data.write_bytes(data.read_bytes()[:-1])
    assert not has_segment(tmp_path, 0, "p0")


def test_damage_is_found(tmp_path: Path) -> None:
    build(tmp_path)
    data, about, manifest = (
        tmp_path / n for n in ("segments/00000.safetensors", "segments/00001.json", "manifest.json")
    )
    whole = data.read_bytes()
    data.write_bytes(whole[:-8])
    with pytest.raises(CorpusError, match=r"bytes long, not"):
        NoteStore(tmp_path)
    data.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(CorpusError, match="SHA-256"):
        NoteStore(tmp_path).verify()
    data.write_bytes(b"\xff" * len(whole))
    with pytest.raises(CorpusError, match="damaged"):
        NoteStore(tmp_path)[0]
    data.unlink()
    with pytest.raises(CorpusError, match="missing"):
        NoteStore(tmp_path)
    data.write_bytes(whole)
    about.write_text("{")
    with pytest.raises(CorpusError, match="SHA-256"):
        NoteStore(tmp_path).piece(2)
    text = manifest.read_text()
    manifest.write_text(text.replace(f'"version": {VERSION}', '"version": 99'))
    with pytest.raises(CorpusError, match="version 99"):
        NoteStore(tmp_path)
    manifest.write_text(text[:50])
    with pytest.raises(CorpusError, match="damaged"):
        NoteStore(tmp_path)
    manifest.unlink()
    with pytest.raises(CorpusError, match="prepare"):
        NoteStore(tmp_path)
    with pytest.raises(CorpusError, match="not a note store"):
        NoteStore(tmp_path / "nowhere")


@pytest.mark.parametrize("change", ['"pieces": 7', '"splits": []', '"segments": 3', '"corpus": null', '"corpora": 1'])
def test_a_manifest_that_was_not_written_so_is_damaged(tmp_path: Path, change: str) -> None:
    build(tmp_path)
    manifest = tmp_path / "manifest.json"
    key = change.split(":")[0]
    found = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**found, **json.loads(f"{{{change}}}")}))
    with pytest.raises(StoreError, match=r"manifest.json is damaged: run the same prepare again"):
        NoteStore(tmp_path)
    found.pop(key.strip('"'), None)
    manifest.write_text(json.dumps(found))
    with pytest.raises(StoreError, match="is damaged"):
        NoteStore(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "7", "[" * 100_000, '{"format": "another"}', "\udcff"])
def test_other_json_is_no_manifest(tmp_path: Path, text: str) -> None:
    build(tmp_path)
    (tmp_path / "manifest.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(CorpusError, match=r"damaged|not a note store"):
        NoteStore(tmp_path)


def test_no_changed_byte_is_anything_but_damage(tmp_path: Path) -> None:
    build(tmp_path)
    rng = np.random.default_rng(0)
    whole = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.suffix in (".json", ".safetensors")}
    refused = 0
    for _ in range(400):
        path = list(whole)[rng.integers(len(whole))]
        data = bytearray(whole[path])
        place = int(rng.integers(len(data)))
        data[place] ^= int(rng.integers(1, 256))
        path.write_bytes(data)
        try:
            store = NoteStore(tmp_path)
            assert all(len(store[index].notes) < 4 for index in range(len(store)))
        except CorpusError:
            refused += 1
        with pytest.raises(CorpusError):
            NoteStore(tmp_path).verify()
        path.write_bytes(whole[path])
    NoteStore(tmp_path).verify()
    assert refused == 400  # also what a column holds: the segment's SHA-256 is compared when it is first looked into


def test_the_same_pieces_give_the_same_bytes(tmp_path: Path) -> None:
    build(tmp_path / "a")
    build(tmp_path / "b")
    files = [sorted(p.relative_to(tmp_path / s) for p in (tmp_path / s).rglob("*") if p.is_file()) for s in "ab"]
    assert files[0] == files[1]
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files[0])
    assert json.loads((tmp_path / "a" / "manifest.json").read_text())["pieces"] == 3


values = st.tuples(
    st.integers(0, 1 << 20), st.integers(0, 1 << 20), st.integers(0, 127), st.integers(0, 127), st.integers(0, 127),
    st.sampled_from([0, 9]), st.integers(0, 300),
)  # fmt: skip


@given(st.lists(st.lists(values, max_size=12), max_size=4))
def test_any_notes_come_back(tables: list[list[tuple[int, ...]]]) -> None:
    import tempfile

    scores = []
    for rows in tables:
        programs: dict[int, tuple[int, int]] = {}
        kept = [(*r[:4], *programs.setdefault(r[6], (r[4] if r[5] == 0 else 0, r[5])), r[6]) for r in rows]
        scores.append(Score(notes=note_table(kept)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.safetensors"
        path.write_bytes(segment_bytes(scores))
        segment = Segment(path)
        for index, score in enumerate(scores):
            assert segment.score(index).notes.tolist() == score.notes.tolist()
            assert segment.score(index).ticks_per_quarter == score.ticks_per_quarter


@pytest.mark.parametrize(
    "change",
    [{"segments": 3}, {"segments": [3]}, {"segments": [{}]}, {"splits": []}, {"splits": {"train": "x"}}, {"notes": "1"},
     {"seconds": None}, {"options": []}, {"pieces": True}, {"corpus": 1},
     {"segments": [{"name": "../../x", "bytes": 1, "sha256": "", "pieces": 1, "about_sha256": ""}]}],
)  # fmt: skip
def test_a_sealed_manifest_of_wrong_kinds_is_damage(tmp_path: Path, change: dict) -> None:
    build(tmp_path)
    manifest = {**json.loads((tmp_path / "manifest.json").read_bytes()), **change}
    manifest.pop("check")
    (tmp_path / "manifest.json").write_bytes(_sealed(json.dumps(manifest, indent=1)))
    with pytest.raises(StoreError, match="damaged"):
        NoteStore(tmp_path)


def seal(folder: Path, about: dict) -> None:
    """Write the JSON of the first segment, and a manifest that lists it, as one who damages on purpose would."""
    about.pop("check")
    data = _sealed(json.dumps(about, indent=1))
    (folder / "segments/00000.json").write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest.pop("check")
    manifest["segments"][0]["about_sha256"] = sha256(data).hexdigest()
    (folder / "manifest.json").write_bytes(_sealed(json.dumps(manifest, indent=1)))


@pytest.mark.parametrize("change", [{"tracks": "x"}, {"facts": 1}, {"other": 1}, {"notes": None}, {"tracks": [1]}])
def test_a_sealed_piece_of_wrong_kinds_is_damage(tmp_path: Path, change: dict) -> None:
    build(tmp_path)
    about = json.loads((tmp_path / "segments/00000.json").read_bytes())
    about["pieces"][0].update(change)
    seal(tmp_path, about)
    with pytest.raises(StoreError, match="missing or damaged"):
        NoteStore(tmp_path).piece(0)


@pytest.mark.parametrize("left", [slice(1), slice(0)])
def test_sealed_pieces_that_are_fewer_than_the_manifest_says_are_damage(tmp_path: Path, left: slice) -> None:
    build(tmp_path)
    about = json.loads((tmp_path / "segments/00000.json").read_bytes())
    about["pieces"] = about["pieces"][left]
    seal(tmp_path, about)
    store = NoteStore(tmp_path)
    with pytest.raises(StoreError, match="describes"):
        store[1]
    with pytest.raises(StoreError, match="describes"):
        list(store.splits)


def test_who_reads_finds_what_was_replaced_until_it_is_replaced_again(tmp_path: Path) -> None:
    first = build(tmp_path)
    first[0]
    unread = NoteStore(tmp_path)
    write_segment(tmp_path, 0, "p3", [(piece("x", PLAIN), PLAIN), (piece("y", RICH, "test"), RICH)], [])
    halfway = NoteStore(tmp_path)  # before the manifest
    write_manifest(tmp_path, 2, "folder", {"splits": "90/5/5"})
    for store in (first, unread, halfway, pickle.loads(pickle.dumps(first))):
        assert [store[i] for i in range(3)] == [RICH, PLAIN, Score()]
        assert {name: own.tolist() for name, own in store.splits.items()} == {"test": [1], "train": [0, 2]}
        store.verify()
    assert [NoteStore(tmp_path)[i] for i in range(3)] == [PLAIN, RICH, Score()]
    late = NoteStore(tmp_path)
    write_segment(tmp_path, 0, "p4", [(piece("z", RICH), RICH)], [])
    write_manifest(tmp_path, 2, "folder", {"splits": "90/5/5"})
    assert late[0] == PLAIN
    for store in (first, unread):
        with pytest.raises(StoreError, match="was prepared again since it was opened"):
            store[0]
    write_manifest(tmp_path, 2, "folder", {"splits": "90/5/5"})
    assert not (tmp_path / "segments/.replaced").exists()


def test_a_segment_that_others_replace_without_a_word_is_not_read_as_other_notes(tmp_path: Path) -> None:
    store, path = build(tmp_path), tmp_path / "segments/00000.safetensors"
    assert store[0] == RICH
    other = tmp_path / "other"
    other.write_bytes(segment_bytes([PLAIN, RICH]))
    other.replace(path)
    with pytest.raises(StoreError, match="damaged"):
        store[0]
    path.unlink()
    with pytest.raises(StoreError, match="damaged"):
        store[1]
