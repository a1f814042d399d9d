"""Archives and downloads: nothing is trusted before it is checked."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import zipfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from symbolic_music.corpora.datasets import archives, downloads
from symbolic_music.corpora.datasets.downloads import Archive, fetch, find
from symbolic_music.corpora.preparation.pipeline import prepare
from symbolic_music.errors import CorpusError, FileError, UnknownNameError
from symbolic_music.io import midi_bytes
from tests.corpora.example_files import files, tune

MUSIC = midi_bytes(tune(1))


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def tarred(path: Path, members: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for name, data in members.items():
            one = tarfile.TarInfo(name)
            one.size = len(data)
            file.addfile(one, io.BytesIO(data))
        for name, target in (links or {}).items():
            one = tarfile.TarInfo(name)
            one.type, one.linkname = tarfile.SYMTYPE, target
            file.addfile(one)
    return path


def test_only_music_tables_and_texts_are_unpacked(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"top/a.mid": MUSIC, "top/a.wav": b"RIFF", "top/run.sh": b"", "top/.b.mid": b"x"})
    root = archives.unpacked(path, tmp_path / "out")
    assert files(root) == {"a.mid": MUSIC}


def test_several_folders_stay_as_they_are(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"one/a.mid": MUSIC, "two/a.mid": MUSIC})
    assert sorted(files(archives.unpacked(path, tmp_path / "out"))) == ["one/a.mid", "two/a.mid"]


@pytest.mark.parametrize("name", ["../out.mid", "/tmp/out.mid", "a/../../out.mid", "a\\..\\out.mid"])
def test_nothing_is_written_outside(tmp_path: Path, name: str) -> None:
    for path in (zipped(tmp_path / "a.zip", {name: MUSIC}), tarred(tmp_path / "a.tgz", {name: MUSIC})):
        with pytest.raises(CorpusError, match="outside"):
            archives.unpacked(path, tmp_path / "store" / "out")
    assert not list(tmp_path.rglob("*.mid"))


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.mid").write_bytes(MUSIC)
    path = tarred(tmp_path / "a.tar.gz", {"b.mid": MUSIC}, {"a.mid": str(tmp_path / "secret.mid")})
    assert list(files(archives.unpacked(path, tmp_path / "out"))) == ["b.mid"]


def test_a_file_that_is_a_folder_too_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.mid": MUSIC, "a.mid/b.mid": MUSIC})
    with pytest.raises(FileError, match="cannot unpack"):
        prepare("folder", path, tmp_path / "store")
    assert not (tmp_path / "store").exists()
    with pytest.raises(FileError, match="cannot unpack"):
        archives.unpacked(zipped(path, {"x" * 300 + ".mid": MUSIC}), tmp_path / "out")


def test_a_name_that_fills_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_AT_LEAST", 1 << 20)
    one = tarfile.TarInfo("x" * (8 << 20) + ".mid")
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(one.tobuf(tarfile.PAX_FORMAT) + bytes(1024)))
    with pytest.raises(CorpusError, match="30 times its size"):
        archives.unpacked(path, tmp_path / "out")


def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_AT_LEAST", 1000)
    path = zipped(tmp_path / "a.zip", {f"{n}.mid": bytes(100_000) for n in range(5)})
    with pytest.raises(CorpusError, match="30 times its size"):
        archives.unpacked(path, tmp_path / "out")
    monkeypatch.setattr(archives, "_MOST_FILES", 3)
    with pytest.raises(CorpusError, match="more than 3 files"):
        archives.unpacked(zipped(tmp_path / "b.zip", {f"{n}.mid": b"x" for n in range(5)}), tmp_path / "many")


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    members = {f"{n}.mid": midi_bytes(tune(n)) for n in range(20)}
    plain = tmp_path / "a.tar"
    plain.write_bytes(gzip.decompress(tarred(tmp_path / "b.tar.gz", members).read_bytes()))
    for path in (zipped(tmp_path / "a.zip", members), tarred(tmp_path / "a.tar.gz", members), plain):
        whole = path.read_bytes()
        assert len(files(archives.unpacked(path, tmp_path / f"{path.name}.out"))) == 20
        half, broken = len(whole) // 2, bytearray(whole)
        broken[half : half + 40] = bytes(40)
        # A tar has checksums of its headers only: what is wrong between them is for the reader of the file.
        wrong = [whole[:half], whole[: half + 100], b"not an archive", b"", *([bytes(broken)] if path != plain else [])]
        for data in wrong:
            path.write_bytes(data)
            with pytest.raises(CorpusError, match="damaged"):
                prepare("folder", path, tmp_path / "store")
            assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("kind", ["zip", "bz2.zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_changed_bytes_are_damage_and_nothing_else(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    if kind.endswith("zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2 if "bz2" in kind else zipfile.ZIP_DEFLATED) as zipped_file:
            zipped_file.writestr("a.mid", MUSIC)
    else:
        with tarfile.open(path, "w:" + kind.removeprefix("tar").removeprefix(".")) as tarred_file:
            one = tarfile.TarInfo("a.mid")
            one.size = len(MUSIC)
            tarred_file.addfile(one, io.BytesIO(MUSIC))
    whole = path.read_bytes()
    rng = random.Random(1)
    for _ in range(60):
        broken = bytearray(whole)
        for place in rng.sample(range(len(whole)), rng.choice([1, 4])):
            broken[place] = rng.choice([0, 255, rng.randrange(256)])
        path.write_bytes(broken)
        with suppress(CorpusError, FileError):
            archives.unpacked(path, tmp_path / "out")


def test_what_was_unpacked_whole_is_used_again(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.mid": MUSIC})
    root = archives.unpacked(path, tmp_path / "out")
    (root / "a.mid").write_bytes(b"mark")
    assert files(archives.unpacked(path, tmp_path / "out")) == {"a.mid": b"mark"}
    (tmp_path / "out" / "unpacked.json").unlink()  # as after a kill in between
    assert files(archives.unpacked(path, tmp_path / "out")) == {"a.mid": MUSIC}


@pytest.fixture
def online(tmp_path: Path) -> Archive:
    """An archive that is `online`."""
    path = zipped(tmp_path / "tunes.zip", {f"{n}.mid": midi_bytes(tune(n)) for n in range(3)})
    return Archive(path.as_uri(), sha256(path.read_bytes()).hexdigest(), path.stat().st_size)


def test_a_download_is_checked_and_kept(tmp_path: Path, online: Archive) -> None:
    parts: list[float] = []
    path = fetch(online, tmp_path / "new" / "folder", parts.append)
    assert path == tmp_path / "new" / "folder" / "tunes.zip"
    assert path.read_bytes() == (tmp_path / "tunes.zip").read_bytes()
    assert parts[-1] == 1.0
    (tmp_path / "tunes.zip").unlink()
    assert fetch(online, tmp_path / "new" / "folder") == path  # not asked for again
    path.write_bytes(b"mine")
    with pytest.raises(FileError, match="another SHA-256"):
        fetch(online, tmp_path / "new" / "folder")
    assert path.read_bytes() == b"mine"


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"bytes": 10}, {"url": "file:///nowhere/at/all.zip"}])
def test_what_is_not_as_expected_is_not_kept(tmp_path: Path, online: Archive, change: dict[str, object]) -> None:
    wrong = Archive(**{"url": online.url, "sha256": online.sha256, "bytes": online.bytes} | change)
    with pytest.raises(CorpusError, match=r"cannot download|another file"):
        fetch(wrong, tmp_path / "folder")
    assert not list((tmp_path / "folder").iterdir())


def test_releases_have_addresses_and_sums() -> None:
    assert set(downloads.ARCHIVES["maestro"]) == {"v1.0.0", "v2.0.0", "v3.0.0"}
    for releases in downloads.ARCHIVES.values():
        for archive in releases.values():
            assert len(bytes.fromhex(archive.sha256)) == 32
            assert archive.url.endswith(archives.SUFFIXES)
    with pytest.raises(UnknownNameError, match=r"v3.0.0, v2.0.0, v1.0.0"):
        find("maestro", "v4")
    with pytest.raises(UnknownNameError, match="no download"):
        find("pop909", "v1")


def test_a_store_can_be_made_of_a_download(tmp_path: Path, online: Archive) -> None:
    assert len(prepare("folder", fetch(online, tmp_path / "got"), tmp_path / "store")) == 3
    assert (tmp_path / "got" / "tunes.zip").is_file()
