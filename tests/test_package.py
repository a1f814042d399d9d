"""What comes along with an import, and that names lead where they say."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

import symbolic_music
from symbolic_music.deprecation import _MOVED


def modules_after(code: str) -> set[str]:
    """Names of all modules that a fresh interpreter has loaded after this code."""
    code += "\nimport sys; print(' '.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


HEAVY = {"torch", "music21", "matplotlib", "symusic", "mido", "pretty_midi", "miditok", "soundfile", "scipy"}


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not modules_after("import symbolic_music") & (HEAVY | {"numpy"})


def test_reading_a_file_loads_no_torch(tmp_path, quartet) -> None:
    path = quartet.write(tmp_path / "a.mid")
    loaded = modules_after(f"import symbolic_music; symbolic_music.read({str(path)!r})")
    assert "symusic" in loaded
    assert not loaded & (HEAVY - {"symusic"})


def test_help_loads_nothing_heavy() -> None:
    code = """
from symbolic_music.cli import main
try:
    main(["--help"])
except SystemExit as end:
    assert end.code == 0
"""
    assert not modules_after(code) & (HEAVY | {"numpy"})


def test_tokenizers_need_no_torch() -> None:
    assert not modules_after("from symbolic_music import tokenizers; tokenizers.get('anticipation')") & {"torch"}


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        symbolic_music.nothing  # noqa: B018


def test_names_lead_to_what_they_name() -> None:
    from symbolic_music.io import read
    from symbolic_music.score import Score

    assert symbolic_music.Score is Score
    assert symbolic_music.read is read
    assert set(symbolic_music.__all__) <= set(dir(symbolic_music))


ROOMS = (
    "generation", "models", "synthesis", "plotting", "codec", "corpora", "training", "evaluation", "io", "tokenizers",
    "transforms", "theory", "general_midi",
)  # fmt: skip


def test_every_room_is_there_without_an_import_of_its_own() -> None:
    code = "import symbolic_music as sm; print(*(getattr(sm, room).__name__ for room in " + repr(ROOMS) + "))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [f"symbolic_music.{room}" for room in ROOMS]


def test_every_public_name_resolves() -> None:
    for name in symbolic_music.__all__:
        assert getattr(symbolic_music, name) is not None
    for name in symbolic_music.corpora.__all__:
        assert getattr(symbolic_music.corpora, name) is not None


@pytest.mark.parametrize(
    ("room", "old", "new"),
    [
        ("generation", "infilling", "edit"),
        ("generation", "Writing", "EditSession"),
        ("models", "bundled", "list_models"),
        ("codec", "Draw", "JukeboxSampling"),
        ("codec", "Level", "JukeboxLevel"),
        ("codec", "Prior", "JukeboxPrior"),
        ("codec", "PriorConfig", "JukeboxPriorConfig"),
    ],
)
def test_old_names_work_and_name_the_new(room: str, old: str, new: str) -> None:
    module = getattr(symbolic_music, room)
    with pytest.warns(DeprecationWarning, match=f"{room}.{old} is now {new}"):
        found = getattr(module, old)
    assert found is getattr(module, new)


@pytest.mark.parametrize(("old", "new"), _MOVED.items())
def test_modules_that_moved_are_imported_with_a_warning_at_the_line(old: str, new: str) -> None:
    names: dict[str, object] = {}
    line = compile(f"import symbolic_music.{old} as found", "a_user_s.py", "exec")
    with pytest.warns(DeprecationWarning, match=rf"symbolic_music\.{old} is now symbolic_music\.{new}") as warned:
        exec(line, names)
    assert names["found"] is import_module(f"symbolic_music.{new}")
    assert [one.filename for one in warned] == ["a_user_s.py"]
    del sys.modules[f"symbolic_music.{old}"]


def test_the_version_is_the_distribution_s() -> None:
    from importlib.metadata import version

    assert symbolic_music.__version__ == version("symbolic-music-torch")


def test_old_attributes_work_and_name_the_new() -> None:
    note = symbolic_music.generation.WrittenNote(0, 1, 2.0, 0.5, 64, 80)
    assert note.offset_seconds == 2.5
    with pytest.warns(DeprecationWarning, match="WrittenNote.onset is now onset_seconds"):
        assert note.onset == 2.0
    with pytest.warns(DeprecationWarning, match="WrittenNote.duration is now duration_seconds"):
        assert note.duration == 0.5


def test_a_card_has_its_license_in_both_spellings() -> None:
    card = symbolic_music.list_models()[0]
    with pytest.warns(DeprecationWarning, match=r"Card\.licence is now Card\.license"):
        assert card.licence == card.license != ""
    with pytest.warns(DeprecationWarning, match=r"Card\(licence=\.\.\.\) is now license"):
        assert type(card)("a", 1, licence="CC0-1.0", data="").license == "CC0-1.0"
    assert type(card).of_record(card.record()) == card
    assert "licence" in card.record()
