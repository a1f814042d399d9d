"""The published corpora: small ones made here in their layouts, and those of this machine."""

from __future__ import annotations

import csv
import io
import json
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from symbolic_music.corpora.datasets import maestro
from symbolic_music.corpora.datasets.chorale_grid import read_chorales
from symbolic_music.corpora.preparation.pipeline import prepare
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.errors import CorpusError
from symbolic_music.io import read
from tests.corpora.example_files import files, tune, write
from tests.corpus_paths import corpus_dir

COLUMNS = (
    "canonical_composer", "canonical_title", "split", "year", "midi_filename", "audio_filename", "duration",
)  # fmt: skip
PIECES = [
    ("Berg", "Sonata", "train", 2018, "2018/a.midi"),
    ("Bach", "Fugue, in C", "validation", 2004, "2004/b.midi"),
    ("Liszt", "Étude", "test", 2004, "2004/c.midi"),
]


def rows(pieces: list[tuple[str, str, str, int, str]]) -> list[dict[str, object]]:
    return [dict(zip(COLUMNS, (*piece, "x.wav", 1.5), strict=True)) for piece in pieces]


def as_csv(pieces: list[tuple[str, str, str, int, str]]) -> str:
    out = io.StringIO()
    table = csv.DictWriter(out, COLUMNS)
    table.writeheader()
    table.writerows(rows(pieces))
    return out.getvalue()


def maestro_folder(folder: Path, version: str = "v3.0.0") -> Path:
    write(folder, {piece[4]: tune(n) for n, piece in enumerate(PIECES)})
    (folder / f"maestro-{version}.csv").write_text(as_csv(PIECES), encoding="utf-8")
    return folder


def test_maestro_has_its_splits_titles_and_composers(tmp_path: Path) -> None:
    store = prepare("maestro", maestro_folder(tmp_path / "maestro"), tmp_path / "store")
    pieces = {piece.source: piece for piece in store.pieces()}
    assert list(pieces) == ["2004/b.midi", "2004/c.midi", "2018/a.midi"]
    b = pieces["2004/b.midi"]
    assert (b.split, b.title, b.composer, b.license) == ("validation", "Fugue, in C", "Bach", "CC BY-NC-SA 4.0")
    assert b.facts == {"year": 2004}
    assert pieces["2004/c.midi"].title == "Étude"
    assert store.manifest["options"]["metadata"] == "v3.0.0"


def test_maestros_metadata_may_be_csv_or_json_of_any_version(tmp_path: Path) -> None:
    folder = maestro_folder(tmp_path / "maestro")
    prepare("maestro", folder, tmp_path / "csv")
    (folder / "maestro-v3.0.0.csv").unlink()
    listed = rows(PIECES)
    columns = {name: {str(n): row[name] for n, row in enumerate(listed)} for name in COLUMNS}
    for number, table in enumerate((listed, columns)):
        (folder / "maestro-v3.0.0.json").write_text(json.dumps(table))
        prepare("maestro", folder, tmp_path / f"json{number}")
        assert files(tmp_path / f"json{number}") == files(tmp_path / "csv")


def test_of_several_versions_the_one_that_fits_the_files_is_taken(tmp_path: Path) -> None:
    folder = maestro_folder(tmp_path / "maestro", "v2.0.0")
    (folder / "maestro-v3.0.0.csv").write_text(as_csv(PIECES[:2]), encoding="utf-8")
    assert len(prepare("maestro", folder, tmp_path / "folder")) == 3
    newer = prepare("maestro", folder / "maestro-v3.0.0.csv", tmp_path / "newer")
    assert [piece.source for piece in newer.pieces()] == ["2004/b.midi", "2018/a.midi"]
    assert newer.manifest["options"]["metadata"] == "v3.0.0"


def test_what_maestro_lists_and_has_not_is_left_out(tmp_path: Path) -> None:
    folder = maestro_folder(tmp_path / "maestro")
    (folder / "2004/c.midi").unlink()
    store = prepare("maestro", folder, tmp_path / "store")
    assert [(one.source, one.reason) for one in store.left_out()] == [("2004/c.midi", "the file is missing")]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", as_csv(PIECES).replace("2018,", "then,"), "\x00"])
def test_other_metadata_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "maestro-v3.0.0.csv"
    path.write_text(text)
    with pytest.raises(CorpusError, match=r"maestro-v3.*(not MAESTRO|lists no pieces)"):
        prepare("maestro", path, tmp_path / "store")
    json_path = tmp_path / "maestro-v3.0.0.json"
    json_path.write_text('["a"]')
    with pytest.raises(CorpusError, match="not MAESTRO's metadata"):
        maestro.read_metadata(json_path)


