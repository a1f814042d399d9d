"""Files of sound and of codes, by several processes as by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from symbolic_music.codec.flow.checkpoint import save_flow
from symbolic_music.codec.many_files import encode_files, render_files
from symbolic_music.errors import OptionError, UnknownNameError
from tests.codec.flow.test_streaming import decoder
from tests.codec.language_models.test_registry import CARD, codec, score

pytest.importorskip("librosa")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    from symbolic_music.codec.autoencoder.checkpoint import save_codec

    save_flow(decoder(), CARD, tmp_path / "flow")
    save_codec(codec(), CARD, tmp_path / "codec")
    for name in ("a", "b", "c"):
        score().write(tmp_path / f"{name}.mid")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_processes_write_what_one_writes(folder: Path) -> None:
    files, counts = [folder / f"{name}.mid" for name in "abc"], list[tuple[int, int]]()
    model = str(folder / "flow")
    one = render_files(files, folder / "one", "flow", model=model, seed=2, progress=lambda *n: counts.append(n))
    two = render_files(files, folder / "two", "flow", model=model, seed=2, workers=2)
    assert [done.error for done in (*one, *two)] == [None] * 6
    assert [done.seconds for done in one] == [3.0] * 3
    assert counts == [(1, 3), (2, 3), (3, 3)]
    for name in "abc":
        assert (folder / "one" / f"{name}.flac").read_bytes() == (folder / "two" / f"{name}.flac").read_bytes()
    sounds = [done.target for done in one if done.target is not None]
    codes = encode_files(sounds, str(folder / "codec"), 2)
    assert [(done.codebooks, done.frames) for done in codes] == [(2, 300)] * 3


def test_what_is_wrong_is_named(folder: Path) -> None:
    with pytest.raises(OptionError, match="several of these files"):
        render_files([folder / "a.mid", folder / "one" / "a.mid"], folder / "two")
    with pytest.raises(OptionError, match=r"not \.mp3"):
        render_files([folder / "a.mid"], folder / "two", suffix=".mp3")
    with pytest.raises(OptionError, match="is one of the files"):
        encode_files([folder / "a.mid"], targets=[folder / "a.mid"])
    with pytest.raises(UnknownNameError):
        render_files([folder / "a.mid"], folder / "two", engine="none")
    (lost,) = render_files([folder / "nowhere.mid"], folder / "two")
    assert lost.target is None
    assert lost.error is not None
