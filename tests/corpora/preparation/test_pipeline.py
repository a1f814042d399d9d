"""`prepare`: the same store however it is made, what is left out and why, what is refused."""

from __future__ import annotations

import csv
import errno
import os
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from symbolic_music.corpora.datasets import filters
from symbolic_music.corpora.datasets.splits import by_first_digit, by_shares, parse_shares
from symbolic_music.corpora.preparation import segment_builder as building
from symbolic_music.corpora.preparation.pipeline import prepare
from symbolic_music.corpora.store.manifest import VERSION
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.errors import CorpusError, FileError, OptionError, StoreError, UnknownNameError
from symbolic_music.io import midi_bytes, read
from symbolic_music.score import TEMPO, Score, Track, note_table
from tests.corpora.example_files import album, files, tune, write


def test_a_folder_becomes_a_store(tmp_path: Path) -> None:
    source = write(tmp_path / "music", {"a/one.mid": tune(1), "two.MID": tune(2)})
    (source / "a" / ".hidden.mid").write_bytes(b"")
    (source / "notes.txt").write_text("not music")
    store = prepare("folder", source, tmp_path / "store", splits="100/0/0")
    assert [piece.source for piece in store.pieces()] == ["a/one.mid", "two.MID"]
    first = store.piece(0)
    assert first.sha256 == sha256((source / "a/one.mid").read_bytes()).hexdigest()
    assert (first.notes, first.tracks, first.license) == (120, ("part 0", "part 1"), "")
    assert first.seconds == round(tune(1).duration, 3)
    assert store[0].notes.tolist() == read(source / "a/one.mid").notes.tolist()
    assert store.left_out() == []
    assert store.manifest["options"] == {"splits": "100/0/0", "filter": "", "pieces_a_segment": 128}
    store.verify()


def test_notation_is_music_too(tmp_path: Path) -> None:
    source = tmp_path / "music"
    source.mkdir()
    (source / "tune.abc").write_text("X:1\nT:A tune\nM:4/4\nL:1/4\nK:C\nC D E F | G4 |\n")
    store = prepare("folder", source, tmp_path / "store", splits="100/0/0")
    assert store[0].notes["pitch"].tolist() == [60, 62, 64, 65, 67]


def test_workers_make_the_same_store(tmp_path: Path) -> None:
    source = album(tmp_path / "music", 30)
    (source / "bad.mid").write_text("not music")
    one = prepare("folder", source, tmp_path / "one", workers=1, pieces=4)
    two = prepare("folder", source, tmp_path / "two", workers=2, pieces=4)
    assert len(one) == len(two) == 30
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert str(tmp_path) not in "".join(map(str, files(tmp_path / "one").values()))