def test_an_archive_makes_the_same_store_as_its_folder(tmp_path: Path) -> None:
    folder = maestro_folder(tmp_path / "maestro-v3.0.0")
    prepare("maestro", folder, tmp_path / "plain")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        for name, data in files(folder).items():
            zipped.writestr(f"maestro-v3.0.0/{name}", data)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tarred:
        tarred.add(folder, "maestro-v3.0.0")
    for archive in ("a.zip", "a.tar.gz"):
        prepare("maestro", tmp_path / archive, tmp_path / f"{archive}.store", workers=2, pieces=128)
        assert files(tmp_path / f"{archive}.store") == files(tmp_path / "plain")
        assert not (tmp_path / f"{archive}.store" / ".unpacked").exists()


def test_names_in_metadata_do_not_lead_out_of_the_corpus(tmp_path: Path) -> None:
    write(tmp_path, {"secret.mid": tune(7)})
    pieces = [PIECES[0], *(("Bach", "x", "train", 2004, name) for name in ("../secret.mid", f"{tmp_path}/secret.mid"))]
    folder = write(tmp_path / "maestro", {PIECES[0][4]: tune(1)})
    (folder / "maestro-v3.0.0.csv").write_text(as_csv([*pieces, ("Bach", "x", "test", 2004, "a\0b.mid")]))
    store = prepare("maestro", folder, tmp_path / "store")
    assert len(store) == 1
    assert [one.reason for one in store.left_out()] == [
        "the file is outside of the corpus", "the file is outside of the corpus",
        "the file is missing",
    ]  # fmt: skip


def test_a_title_may_have_any_line_break(tmp_path: Path) -> None:
    titles = ["one\u2028two", "three\nfour", "five\x0bsix"]
    pieces = [("Bach", title, "train", 2004, f"{n}.mid") for n, title in enumerate(titles)]
    path = write(tmp_path, {piece[4]: tune(1) for piece in pieces}) / "maestro-v1.0.0.csv"
    path.write_text("\ufeff" + as_csv(pieces), encoding="utf-8")  # as a spreadsheet writes it
    assert [piece.title for piece in prepare("maestro", path, tmp_path / "store").pieces()] == titles


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "\udcff", "x" * 200_000, "midi_filename,split,id\na.mid,train,1\n"])
def test_another_info_csv_is_refused(tmp_path: Path, text: str) -> None:
    write(tmp_path / "groove", {"a.mid": tune(1)})
    (tmp_path / "groove" / "info.csv").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(CorpusError, match=r"not a table|not the Groove|lists no pieces"):
        prepare("groove", tmp_path / "groove", tmp_path / "store")


MD5 = ("0" * 32, "d" * 32, "e" + "1" * 31, "F" + "2" * 31)


def test_lakhs_splits_are_those_of_the_first_digit(tmp_path: Path) -> None:
    source = write(tmp_path / "lmd", {f"{name[0]}/{name}.mid": tune(n) for n, name in enumerate(MD5)})
    write(source, {"readme.mid": tune(9)})
    store = prepare("lakh", source, tmp_path / "store")
    split = {piece.source: piece.split for piece in store.pieces()}
    assert [split[f"{name[0]}/{name}.mid"] for name in MD5] == ["train", "train", "validation", "test"]
    assert [(one.source, one.reason) for one in store.left_out()] == [("readme.mid", "its name is not an MD5")]
    assert store.piece(0).license == "CC BY 4.0"


def test_what_lakh_matched_has_several_times_is_one_piece(tmp_path: Path) -> None:
    a, b = "A/A/A/TRAAAGR128F425B14B", "B/C/D/TRBCDEF128F9300000"
    source = write(tmp_path / "lmd", {f"{a}/{MD5[0]}.mid": tune(1), f"{b}/{MD5[0]}.mid": tune(1),
                                      f"{b}/{MD5[1]}.mid": tune(2)})  # fmt: skip
    store = prepare("lakh", source, tmp_path / "store")
    assert [piece.facts for piece in store.pieces()] == [
        {"msd": ["TRAAAGR128F425B14B", "TRBCDEF128F9300000"]}, {"msd": ["TRBCDEF128F9300000"]},
    ]  # fmt: skip


