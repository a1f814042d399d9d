import os
import stat
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from symbolic_music.errors import FileError
from symbolic_music.io import atomic
from symbolic_music.io.atomic import replacing, write_bytes

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes, links and FIFOs are of POSIX")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_that_is_replaced_keeps_its_mode(tmp_path):
    path = tmp_path / "song.mid"
    for bits in (0o600, 0o640, 0o755, 0o664):
        path.write_bytes(b"before")
        path.chmod(bits)
        write_bytes(path, b"after")
        assert (path.read_bytes(), mode(path)) == (b"after", bits)
    assert names(tmp_path) == ["song.mid"]


def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path):
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "song.mid", b"new")
    finally:
        os.umask(before)
    assert mode(tmp_path / "song.mid") == 0o640


def test_the_umask_is_never_touched(tmp_path, monkeypatch):
    def touched(mask):
        raise AssertionError("the umask belongs to the whole process")

    monkeypatch.setattr(os, "umask", touched)
    write_bytes(tmp_path / "song.mid", b"new")


def test_threads_write_files_of_the_umask_while_others_do_too(tmp_path):
    before = os.umask(0o077)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda i: write_bytes(tmp_path / f"{i}.mid", b"x"), range(400)))
    finally:
        os.umask(before)
    assert {mode(path) for path in tmp_path.iterdir()} == {0o600}


def test_a_symbolic_link_stays_and_what_it_names_is_replaced(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "real.mid").write_bytes(b"before")
    link, dangling = tmp_path / "link.mid", tmp_path / "new.mid"
    link.symlink_to("a/real.mid")
    dangling.symlink_to("a/later.mid")
    write_bytes(link, b"after")
    write_bytes(dangling, b"made")
    assert link.is_symlink()
    assert dangling.is_symlink()
    assert (tmp_path / "a" / "real.mid").read_bytes() == b"after"
    assert (tmp_path / "a" / "later.mid").read_bytes() == b"made"
    assert names(tmp_path / "a") == ["later.mid", "real.mid"]


def test_links_that_lead_nowhere_or_in_a_circle_are_errors(tmp_path):
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "gone").symlink_to("missing/x.mid")
    with pytest.raises(FileError):
        write_bytes(tmp_path / "circle", b"x")
    with pytest.raises(FileError, match="no such folder"):
        write_bytes(tmp_path / "gone", b"x")
    assert names(tmp_path) == ["circle", "gone"]


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everything")
def test_a_write_protected_file_is_not_replaced(tmp_path):
    path = tmp_path / "song.mid"
    path.write_bytes(b"mine")
    path.chmod(0o444)
    with pytest.raises(FileError, match="write-protected"):
        write_bytes(path, b"other")
    assert path.read_bytes() == b"mine"


def test_the_longest_name_that_a_folder_takes(tmp_path):
    path = tmp_path / ("ä" * 125 + ".mid")
    write_bytes(path, b"x")
    assert path.read_bytes() == b"x"
    with pytest.raises(FileError, match="cannot write"):
        write_bytes(tmp_path / ("x" * 300), b"x")


def test_a_fifo_is_written_into(tmp_path):
    path, got = tmp_path / "pipe", list[bytes]()
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    write_bytes(path, b"x" * 100_000)
    reader.join()
    assert got == [b"x" * 100_000]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_device_is_written_into_and_stays_one():
    write_bytes(Path(os.devnull), b"x")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ZeroDivisionError])
def test_whatever_ends_the_writing_leaves_the_old_file_and_nothing_hidden(tmp_path, error):
    path = tmp_path / "song.mid"
    path.write_bytes(b"before")

    def stopped():
        with replacing(path) as temporary:
            temporary.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        stopped()
    assert path.read_bytes() == b"before"
    assert names(tmp_path) == ["song.mid"]


@pytest.mark.skipif(sys.platform != "linux", reason="files without a name are of Linux")
def test_a_file_has_no_name_before_it_is_whole(tmp_path):
    path = tmp_path / "song.mid"
    for before in ([], ["song.mid"]):
        with replacing(path) as temporary:
            temporary.write_bytes(b"new")
            assert names(tmp_path) == before
        assert (path.read_bytes(), names(tmp_path)) == (b"new", ["song.mid"])
    with replacing(path) as temporary:
        path.unlink()  # by another
        temporary.write_bytes(b"mine")
    assert path.read_bytes() == b"mine"
    path.unlink()
    with replacing(path) as temporary:
        path.write_bytes(b"theirs")
        temporary.write_bytes(b"mine")
    assert (path.read_bytes(), names(tmp_path)) == (b"mine", ["song.mid"])


def test_a_system_without_unnamed_files_writes_hidden_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic, "_DESCRIPTORS", str(tmp_path / "nowhere"))
    with replacing(tmp_path / "song.mid") as temporary:
        temporary.write_bytes(b"new")
        assert names(tmp_path) == [temporary.name]
    assert names(tmp_path) == ["song.mid"]
