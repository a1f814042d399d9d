from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from symbolic_music import read, tokenizers
from symbolic_music.cli.output import id_files as files
from symbolic_music.errors import FileError


def test_ids_are_those_of_the_library(run, song, tmp_path, quartet) -> None:
    expected = tokenizers.get("anticipation").encode(read(song)).tolist()
    assert json.loads(run("tokenize", song, "-t", "anticipation", "--json").out)["ids"] == expected
    assert [int(i) for i in run("tokenize", song, "-t", "anticipation").out.split()] == expected
    outcome = run("tokenize", song, "-t", "anticipation", "-o", tmp_path / "ids.npy")
    assert outcome.out == f"{tmp_path / 'ids.npy'}: 120 ids\n"
    assert np.load(tmp_path / "ids.npy").tolist() == expected


def test_control_programs_become_controls(run, song) -> None:
    expected = tokenizers.get("anticipation", control_programs=[73, 128]).encode(read(song)).tolist()
    outcome = run("tokenize", song, "-t", "anticipation", "--control-programs", "73,128", "--json")
    assert json.loads(outcome.out)["ids"] == expected


def test_ids_without_notes_make_no_file(run, mistake, tmp_path) -> None:
    np.save(tmp_path / "ids.npy", np.zeros(0, np.int32))
    verb = ("detokenize", tmp_path / "ids.npy", "-t", "remi", "-o", tmp_path / "a.mid")
    assert "stand for no notes" in mistake(*verb)
    assert not (tmp_path / "a.mid").exists()
    assert run(*verb, "--allow-empty").code == 0
    assert len(read(tmp_path / "a.mid")) == 0


def test_there_and_back(run, song, tmp_path, quartet) -> None:
    for name in ("ids.npy", "ids.npz"):
        run("tokenize", song, "-t", "anticipation", "-o", tmp_path / name)
        outcome = run("detokenize", tmp_path / name, "-t", "anticipation", "-o", tmp_path / "back.mid", "--json")
        assert json.loads(outcome.out) == {"notes": 40, "seconds": 4.0, "out": str(tmp_path / "back.mid")}
        back = read(tmp_path / "back.mid")
        assert sorted(back.notes["pitch"]) == sorted(quartet.notes["pitch"])
        assert np.allclose(back.onset_seconds, quartet.onset_seconds)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("remi", {}),
        ("compound", {"preset": "miditok"}),
        ("performance", {"preset": "score2perf"}),
        ("miditok:TSD", {}),
        ("miditok:REMI", {}),
        ("miditok:CPWord", {}),
        ("miditok:MuMIDI", {}),
        ("miditok:MMM", {}),
    ],
)
def test_every_shape_of_ids_there_and_back(run, song, tmp_path, quartet, name, options) -> None:
    if name.startswith("miditok:"):
        pytest.importorskip("miditok")
    expected = tokenizers.get(name, **options).encode(read(song))
    preset = [f"--preset={options['preset']}"] if options else []
    printed = json.loads(run("tokenize", song, "-t", name, *preset, "--json").out)
    assert printed["tokenizer"] == name
    assert printed["ids"] == files.lists(expected)
    assert printed["count"] == files.count(expected)
    assert run("tokenize", song, "-t", name, *preset).out == files.text(expected) + "\n"
    run("tokenize", song, "-t", name, *preset, "-o", tmp_path / "ids.npz")
    run("detokenize", tmp_path / "ids.npz", "-t", name, *preset, "-o", tmp_path / "back.mid")
    assert sorted(read(tmp_path / "back.mid").notes["pitch"]) == sorted(quartet.notes["pitch"])


def test_a_saved_tokenizer(run, mistake, song, tmp_path, quartet) -> None:
    pytest.importorskip("miditok")
    trained = tokenizers.get("miditok:TSD", use_programs=True).train([quartet], 460)
    path = trained.save(tmp_path / "tokenizer.json")
    assert json.loads(run("tokenize", song, "-t", path, "--json").out)["ids"] == trained.encode(read(song)).tolist()
    run("tokenize", song, "-t", path, "-o", tmp_path / "ids.npy")
    outcome = run("detokenize", tmp_path / "ids.npy", "-t", path, "-o", tmp_path / "back.mid", "--json")
    assert json.loads(outcome.out)["notes"] == 40
    assert "has its preset in the file" in mistake("tokenize", song, "-t", path, "--preset", "default")
    assert "no such file" in mistake("tokenize", song, "-t", tmp_path / "none.json")
    path.write_text("{}")
    assert "not a saved tokenizer" in mistake("detokenize", tmp_path / "ids.npy", "-t", path, "-o", tmp_path / "2.mid")