def test_chorales_are_those_of_the_json(tmp_path: Path) -> None:
    path = tmp_path / "Jsb16thSeparated.json"
    grid = [[60, 55, 52, 48], [60, 57, 53, 48], [62, -1, 55, 47]]
    path.write_text(json.dumps({"train": [grid, grid[1:]], "valid": [grid[::-1]], "test": [grid[:1]]}))
    store = prepare("chorales", path, tmp_path / "store")
    assert {name: len(own) for name, own in store.splits.items()} == {"test": 1, "train": 2, "validation": 1}
    chorales = read_chorales(path)
    for index, piece in enumerate(store.pieces()):
        split, _, place = piece.source.partition("#")[2].partition("/")
        expected = chorales[split][int(place)]
        assert store[index].replace(notes=expected.notes) == expected  # but for the channels, which a store has not
        assert store[index].notes["pitch"].tolist() == expected.notes["pitch"].tolist()
    prepare("chorales", tmp_path, tmp_path / "again")
    assert files(tmp_path / "again") == files(tmp_path / "store")
    for text in ("[1, 2]", "7", '{"train": 3}', '{"train": "text"}', "[" * 100_000, "not JSON"):
        path.write_text(text)
        with pytest.raises(CorpusError, match="expected Jsb16thSeparated"):
            prepare("chorales", path, tmp_path / "other")
    path.write_text(json.dumps({"train": [grid, "text", [[1, 2]], 5, [[60, 55, 52, 400]]]}))
    assert [len(prepare("chorales", path, tmp_path / "odd")), len(NoteStore(tmp_path / "odd").left_out())] == [1, 4]


ANNOTATIONS = {
    "beat_midi.txt": "0.05 1.0 1.0\n0.55 0.0 0.0\n1.05 1.0 0.0\n1.55 0.0 0.0\n2.05 1.0 1.0\n",
    "chord_midi.txt": "0.05\t1.05\tN\n1.05\t2.05\tGb:maj7/3\n",
    "key_audio.txt": "0.1\t9.5\tGb:maj\n",
}
_NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def pop909(folder: Path, midi: str, notes: str, songs: int) -> Path:
    for number in range(1, songs + 1):
        write(folder, {midi.format(f"{number:03}"): tune(number)})
        for name, text in ANNOTATIONS.items():
            path = folder / notes.format(f"{number:03}") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("midi", "notes"),
    [("midi/{0}.mid", "annotations/{0}"), ("{0}/{0}.mid", "{0}"), ("POP909/{0}/{0}.mid", "POP909/{0}")],
)
def test_pop909_has_its_annotations(tmp_path: Path, midi: str, notes: str) -> None:
    source = pop909(tmp_path / "pop909", midi, notes, 10)
    (source / notes.format("002") / "key_audio.txt").unlink()
    store = prepare("pop909", source, tmp_path / "store")
    assert [piece.split for piece in store.pieces()] == ["train"] * 8 + ["validation", "test"]
    assert store.piece(0).facts == {
        "song": 1,
        "beats": [0.05, 0.55, 1.05, 1.55, 2.05],
        "strong_beats": [0, 2, 4],
        "bars": [0, 4],
        "chords": [[0.05, 1.05, "N"], [1.05, 2.05, "Gb:maj7/3"]],
        "keys": [[0.1, 9.5, "Gb:maj"]],
    }
    assert "keys" not in store.piece(1).facts
    assert store.piece(0).license == "MIT"


def test_a_changed_annotation_is_read_again(tmp_path: Path) -> None:
    source = pop909(tmp_path / "pop909", "{0}/{0}.mid", "{0}", 2)
    prepare("pop909", source, tmp_path / "store")
    (source / "002" / "key_audio.txt").write_text("0.1\t9.5\tAb:maj\n")
    assert prepare("pop909", source, tmp_path / "store").piece(1).facts["keys"] == [[0.1, 9.5, "Ab:maj"]]


def test_an_annotation_that_is_broken_costs_its_song(tmp_path: Path) -> None:
    source = pop909(tmp_path / "pop909", "{0}/{0}.mid", "{0}", 4)
    for number, text in (("002", "soon\n"), ("003", "nan 1 1\n"), ("004", "0.5\n")):
        (source / number / "beat_midi.txt").write_text(text)
    (source / "²").mkdir()
    write(source, {"²/².mid": tune(1)})  # no number
    store = prepare("pop909", source, tmp_path / "store")
    assert [one.source for one in store.left_out()] == ["002/002.mid", "003/003.mid", "004/004.mid"]
    assert "soon" in store.left_out()[0].reason
    assert len(store) == 1


@pytest.mark.parametrize("shared", [False, True])
def test_pop909_has_the_titles_of_its_workbook(tmp_path: Path, shared: bool) -> None:
    source = pop909(tmp_path / "pop909", "{0}/{0}.mid", "{0}", 2)
    table = [["song_id", "name", "artist"], ["001", "青い", "Someone"], ["002", "Another", ""]]
    texts: list[str] = []
    lines = ""
    for row, values in enumerate(table, start=1):
        cells = ""
        for column, value in zip("ABC", values, strict=True):
            texts.append(value)
            cells += (f'<c r="{column}{row}" t="s"><v>{len(texts) - 1}</v></c>' if shared
                      else f'<c r="{column}{row}" t="inlineStr"><is><t>{value}</t></is></c>')  # fmt: skip
        lines += f'<row r="{row}">{cells}</row>'
    with zipfile.ZipFile(source / "index.xlsx", "w") as book:
        book.writestr("xl/worksheets/sheet1.xml", f'<worksheet xmlns="{_NAMESPACE}">{lines}</worksheet>')
        if shared:
            items = "".join(f"<si><t>{text}</t></si>" for text in texts)
            book.writestr("xl/sharedStrings.xml", f'<sst xmlns="{_NAMESPACE}">{items}</sst>')
    store = prepare("pop909", source, tmp_path / "store")
    assert [(p.title, p.facts.get("artist")) for p in store.pieces()] == [("青い", "Someone"), ("Another", None)]
    (source / "index.xlsx").write_bytes(b"no workbook")
    assert prepare("pop909", source, tmp_path / "without").piece(0).title == ""