def test_the_store_does_not_depend_on_where_the_corpus_is(tmp_path: Path) -> None:
    prepare("folder", album(tmp_path / "here", 5), tmp_path / "one")
    source = album(tmp_path / "there" / "deep", 5)
    for path in source.rglob("*.mid"):
        os.utime(path, (1, 1))
    prepare("folder", source, tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_what_is_there_is_kept_and_what_changed_is_built_again(tmp_path: Path) -> None:
    source, store = album(tmp_path / "music", 12), tmp_path / "store"
    prepare("folder", source, store, pieces=4)
    written = {p.name: p.stat().st_mtime_ns for p in (store / "segments").iterdir()}
    same_length = bytearray((source / "0/005.mid").read_bytes())
    same_length[same_length.index(b"\x90") + 2] ^= 1  # a velocity
    (source / "0/005.mid").write_bytes(same_length)
    write(source, {"9/new.mid": tune(99)})
    prepare("folder", source, store, pieces=4)
    now = {p.name: p.stat().st_mtime_ns for p in (store / "segments").iterdir()}
    assert {name for name in now if now[name] == written.get(name)} == {
        "00000.json", "00000.safetensors", "00002.json", "00002.safetensors",
    }  # fmt: skip
    prepare("folder", source, tmp_path / "fresh", pieces=4)
    assert files(store) == files(tmp_path / "fresh")


def test_what_was_repaired_is_listed_until_it_is_right(tmp_path: Path) -> None:
    source, store = album(tmp_path / "music", 2), tmp_path / "store"
    whole = (source / "0/001.mid").read_bytes()
    (source / "0/001.mid").write_bytes(whole[:-3])
    assert prepare("folder", source, store, splits="100/0/0").piece(1).problems
    assert (store / "problems.csv").read_text().splitlines()[1].startswith("0/001.mid,repaired,")
    (store / "manifest.json").unlink()  # as after a kill
    (source / "0/001.mid").write_bytes(whole)
    prepare("folder", source, store, splits="100/0/0")
    assert not (store / "problems.csv").exists()


def test_a_shorter_corpus_leaves_no_old_segments(tmp_path: Path) -> None:
    source, store = album(tmp_path / "music", 12), tmp_path / "store"
    reader = prepare("folder", source, store, pieces=4)
    last = NoteStore(store)[11]
    for number in range(4, 12):
        (source / f"{number // 10}" / f"{number:03}.mid").unlink()
    assert len(prepare("folder", source, store, pieces=4)) == 4
    assert reader[11] == last
    prepare("folder", source, tmp_path / "fresh", pieces=4)
    assert files(store) == files(tmp_path / "fresh")


def test_what_a_killed_run_left_is_taken_away(tmp_path: Path) -> None:
    source, store = album(tmp_path / "music", 4), tmp_path / "store"
    (store / "segments").mkdir(parents=True)
    for name in (".manifest.json.abc", "segments/.00000.json.xyz", "segments/00000.safetensors", "segments/00009.json"):
        (store / name).write_bytes(b"half")
    prepare("folder", source, store)
    prepare("folder", source, tmp_path / "fresh")
    assert files(store) == files(tmp_path / "fresh")


def test_an_interrupt_keeps_what_is_done(tmp_path: Path) -> None:
    source, store = album(tmp_path / "music", 24), tmp_path / "store"

    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare("folder", source, store, workers=2, pieces=2, progress=interrupt)
    assert len(list((store / "segments").glob("*.json"))) >= 2
    with pytest.raises(CorpusError, match="run the same prepare again"):
        NoteStore(store)
    prepare("folder", source, store, pieces=2)
    prepare("folder", source, tmp_path / "fresh", pieces=2)
    assert files(store) == files(tmp_path / "fresh")


def test_a_store_that_is_half_replaced_is_read_as_it_was(tmp_path: Path) -> None:
    source, store = album(tmp_path / "music", 6), tmp_path / "store"
    reader = prepare("folder", source, store, pieces=2)
    before = [reader[i] for i in range(6)]
    write(source, {"0/000.mid": tune(50), "9.mid": tune(9)})

    def interrupt(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare("folder", source, store, pieces=2, progress=interrupt)
    now = NoteStore(store)
    assert [now[i] for i in range(len(now))] == before
    after = prepare("folder", source, store, pieces=2)
    fresh = prepare("folder", source, tmp_path / "fresh", pieces=2)
    assert files(store) == files(tmp_path / "fresh")
    assert [reader[i] for i in range(6)] == before
    assert [after[i] for i in range(7)] == [fresh[i] for i in range(7)] != before


def test_a_store_stays_readable_while_segments_are_added(tmp_path: Path) -> None:
    source, store = album(tmp_path / "music", 4), tmp_path / "store"
    prepare("folder", source, store, pieces=2)
    write(source, {"9.mid": tune(9)})
    seen: list[int] = []
    prepare("folder", source, store, pieces=2, progress=lambda done, total: seen.append(len(NoteStore(store))))
    assert seen == [4, 4, 4, 4]
    assert len(NoteStore(store)) == 5


@pytest.mark.parametrize("name", ["manifest.json", "segments/00001.json", "segments/00001.safetensors"])
@pytest.mark.parametrize("how", [lambda data: data[:-3], lambda data: data[:40] + b"7" + data[41:], lambda data: b""])
def test_a_damaged_store_is_mended(tmp_path: Path, name: str, how: Callable[[bytes], bytes]) -> None:
    source, store = album(tmp_path / "music", 6), tmp_path / "store"
    prepare("folder", source, store, pieces=2)
    whole = files(store)
    (store / name).write_bytes(how(whole[name]))
    with pytest.raises(StoreError, match="run the same prepare again"):
        NoteStore(store).verify()
    prepare("folder", source, store, pieces=2)
    assert files(store) == whole
    (store / name).unlink()
    prepare("folder", source, store, pieces=2)
    assert files(store) == whole


def test_a_store_of_another_version_is_left_alone(tmp_path: Path) -> None:
    source, store = album(tmp_path / "music", 2), tmp_path / "store"
    prepare("folder", source, store, splits="100/0/0")
    manifest = store / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"version": {VERSION}', '"version": 1'))
    before = files(store)
    with pytest.raises(CorpusError, match=r"version 1; .* another folder"):
        prepare("folder", source, store, splits="100/0/0")
    assert files(store) == before


def test_progress_counts_segments(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    prepare("folder", album(tmp_path / "m", 5), tmp_path / "s", pieces=2, progress=lambda *c: seen.append(c))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_what_cannot_be_used_is_listed_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "music", {"good.mid": tune(1), "silent.mid": Score(tracks=(Track("nothing"),))})
    (source / "text.mid").write_text("this is not music")
    (source / "empty.mid").write_bytes(b"")
    (source / "gone.mid").symlink_to("nowhere.mid")
    os.mkfifo(source / "pipe.mid")
    (source / "odd.abc").write_bytes(b"\x00\x01\x02")
    store = prepare("folder", source, tmp_path / "store", splits="100/0/0")
    reasons = {one.source: one.reason for one in store.left_out()}
    assert [piece.source for piece in store.pieces()] == ["good.mid"]
    assert reasons["silent.mid"] == "no notes"
    assert reasons["text.mid"] == "not a MIDI file (no MThd header)"
    assert reasons["gone.mid"] == "the file is missing"
    assert set(reasons) == {"silent.mid", "text.mid", "empty.mid", "gone.mid", "pipe.mid", "odd.abc"}
    assert not any(str(tmp_path) in reason for reason in reasons.values())
    with (tmp_path / "store" / "problems.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["source", "state", "problem"]
    assert {source: problem for source, state, problem in rows[1:] if state == "left out"} == reasons
    monkeypatch.setattr(building, "MAX_BYTES", 100)
    with pytest.raises(CorpusError, match="MiB"):
        prepare("folder", write(tmp_path / "large", {"a.mid": tune(1)}), tmp_path / "none", splits="100/0/0")
    assert not (tmp_path / "none").exists()


def test_a_reader_that_fails_costs_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = album(tmp_path / "music", 3)
    from symbolic_music.corpora.datasets import base as sources

    bad = (source / "0/001.mid").read_bytes()

    def parse(data: bytes) -> Score:
        if data == bad:
            raise TypeError("a mistake of a reader")
        return real(data)

    real = sources.parse_midi
    monkeypatch.setattr(sources, "parse_midi", parse)
    store = prepare("folder", source, tmp_path / "store", splits="100/0/0")
    assert [(one.source, one.reason) for one in store.left_out()] == [("0/001.mid", "TypeError: a mistake of a reader")]
    assert len(store) == 2


def test_reasons_name_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "x.mid"
    assert building._plain(f"{path}: not MIDI", path) == "not MIDI"
    assert building._plain(f"cannot read {path} at all", path) == "cannot read the file at all"


@pytest.mark.skipif(sys.platform == "win32" or sys.platform == "darwin", reason="names there are Unicode")
def test_names_need_not_be_unicode(tmp_path: Path) -> None:
    source = tmp_path / "music"
    source.mkdir()
    name = os.fsdecode(b"caf\xe9.mid")
    (source / name).write_bytes(midi_bytes(tune(1)))
    (source / os.fsdecode(b"\xe8.mid")).write_text("not music")
    store = prepare("folder", source, tmp_path / "store", splits="100/0/0")
    assert store.piece(0).source == name
    assert "\\udce8.mid,left out,not a MIDI" in (tmp_path / "store" / "problems.csv").read_text()


def test_abc_is_read_without_music21(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "music", {"a.mid": tune(1)})
    (source / "tune.abc").write_text("X:1\nT:A tune\nM:4/4\nL:1/4\nK:C\nC D E F | G4 |\n")
    monkeypatch.setitem(sys.modules, "music21", None)
    store = prepare("folder", source, tmp_path / "store", splits="100/0/0")
    assert len(store) == 2
    assert not store.left_out()


def test_shares_follow_from_content(tmp_path: Path) -> None:
    scores = [tune(n) for n in range(40)]
    one = prepare("folder", write(tmp_path / "a", {f"{n}.mid": s for n, s in enumerate(scores)}), tmp_path / "one",
                  splits="50/25/25")  # fmt: skip
    # Other names, another order, and half of them: each piece is in the split that it was in.
    write(tmp_path / "b", {f"z{99 - n}.mid": s for n, s in enumerate(scores[::2])})
    two = prepare("folder", tmp_path / "b", tmp_path / "two", splits="50/25/25")
    by_content = {piece.sha256: piece.split for piece in one.pieces()}
    assert all(by_content[piece.sha256] == piece.split for piece in two.pieces())
    assert set(one.splits) == {"train", "validation", "test"}
    assert all(by_content[key] == by_shares(key, (50, 25, 25)) for key in by_content)


@pytest.mark.parametrize("pieces", [1, 2])
def test_a_folder_too_small_for_its_splits_is_refused(pieces: int, tmp_path: Path) -> None:
    source, store = album(tmp_path / "music", pieces), tmp_path / "store"
    with pytest.raises(CorpusError, match=r"test would be empty; .* --splits 100/0/0"):
        prepare("folder", source, store)
    assert not store.exists()
    assert set(prepare("folder", source, store, splits="100/0/0").splits) == {"train"}


def test_three_pieces_fill_three_splits(tmp_path: Path) -> None:
    store = prepare("folder", album(tmp_path / "music", 3), tmp_path / "store")
    assert {name: len(pieces) for name, pieces in store.splits.items()} == {"train": 1, "validation": 1, "test": 1}
    assert store.manifest["options"]["splits"] == "90/5/5"


@pytest.mark.parametrize("splits", ["", "dedup"])
def test_copies_and_broken_files_fill_no_split(splits: str, tmp_path: Path) -> None:
    source = write(tmp_path / "music", {"a.mid": tune(1), "b.mid": tune(1), "c.mid": tune(1)})
    (source / "broken.mid").write_text("no music")
    store = tmp_path / "store"
    with pytest.raises(CorpusError, match=r"one piece .* validation and test would be empty; .* --splits 100/0/0"):
        prepare("folder", source, store, splits=splits)
    assert len(prepare("folder", source, store, splits="100/0/0")) == 3


def test_splits_of_hashes() -> None:
    assert [by_first_digit(key * 32) for key in "0dDeEf"] == ["train"] * 3 + ["validation"] * 2 + ["test"]
    at = {share: f"{(share << 64) // 100 + 1:016x}" for share in (0, 89, 90, 94, 95, 99)}
    assert [by_shares(at[share], (90, 5, 5)) for share in at] == ["train"] * 2 + ["validation"] * 2 + ["test"] * 2
    assert parse_shares("80/10/10") == (80, 10, 10)
    for wrong in ("80/10", "80/10/20", "a/b/c", "110/-5/-5", "all"):
        with pytest.raises(OptionError, match="--splits"):
            parse_shares(wrong)


def piece(notes: int, last: float, instruments: int = 1) -> Score:
    """So many notes, the last at this second, on so many programs."""
    onset = np.linspace(0, last, notes) * 960
    program = np.arange(notes) % instruments
    return Score(
        notes=note_table(onset=np.rint(onset), duration=np.full(notes, 10), pitch=np.full(notes, 60), program=program),
        tempos=np.array([(0, 500_000)], TEMPO),
    )


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        (piece(100, 10), ""),
        (piece(99, 10), "fewer than 100 notes"),
        (piece(100, 9.99), "last onset before 10 s"),
        (piece(100, 9.996), ""),
        (piece(100, 3600), ""),
        (piece(100, 3600.02), "last onset after 3,600 s"),
        (piece(100, 20, 16), ""),
        (piece(100, 20, 17), "more than 16 instruments"),
    ],
)
def test_the_anticipation_filter(score: Score, reason: str) -> None:
    assert filters.anticipation(score) == reason


def test_the_mmm_filter() -> None:
    assert filters.mmm(piece(100, 14.1)) == ""
    assert filters.mmm(piece(100, 13.9)) == "fewer than 8 bars"
    assert filters.mmm(piece(99, 14.1)) == "fewer than 100 notes"


def test_filtered_pieces_are_listed(tmp_path: Path) -> None:
    source = write(tmp_path / "music", {"long.mid": tune(1, 80), "short.mid": tune(2, 20)})
    store = prepare("folder", source, tmp_path / "store", filter="anticipation", splits="100/0/0")
    assert [p.source for p in store.pieces()] == ["long.mid"]
    assert [(one.source, one.reason) for one in store.left_out()] == [("short.mid", "fewer than 100 notes")]
    assert store.manifest["options"]["filter"] == "anticipation"


def test_mistakes_are_named(tmp_path: Path) -> None:
    source = album(tmp_path / "music", 2)
    for arguments, options, error, text in (
        (("nothing", source), {}, UnknownNameError, "maestro, lakh"),
        (("folder", source), {"filter": "none"}, UnknownNameError, "anticipation"),
        (("folder", source), {"engine": "spark"}, UnknownNameError, "processes, ray"),
        (("folder", source), {"workers": 0}, OptionError, "--workers"),
        (("folder", source), {"splits": "1/2/3"}, OptionError, "100"),
        (("maestro", source), {"splits": "dedup"}, OptionError, "lakh and folder"),
        (("folder", tmp_path / "nowhere"), {}, FileError, "no such file"),
        (("folder", source / "0" / "000.mid"), {}, FileError, "name the folder of the corpus"),
        (("lakh", source / "0" / "000.mid"), {}, FileError, "name the folder of the corpus"),
        (("maestro", source), {}, CorpusError, "maestro-v"),
        (("groove", source), {}, CorpusError, "info.csv"),
        (("chorales", source), {}, CorpusError, "Jsb16thSeparated.json"),
        (("pop909", source), {}, CorpusError, "001"),
        (("lakh", source), {}, CorpusError, "MD5"),
        (("lakh", source), {"splits": "90/5/5"}, OptionError, "md5 or dedup"),
        (("folder", source), {"splits": "dedup:1/2/3"}, OptionError, "100"),
        (("lakh", source), {"splits": "dedup:80/10/10"}, OptionError, "md5 or dedup"),
    ):
        with pytest.raises(error, match=text):
            prepare(*arguments, tmp_path / "store", **options)
        assert not (tmp_path / "store").exists()


def test_nothing_else_is_overwritten(tmp_path: Path) -> None:
    source = album(tmp_path / "music", 2)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear")
    with pytest.raises(CorpusError, match=r"not empty and no note store \(diary.txt\)"):
        prepare("folder", source, tmp_path / "mine", splits="100/0/0")
    (tmp_path / "mine" / "diary.txt").rename(tmp_path / "mine" / "manifest.json")  # nor what is called as ours
    with pytest.raises(CorpusError, match=r"not empty and no note store"):
        prepare("folder", source, tmp_path / "mine", splits="100/0/0")
    (tmp_path / "mine" / "manifest.json").rename(tmp_path / "mine" / "diary.txt")
    with pytest.raises(FileError, match="name a folder"):
        prepare("folder", source, tmp_path / "mine" / "diary.txt", splits="100/0/0")
    prepare("folder", source, tmp_path / "store", splits="100/0/0")
    before = files(tmp_path / "store")
    with pytest.raises(CorpusError, match="prepared with filter"):
        prepare("folder", source, tmp_path / "store", filter="mmm", splits="100/0/0")
    assert files(tmp_path / "store") == before


def test_a_full_disk_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from symbolic_music.io import atomic

    def full(*arguments: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    source = album(tmp_path / "music", 4)
    with monkeypatch.context() as patch:
        for name in ("replace", "link"):  # how a file gets its name, and how one that has none gets it
            patch.setattr(atomic.os, name, full)
        with pytest.raises(FileError, match="No space left"):
            prepare("folder", source, tmp_path / "store")
    assert not (tmp_path / "store").exists()
    prepare("folder", source, tmp_path / "store", pieces=2)
    before = files(tmp_path / "store")
    write(source, {"9.mid": tune(9)})
    with monkeypatch.context() as patch:
        for name in ("replace", "link"):  # how a file gets its name, and how one that has none gets it
            patch.setattr(atomic.os, name, full)
        with pytest.raises(FileError, match="No space left"):
            prepare("folder", source, tmp_path / "store", pieces=2)
    assert files(tmp_path / "store") == before
    assert len(NoteStore(tmp_path / "store")) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="no flock there")
def test_one_run_at_a_time(tmp_path: Path) -> None:
    import fcntl

    source, store = album(tmp_path / "music", 2), tmp_path / "store"
    store.mkdir()
    handle = os.open(store, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(CorpusError, match="another run"):
            prepare("folder", source, store, splits="100/0/0")
    finally:
        os.close(handle)
    assert len(prepare("folder", source, store, splits="100/0/0")) == 2
