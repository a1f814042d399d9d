"""Files that are no files, and JSON nested without end, where models, answers and tables are read."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

from symbolic_music.codec import load_flow, registry
from symbolic_music.corpora.datasets.archives import unpacked
from symbolic_music.corpora.datasets.chorale_grid import read_grids
from symbolic_music.errors import CorpusError, FileError, ModelError, SymbolicMusicError
from symbolic_music.evaluation.context.benchmark import load_cases
from symbolic_music.io.measurement_cache import measured_once
from symbolic_music.models import load_model
from symbolic_music.synthesis.midi_ddsp import voices
from symbolic_music.transcription import load_transcriber
from tests.fuzz.models import codec_seeds, model_seeds, voices_seeds
from tests.fuzz.sound_models import flow_seeds, transcriber_seeds
from tests.fuzz.target import Files, write

FOLDERS: dict[str, tuple[Callable[[], Files], Callable[[Path], object]]] = {
    "model": (lambda: model_seeds()[0], lambda folder: load_model(folder, "cpu")),
    "codec": (lambda: codec_seeds()[0], lambda folder: registry.load_codec(folder, "cpu")),
    "voices": (lambda: voices_seeds()[0], lambda folder: voices.load_voices(folder)),
    "flow": (lambda: flow_seeds()[0], lambda folder: load_flow(folder, "cpu")),
    "transcriber": (lambda: transcriber_seeds()[0], lambda folder: load_transcriber(folder, "cpu")),
}
DEEP = "[" * 200_000


@pytest.fixture
def within_seconds() -> Iterator[None]:
    """A read that waits for a pipe fails in place of waiting without end."""

    def late(number: int, frame: FrameType | None) -> None:
        raise TimeoutError("it waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(30)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes of that kind there")
@pytest.mark.parametrize("kind", FOLDERS)
def test_a_pipe_in_a_model_folder_is_not_waited_for(kind: str, tmp_path: Path, within_seconds: None) -> None:
    seeds, load = FOLDERS[kind]
    write(seeds(), tmp_path / "whole")
    load(tmp_path / "whole")
    for name in [path.name for path in (tmp_path / "whole").iterdir()]:
        folder = tmp_path / f"with-{name}"
        shutil.copytree(tmp_path / "whole", folder)
        (folder / name).unlink()
        os.mkfifo(folder / name)
        with pytest.raises(ModelError, match=r"no regular file|has no "):
            load(folder)


@pytest.mark.parametrize(
    ("read", "error"), [(read_grids, CorpusError), (lambda path: load_cases(path, path.parent), FileError)]
)
def test_json_nested_without_end_is_refused(
    read: Callable[[Path], object], error: type[SymbolicMusicError], tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text(DEEP)
    with pytest.raises(error, match="is not"):
        read(tmp_path / "a.json")


def test_answers_nested_without_end_are_refused(tmp_path: Path, capsys) -> None:
    from symbolic_music.cli import main

    (tmp_path / "a.json").write_text(DEEP)
    with pytest.raises(SystemExit) as end:
        main(["listening-test", str(tmp_path / "a.json"), "--key", str(tmp_path / "a.json")])
    assert end.value.code == 2
    assert capsys.readouterr().err.endswith("a.json is not JSON\n")


def test_what_cannot_be_read_of_earlier_runs_is_made_again(tmp_path: Path) -> None:
    for content in (DEEP, "{", "[1]"):
        (tmp_path / "measured.json").write_text(content)
        found = measured_once("measured.json", tmp_path, "speed", lambda entry: True, lambda: {"seconds": 1})
        assert found == ({"seconds": 1}, "measured")
    archive = tmp_path / "a.zip"
    archive.write_bytes(b"PK\x05\x06" + bytes(18))
    folder = unpacked(archive, tmp_path / "into")
    for done in [path for path in (tmp_path / "into").iterdir() if path.is_file()]:
        for content in (DEEP, "{", "\xff"):
            done.write_text(content)
            assert unpacked(archive, tmp_path / "into") == folder


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes of that kind there")
def test_a_listening_test_leaves_out_what_is_no_file(tmp_path: Path, within_seconds: None, capsys) -> None:
    from symbolic_music.cli import main
    from tests.fuzz.music import wav

    for system in ("one", "two"):
        folder = tmp_path / system
        folder.mkdir()
        (folder / "a.wav").write_bytes(wav())
        os.mkfifo(folder / "b.wav")
        (folder / "c.wav").mkdir()
        (folder / "d.wav").symlink_to("nowhere")
    with pytest.raises(SystemExit) as end:
        main(["listening-test", str(tmp_path / "one"), str(tmp_path / "two"), "-o", str(tmp_path / "page.html")])
    assert not end.value.code
    assert "2 clips" in capsys.readouterr().out
