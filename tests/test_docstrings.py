"""Every function and class that `symbolic_music` exports has an example in its docstring, and the example runs."""

from __future__ import annotations

import doctest
import inspect
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import symbolic_music as sm

SONG = Path(__file__).resolve().parent.parent / "docs" / "files" / "song.mid"
NAMES = [name for name in sm.__all__ if not inspect.ismodule(getattr(sm, name))]


def examples(thing: Any) -> list[str]:
    """Code of a docstring: indented blocks before its arguments, and doctests as one block."""
    text = inspect.cleandoc(thing.__doc__ or "").split("\nArgs:")[0]
    tests = "".join(one.source for one in doctest.DocTestParser().get_examples(text))
    blocks = re.findall(r"(?<=\n\n)((?:    .+(?:\n|$))+)", text.split("Examples:")[0])
    return [inspect.cleandoc(block) for block in blocks] + [tests] * bool(tests)


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_a_docstring_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = examples(getattr(sm, name))
    assert found, f"{name} has no example"
    shutil.copy(SONG, tmp_path)
    monkeypatch.chdir(tmp_path)
    song = sm.read("song.mid")
    melody = song.replace(notes=song.notes[song.notes["track"] == 0], tracks=song.tracks[:1])
    for code in found:
        if "skytnt" in code:  # a public model, which would be downloaded
            continue
        exec(compile(code, name, "exec"), {"sm": sm, "song": song, "melody": melody.clip(0, 8)})


@pytest.mark.parametrize("room", [name for name in sm.__all__ if inspect.ismodule(getattr(sm, name))])
def test_every_public_name_has_a_first_sentence(room: str) -> None:
    module = getattr(sm, room)
    # Rooms that are one module export what they define.
    names = getattr(module, "__all__", None) or [name for name in dir(module) if not name.startswith("_")]
    for name in names:
        thing = getattr(module, name)
        if getattr(thing, "__module__", "").startswith("symbolic_music") and callable(thing):
            first = inspect.cleandoc(thing.__doc__ or "").split("\n\n")[0]
            assert len(first) > 10, f"{room}.{name}"
            # What dataclasses write where there is no docstring.
            assert not first.startswith(f"{name}("), f"{room}.{name}"