def test_mistakes(mistake, song, tmp_path) -> None:
    assert "no tokenizer named 'morse'" in mistake("tokenize", song, "-t", "morse")
    assert "miditok:NAME with NAME one of REMI" in mistake("tokenize", song, "-t", "miditok:morse")
    assert "preset" in mistake("tokenize", song, "-t", "anticipation", "--preset", "none")
    assert "numbers separated by commas" in mistake(
        "tokenize", song, "-t", "anticipation", "--control-programs", "piano"
    )
    assert "goes with -t anticipation" in mistake("tokenize", song, "-t", "remi", "--control-programs", "0")
    assert "name it .npy or .npz" in mistake("tokenize", song, "-t", "anticipation", "-o", tmp_path / "ids.txt")
    assert "is the input" in mistake("detokenize", song, "-t", "anticipation", "-o", song)
    assert "no such folder" in mistake("tokenize", song, "-t", "anticipation", "-o", tmp_path / "no" / "ids.npy")
    assert "not a file of ids" in mistake("detokenize", song, "-t", "anticipation", "-o", tmp_path / "out.mid")


@pytest.mark.parametrize(
    "content",
    [
        np.array([0.5]),
        np.array([1, 2]),
        np.array([[1, 2, 3]]),
        np.array([99_999, 99_999, 99_999]),
        np.array([-1, 10_000, 11_000]),
    ],
    ids=["halves", "two", "table", "outside", "negative"],
)
def test_ids_that_mean_nothing_are_mistakes(mistake, tmp_path, content) -> None:
    np.save(tmp_path / "ids.npy", content)
    assert mistake("detokenize", tmp_path / "ids.npy", "-t", "anticipation", "-o", tmp_path / "out.mid")


def test_a_list_of_arrays_goes_to_npz_and_back(tmp_path) -> None:
    tracks = [np.array([1, 2, 3], np.int32), np.zeros(0, np.int32), *[np.array([i]) for i in range(9)]]
    files.save(tmp_path / "ids.npz", tracks)
    loaded = files.load(tmp_path / "ids.npz")
    assert [a.tolist() for a in loaded] == [a.tolist() for a in tracks]
    with pytest.raises(FileError, match=r"name it ids\.npz"):
        files.save(tmp_path / "ids.npy", tracks)
    assert not (tmp_path / "ids.npy").exists()


def test_text_of_ids() -> None:
    words = np.array([[1, 2], [3, 4]])
    assert files.text(np.array([1, 2, 3])) == "1 2 3"
    assert files.text(words) == "1 2\n3 4"
    assert files.text([np.array([1, 2]), np.array([3])]) == "1 2\n3"
    assert files.text([words, words]) == "1 2\n3 4\n\n1 2\n3 4"
    assert files.lists([words]) == [[[1, 2], [3, 4]]]
    assert (files.count(words), files.count([words, words])) == (2, 4)


def test_nothing_is_unpickled(tmp_path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}, []], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "objects.npz", ids=np.array([{}, []], dtype=object))
    for name in ("objects.npy", "objects.npz"):
        with pytest.raises(FileError, match="not a file of ids"):
            files.load(tmp_path / name)


@pytest.mark.parametrize("damage", ["cut", "overpromised", "empty", "other names"])
def test_damaged_files_are_named(tmp_path, damage) -> None:
    path = tmp_path / "ids.npy"
    np.save(path, np.arange(1000))
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:500])
    elif damage == "overpromised":
        path.write_bytes(path.read_bytes().replace(b"(1000,)", b"(9999999999999,)"))
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        np.savez(tmp_path / "ids.npz", something=np.arange(3))
        path = tmp_path / "ids.npz"
    with pytest.raises(FileError, match=r"ids\.np[yz]"):
        files.load(path)


