"""Bundled weights are found in the library and in the package of the larger ones, and asked for where it is missing."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import symbolic_music as sm
from symbolic_music import bundled
from symbolic_music.cli import main
from symbolic_music.codec import load_codec, load_flow
from symbolic_music.codec.language_models.registry import load_writer
from symbolic_music.errors import MissingWeightsError
from symbolic_music.synthesis.midi_ddsp.voices import load_voices
from symbolic_music.transcription import load_transcriber

ROOT = bundled.ROOT


@pytest.fixture
def library_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The library as its wheel has it: the weights that are kept, and no other package. The folder for packages."""
    for name in bundled.KEPT:
        (tmp_path / "weights").mkdir(exist_ok=True)
        (tmp_path / "weights" / name).symlink_to(ROOT / name)
    monkeypatch.setattr(bundled, "ROOT", tmp_path / "weights")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop(bundled.MODULE, None)


def add_models(folder: Path, names: tuple[str, ...]) -> None:
    """A package of weights, as the wheel of the models installs it."""
    package = folder / bundled.MODULE
    (package / "weights").mkdir(parents=True)
    shutil.copy(ROOT.parent.parent / "release" / "models" / bundled.MODULE / "__init__.py", package)
    for name in names:
        (package / "weights" / name).symlink_to(ROOT / name)


def test_every_folder_of_weights_is_in_one_of_the_two_wheels() -> None:
    there = {path.name for path in ROOT.iterdir() if (path / "CARD.md").is_file()}
    assert there == {*bundled.KEPT, *bundled.MEASURED, *bundled.ELSEWHERE}
    assert not {*bundled.KEPT} & {*bundled.ELSEWHERE}


def test_a_checkout_has_all() -> None:
    assert bundled.not_installed() == []
    assert [card.name for card in sm.list_models()] == sorted({*bundled.KEPT, *bundled.ELSEWHERE} - {"voices"})


def test_the_library_alone_has_the_models_that_it_keeps(library_alone: Path) -> None:
    assert [card.name for card in sm.list_models()] == ["chorales", "transcription"]
    assert sm.load_model(None, device="cpu").card.name == "chorales"
    load_voices.cache_clear()
    assert load_voices().voices
    assert load_transcriber().config.hop


@pytest.mark.parametrize("name", bundled.ELSEWHERE)
def test_the_library_alone_names_the_package(name: str, library_alone: Path) -> None:
    load = {"codec": load_codec, "codec-depth": load_writer, "flow": load_flow}.get(name, sm.load_model)
    with pytest.raises(MissingWeightsError) as error:
        load(name)
    assert str(error.value) == (
        f"the weights of {name} are in symbolic-music-torch-models, which is not installed; "
        "run: pip install symbolic-music-torch-models"
    )


def test_the_command_line_names_the_package(
    library_alone: Path, capsys: pytest.CaptureFixture[str], quartet: sm.Score
) -> None:
    piece = str(quartet.write(library_alone / "a.mid"))
    with pytest.raises(SystemExit) as end:
        main(["infill", piece, "--at", "bars:1-1", "-m", "song", "-o", str(library_alone / "b.mid")])
    assert end.value.code == 2
    assert capsys.readouterr().err == f"error: {MissingWeightsError('song', bundled.DISTRIBUTION)}\n"
    with pytest.raises(SystemExit):
        main(["models"])
    listed = capsys.readouterr().out
    assert f"multitrack, piano, song: in another package; run: pip install {bundled.DISTRIBUTION}" in listed


def test_the_package_of_models_is_used_where_it_is_installed(library_alone: Path) -> None:
    add_models(library_alone, ("song", "codec"))
    assert [card.name for card in sm.list_models()] == ["chorales", "codec", "song", "transcription"]
    assert bundled.bundled_folder("song") == library_alone / bundled.MODULE / "weights" / "song"
    assert sm.load_model("song", device="cpu").card.name == "song"
    assert bundled.not_installed() == ["codec-depth", "flow", "multitrack", "piano"]


def test_the_library_s_own_weights_come_first(library_alone: Path) -> None:
    add_models(library_alone, ("chorales",))
    assert bundled.bundled_folder("chorales") == library_alone / "weights" / "chorales"


def test_voices_are_no_model_and_other_names_are_nobody_s() -> None:
    assert bundled.bundled_folder("voices") is None
    assert bundled.bundled_folder("voices", "voices.json") == ROOT / "voices"
    assert bundled.bundled_folder("nothing") is None


def test_the_name_of_weights_that_were_replaced_still_loads() -> None:
    with pytest.warns(DeprecationWarning, match="codec-lm is now codec-depth") as warned:
        assert bundled.bundled_folder("codec-lm") == ROOT / "codec-depth"
    assert warned[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="codec-lm is now codec-depth") as warned:
        load_writer("codec-lm")
    assert warned[0].filename == __file__, "the user's line, however deep the library asks"


def test_a_folder_of_that_name_is_not_taken_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "codec-lm").mkdir()
    monkeypatch.chdir(tmp_path)
    assert bundled.bundled_folder("codec-lm") is None
