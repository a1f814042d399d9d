from __future__ import annotations

import contextlib
import json
from hashlib import sha256

import numpy as np
import pytest

from symbolic_music import tokenizers
from symbolic_music.errors import FileError, SymbolicMusicError, TokenError
from symbolic_music.score import CONTROL, METER, TEMPO, Score, Track, note_table
from symbolic_music.tokenizers import saving
from symbolic_music.tokenizers.remi.tokenizer import RemiTokenizer
from tests.tokenizers.every_tokenizer import CONFIGS, built

# First 16 digits of the fingerprint (names of the ids, and revision), and of the SHA-256 of the ids of `example`.
# Saved tokenizers and encoded data out there hold these. Where a line must change, raise `revision` of the class if
# the fingerprint stayed, so that a saved tokenizer is refused and not misread.
KNOWN: dict[str, tuple[str, str]] = {
    "performance default": ("9192a11879b5dd7b", "85bb48b71288ba16"),
    "performance score2perf": ("ec4089adc2a68107", "64e9a064c7ea2972"),
    "aria default": ("d001fd0712502acf", "624ae5b1387c9f5b"),
    "aria demo": ("2fb8726f93d8a505", "5ae29818e7842170"),
    "midigpt yellow": ("5fa91b0907f0c9cc", "f549c7566f5f789c"),
    "midigpt prism": ("9e95a3445dff04c7", "96e20baf24118284"),
    "midigpt expressive": ("bc5f90eee97635f4", "089010716ff3aecc"),
    "skytnt v2": ("1bf8a7cfea500fce", "2728fe9658f0a044"),
    "skytnt v2 as it is": ("1bf8a7cfea500fce", "eeaf2e5ac6b8ac63"),
    "skytnt v1": ("1bb4fc6bb8dfae14", "18a2edd234316450"),
    "skytnt v1 as it is": ("1bb4fc6bb8dfae14", "bc8e6faccb3295c2"),
    "region default": ("4bfbb3377c848f6e", "2c959d23d7ae6361"),
    "region pedal": ("4bfbb3377c848f6e", "aa7558d6248f9738"),
    "grid default": ("2b998781a948620b", "e25f1b9af5b404c9"),
    "remi default": ("e2fbcd6603ef7df5", "b219b833b526201c"),
    "remi default chords": ("9f571b0577769a74", "f911dfc4cd5caa19"),
    "remi miditok": ("5a0d8e7d65440035", "c1a72e9085166ae1"),
    "remi miditok tempos": ("8ecb8ad6af9959c6", "806e9f9100606ad4"),
    "remi miditok programs": ("09bf612b54368d6e", "551d4d165b20f1cc"),
    "remi miditok programs apart": ("09bf612b54368d6e", "b2f42fb0b1e84418"),
    "remi miditok rests": ("71219e28f0bdc70c", "5de5a3a82d051d11"),
    "remi miditok rests, no meters": ("9978d80abc89d20a", "6f01deea3d6fe39b"),
    "remi miditok all": ("df7656e8d583a637", "4662fb1d234b7f6e"),
    "remi original": ("c626759150749bd1", "bce6f37db339b57b"),
    "compound default": ("31c395cdc5df2e2d", "37cffba942b95f9c"),
    "compound default chords": ("ff1d59449df3af52", "e08e94db2ddfd4aa"),
    "compound miditok": ("dfac4a32aad5a6e4", "d7fc1b3fe51ff007"),
    "compound miditok tempos": ("75795db4da4bc42e", "1f42766f8ddee7cd"),
    "compound miditok programs": ("f5cd59430bc1bb65", "b0f64e40de59c880"),
    "compound miditok programs apart": ("f5cd59430bc1bb65", "370b5a71dd631698"),
    "compound miditok rests": ("4d49b571f00e147e", "e32b1d1ff3d711d4"),
    "compound miditok rests, no meters": ("9c435ef9c5776a23", "e92bcdac0b84cbf3"),
    "compound miditok all": ("2983324ad2bafb71", "b2f06fb201d087bc"),
    "compound original": ("12d8ecacfdf1084f", "b457ba2ac8620025"),
    "anticipation default": ("849e99ae8cd6ed22", "954bab216df157eb"),
    "anticipation default controls": ("849e99ae8cd6ed22", "8cab1a527500d698"),
    "anticipation expressive": ("36ed7b69a0c25a3d", "4a969c3f490357bb"),
    "anticipation expressive controls": ("36ed7b69a0c25a3d", "7b4fcd5667a0acb6"),
    "anticipation interarrival": ("443da4af9b19df28", "7bc18ff07111e076"),
}