def packed(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def npy(tmp_path, array, promised=None) -> bytes:
    """The bytes of a .npy file; its header promises another shape if told so."""
    np.save(tmp_path / "one.npy", array)
    data = (tmp_path / "one.npy").read_bytes()
    return data if promised is None else data.replace(f"{array.shape},".encode(), f"{promised},".encode())


@pytest.mark.parametrize("name", ["ids.npz", "ids.npy"])
@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, np.uint64])
def test_more_ids_than_any_piece_are_not_unpacked(monkeypatch, mistake, tmp_path, name, dtype) -> None:
    monkeypatch.setattr(files, "_unpacked", None)
    path = tmp_path / name
    files.save(path, np.zeros(files.MAX_IDS + 1, dtype))
    told = mistake("detokenize", path, "-t", "performance", "-o", tmp_path / "out.mid")
    assert "holds 4,194,305 ids; at most 4,194,304 are read" in told


def test_tracks_count_together(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(files, "MAX_IDS", 1000)
    path = tmp_path / "ids.npz"
    files.save(path, [np.zeros(250, int)] * 4)
    assert [len(track) for track in files.load(path)] == [250] * 4
    files.save(path, [np.zeros(250, int)] * 5)
    with pytest.raises(FileError, match=r"holds 1,250 ids; at most 1,000 are read"):
        files.load(path)
    np.savez(path, ids=np.zeros((200, 6), int))
    with pytest.raises(FileError, match=r"holds 1,200 ids"):
        files.load(path)


@pytest.mark.parametrize(
    "array", [np.zeros(0, np.int32), np.zeros((0, 7), np.int32), np.arange(6).reshape(2, 3)], ids=str
)
@pytest.mark.parametrize("name", ["ids.npz", "ids.npy"])
def test_every_shape_is_loaded_as_it_was_saved(tmp_path, name, array) -> None:
    files.save(tmp_path / name, array)
    loaded = files.load(tmp_path / name)
    assert (loaded.dtype, loaded.shape) == (array.dtype, array.shape)
    assert np.array_equal(loaded, array)


def test_archives_that_are_not_of_ids(tmp_path) -> None:
    ids = npy(tmp_path, np.arange(10))
    for members in (
        [],
        [("ids.npy", b"")],
        [("ids.npy", ids[:20])],
        [("ids.npy", ids[:-8])],
        [("ids.npy", ids + b"more")],
        [("ids.npy", npy(tmp_path, np.arange(10), (11,)))],
        [("ids.npy", npy(tmp_path, np.arange(10), (9,)))],
        [("ids.npy", npy(tmp_path, np.arange(10), (-1,)))],
        [("ids.npy", npy(tmp_path, np.arange(10), (2**62, 4)))],
        [("ids.npy", npy(tmp_path, np.array([0.5])))],
        [("ids.npy", ids), ("more.npy", ids)],
        [("track_1.npy", ids)],
        [("track_0.npy", ids), ("track_2.npy", ids)],
        [("ids", ids), ("ids.npy", ids)],
        [("../ids.npy", ids)],
    ):
        with pytest.raises(FileError, match=r"ids\.npz"):
            files.load(packed(tmp_path / "ids.npz", members))
    for compression in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with pytest.raises(FileError, match="not a file of ids"):
            files.load(packed(tmp_path / "ids.npz", [("ids.npy", ids)], compression))
    assert files.load(packed(tmp_path / "ids.npz", [("ids.npy", ids)])).tolist() == list(range(10))


@pytest.mark.parametrize("name", ["ids.npz", "ids.npy"])
def test_damage_of_a_byte_is_a_named_error_or_none(tmp_path, name) -> None:
    path = tmp_path / name
    files.save(path, np.arange(50))
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for at in (*range(min(300, len(whole))), *rng.integers(0, len(whole), 200)):
        broken = bytearray(whole)
        broken[at] = rng.integers(0, 256)
        path.write_bytes(bytes(broken))
        try:
            loaded = files.load(path)
        except FileError:
            continue
        assert loaded.dtype.kind in "iu"