def test_groove_has_drummers_and_styles(tmp_path: Path) -> None:
    source = write(tmp_path / "groove", {"drummer1/s/1.mid": tune(1), "drummer2/s/2.mid": tune(2)})
    (source / "info.csv").write_text(
        "drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split\n"
        "drummer2,drummer2/s,drummer2/s/2,rock,95,fill,3-4,drummer2/s/2.mid,,2.0,validation\n"
        "drummer1,drummer1/s,drummer1/s/1,funk/groove1,138,beat,4-4,drummer1/s/1.mid,x.wav,27.8,test\n"
    )
    store = prepare("groove", source, tmp_path / "store")
    piece = store.piece(0)
    assert (piece.source, piece.split, piece.title) == ("drummer1/s/1.mid", "test", "drummer1/s/1")
    assert piece.facts == {
        "drummer": "drummer1", "session": "drummer1/s", "style": "funk/groove1", "bpm": 138, "beat_type": "beat",
        "time_signature": "4-4",
    }  # fmt: skip
    assert store.piece(1).split == "validation"


# -- the corpora themselves ------------------------------------------------------------------------------------------


def counts(store: NoteStore) -> dict[str, int]:
    return dict(store.manifest["splits"])


@pytest.mark.corpora
def test_maestro_2_and_3_have_the_published_splits(tmp_path: Path) -> None:
    source = corpus_dir("maestro-midi")
    two = prepare("maestro", source / "maestro-v2.0.0.csv", tmp_path / "v2", workers=2)
    assert counts(two) == {"train": 967, "validation": 137, "test": 178}
    assert two.manifest["notes"] == 7_126_318  # one of them is never ended in its file
    assert two.manifest["seconds"] / 3600 == pytest.approx(201.22, abs=0.1)
    three = prepare("maestro", source / "maestro-v3.0.0.json", tmp_path / "v3")
    assert counts(three) == {"train": 962, "validation": 137, "test": 177}
    assert not two.left_out() + three.left_out()
    hashes = dict(line.split("  ")[::-1] for line in (source / "SHA256SUMS").read_text().splitlines())
    assert all(hashes[piece.source] == piece.sha256 for piece in two.pieces())


@pytest.mark.corpora
def test_groove_and_the_chorales_have_the_published_splits(tmp_path: Path) -> None:
    groove = prepare("groove", corpus_dir("groove-midi"), tmp_path / "groove", workers=2)
    assert counts(groove) == {"train": 897, "validation": 124, "test": 129}
    chorales = prepare("chorales", corpus_dir("jsb-chorales"), tmp_path / "chorales")
    assert counts(chorales) == {"train": 229, "validation": 76, "test": 77}
    assert chorales.manifest["notes"] == 82_722


@pytest.mark.corpora
def test_all_of_pop909_is_read_with_its_annotations(tmp_path: Path) -> None:
    store = prepare("pop909", corpus_dir("pop909"), tmp_path / "store", workers=2)
    assert counts(store) == {"train": 727, "validation": 91, "test": 91}
    assert store.manifest["notes"] == 1_533_438
    for piece in store.pieces():
        assert piece.title
        assert {"beats", "bars", "chords", "keys", "artist"} <= set(piece.facts)
        assert piece.facts["beats"] == sorted(piece.facts["beats"])


@pytest.mark.corpora
def test_the_odd_files_are_read_or_listed(tmp_path: Path) -> None:
    store = prepare("folder", corpus_dir("midi-edge-cases"), tmp_path / "store", workers=2)
    assert len(store) > 150
    reasons = Counter(one.reason for one in store.left_out())
    assert set(reasons) <= {"no notes", "not a MIDI file (no MThd header)"}
    for index in (0, len(store) // 2, len(store) - 1):
        piece = store.piece(index)
        expected = read(corpus_dir("midi-edge-cases") / piece.source)
        assert store[index].notes["onset"].tolist() == expected.notes["onset"].tolist()
        assert piece.problems == expected.problems