def example() -> Score:
    """A little of everything: three parts, drums, a pedal, a long rest, changes of tempo and meter."""
    rows = [(480 * i, 480, 60 + step, 50 + 9 * i, 0, 0, 0) for i, step in enumerate((0, 4, 7, 12, 11, 7, 5, 2))]
    rows += [(960 * i, 950, pitch, 70, 33, 1, 1) for i, chord in enumerate(((36, 43), (41, 48))) for pitch in chord]
    rows += [(240 * i, 60, 36 + 2 * (i % 2), 100, 0, 9, 2) for i in range(8)]
    rows += [(480 * 20 + 37, 333, 64, 90, 0, 0, 0), (480 * 20 + 37, 5000, 67, 1, 0, 0, 3)]
    return Score(
        notes=note_table(rows),
        tempos=np.array([(0, 500_000), (1000, 612_345)], TEMPO),
        meters=np.array([(0, 4, 4), (1920, 6, 8)], METER),
        controls=np.array([(100, 64, 127, 0), (1500, 64, 0, 0)], CONTROL),
        tracks=(Track("", 0), Track("", 33), Track("", 0, True), Track("", 0)),
    )


def digest(ids) -> str:
    parts = [ids] if isinstance(ids, np.ndarray) else ids
    whole = json.dumps([part.tolist() for part in parts])
    return sha256(whole.encode()).hexdigest()[:16]


@pytest.mark.parametrize("label", CONFIGS)
def test_ids_have_not_changed(label) -> None:
    tokenizer = built(label)
    found = (tokenizers.fingerprint(tokenizer)[:16], digest(tokenizer.encode(example())))
    assert found == KNOWN.get(label), f'see the comment at KNOWN; now "{label}": {found},'


def test_the_table_has_no_line_too_many() -> None:
    assert set(KNOWN) == set(CONFIGS)


@pytest.mark.parametrize("label", CONFIGS)
def test_what_is_loaded_is_what_was_saved(tmp_path, label) -> None:
    tokenizer = built(label)
    path = tmp_path / "tokenizer.json"
    assert tokenizer.save(path) == path
    again = tokenizers.load(path)
    assert type(again) is type(tokenizer)
    assert again.to_config() == tokenizer.to_config()
    assert again.vocabulary == tokenizer.vocabulary
    assert digest(again.encode(example())) == digest(tokenizer.encode(example()))


def test_the_file_says_what_it_is(tmp_path) -> None:
    saved = json.loads(built("performance default").save(tmp_path / "tokenizer.json").read_text())
    assert saved["format"] == "symbolic_music.tokenizer"
    assert (saved["format_version"], saved["name"], saved["preset"]) == (2, "performance", "default")
    assert (saved["options"], saved["sizes"], saved["revision"]) == ({}, [388], 1)
    assert saved["sha256"] == tokenizers.fingerprint(built("performance default"))
    assert saved["configuration_sha256"] == saving.configuration_fingerprint(built("performance default"))
    assert saved["configuration_sha256"] == sha256(b'["performance","default",{}]').hexdigest()


def test_fingerprints_tell_names_fields_and_revisions_apart() -> None:
    found = {saving._fingerprint(r, f) for r in (1, 2) for f in ((("a", "b"),), (("a",), ("b",)), (("a,b",),))}
    assert len(found) == 6


def test_configurations_are_told_apart() -> None:
    """The names of ids and what the options make of a score: no two of our tokenizers share both."""
    found = {(tokenizers.fingerprint(built(one)), saving.configuration_fingerprint(built(one))) for one in CONFIGS}
    assert len(found) == len(CONFIGS)
    assert len({config for _, config in found}) == len(CONFIGS)


def resealed(saved):
    """With the hash of the configuration that it has now, as another version could have saved it."""
    try:
        seal = saving._configuration_fingerprint(saved["name"], saved["preset"], saved["options"])
    except (KeyError, TypeError):
        return saved
    return {**saved, "configuration_sha256": seal}


@pytest.fixture
def changed(tmp_path):
    """Write a saved remi tokenizer with some entries changed, as another version could have saved it."""

    def write(**entries):
        path = tmp_path / "tokenizer.json"
        saved = json.loads(built("remi default").save(path).read_text())
        path.write_text(json.dumps(resealed({**saved, **entries})))
        return path

    return write


@pytest.mark.parametrize(
    ("label", "options"),
    [
        ("anticipation default controls", {"control_programs": [0, 33]}),
        ("anticipation default", {"control_programs": [0]}),
        ("anticipation default controls", {}),
        ("remi miditok programs", {"use_programs": True, "one_token_stream_for_programs": False}),
        ("remi default", {"use_chords": True}),
    ],
    ids=str,
)
def test_edited_options_are_refused(tmp_path, label, options) -> None:
    path = built(label).save(tmp_path / "tokenizer.json")
    saved = json.loads(path.read_text())
    path.write_text(json.dumps({**saved, "options": options}))
    with pytest.raises(TokenError, match=r"options or the trained state .* not those that were saved"):
        tokenizers.load(path)


def test_the_order_of_keys_says_nothing(tmp_path) -> None:
    path = built("compound miditok all").save(tmp_path / "tokenizer.json")
    saved = json.loads(path.read_text())
    turned = {key: saved[key] for key in reversed(saved)}
    path.write_text(json.dumps({**turned, "options": dict(reversed(saved["options"].items()))}))
    assert tokenizers.load(path).to_config() == built("compound miditok all").to_config()


def test_changed_vocabularies_are_refused(changed) -> None:
    tokenizers.load(changed())
    for entries, reason in (
        ({"sha256": "0" * 64}, "their names differ"),
        ({"sizes": [816]}, r"\[816\] ids there, \[\d+\] here"),
        ({"revision": 7}, "revision 7 there, 1 here"),
    ):
        with pytest.raises(TokenError, match=rf"(?s)not those of remi here \({reason}.*use symbolic-music 0"):
            tokenizers.load(changed(**entries))


def test_a_raised_revision_refuses_what_was_saved_before(changed, monkeypatch) -> None:
    path = changed()
    monkeypatch.setattr(RemiTokenizer, "revision", 2)
    with pytest.raises(TokenError, match="revision 1 there, 2 here"):
        tokenizers.load(path)


def test_other_versions_are_refused(changed) -> None:
    with pytest.raises(TokenError, match=r"format version 1; this version reads 2: use symbolic-music 9\.9"):
        tokenizers.load(changed(format_version=1, library_version="9.9"))
    for entries in ({"name": "morse"}, {"preset": "morse"}, {"options": {"use_morse": True}}, {"options": {"": 1}}):
        with pytest.raises(TokenError, match=r"saved by symbolic-music 0\S* and does not fit this version"):
            tokenizers.load(changed(**entries))


@pytest.mark.parametrize(
    "entries",
    [
        {"options": []},
        {"options": {"name": "remi"}},
        {"name": 1},
        {"preset": None},
        {"sha256": []},
        {"options": None},
        {"more": 1},
    ],
    ids=str,
)
def test_damaged_files_are_named(changed, entries) -> None:
    with pytest.raises(FileError, match="damaged"):
        tokenizers.load(changed(**entries))


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"format": "other"}', b"1" * 5000])
def test_other_files_are_not_tokenizers(tmp_path, text) -> None:
    (tmp_path / "other.json").write_bytes(text)
    with pytest.raises(FileError, match=r"other\.json is not a saved tokenizer"):
        tokenizers.load(tmp_path / "other.json")


@pytest.mark.parametrize("depth", [100, 480, 900, 960, 990])
def test_lists_that_are_too_deep(changed, depth) -> None:
    path = changed()
    saved = json.loads(path.read_text())
    pytest.importorskip("miditok")
    text = json.dumps({**saved, "name": "miditok:TSD", "options": {"programs": "DEEP"}}).replace(
        '"DEEP"', "[" * depth + "]" * depth
    )
    path.write_text(text)
    with pytest.raises((TokenError, FileError)):
        tokenizers.load(path)
    with contextlib.suppress(RecursionError):
        path.write_text(json.dumps(resealed(json.loads(text))))
    with pytest.raises((TokenError, FileError)):
        tokenizers.load(path)


def test_missing_and_huge_files(tmp_path, monkeypatch) -> None:
    with pytest.raises(FileError, match="no such file"):
        tokenizers.load(tmp_path / "none.json")
    with pytest.raises(FileError, match="is a folder"):
        tokenizers.load(tmp_path)
    with pytest.raises(FileError, match="no such folder"):
        built("remi default").save(tmp_path / "none" / "tokenizer.json")
    path = built("remi default").save(tmp_path / "tokenizer.json")
    monkeypatch.setattr(saving, "MAX_BYTES", 100)
    with pytest.raises(FileError, match="too large"):
        tokenizers.load(path)
    before = path.read_bytes()
    with pytest.raises(TokenError, match="as JSON"):
        built("compound default").save(path)
    assert path.read_bytes() == before


def test_what_is_loaded_is_never_half_a_tokenizer(changed) -> None:
    """Any single byte broken: the same tokenizer, or a named error."""
    path = changed()
    whole = path.read_bytes()
    config = tokenizers.load(path).to_config()
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(whole), 200):
        broken = bytearray(whole)
        broken[at] = rng.integers(0, 256)
        path.write_bytes(bytes(broken))
        try:
            assert tokenizers.load(path).to_config() == config
        except SymbolicMusicError:
            continue
