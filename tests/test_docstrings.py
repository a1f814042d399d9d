"""Every function and class that the reference shows has a first sentence and an example, and the examples run.

An example is a doctest, whose results are compared, or an indented block of code. It has `sm`, NumPy as `np`, and the
pieces that docs/reference/index.md names: `song`, its first eight seconds of `melody`, a folder and a store of pieces.
"""

from __future__ import annotations

import doctest
import inspect
import re
import shutil
import textwrap
import types
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbolic_music as sm
from symbolic_music.codec import registry as codecs
from symbolic_music.corpora.datasets import registry as corpora
from symbolic_music.models import registry as models
from symbolic_music.synthesis.ddsp import voices
from symbolic_music.tokenizers import registry as tokenizers
from tests.test_docs_code import pieces

SONG = Path(__file__).resolve().parent.parent / "docs" / "files" / "song.mid"
ROOMS = [name for name in sm.__all__ if inspect.ismodule(getattr(sm, name))] + ["errors", "score"]
OPTIONS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL | doctest.NORMALIZE_WHITESPACE
# Public weights would be downloaded.
NOT_RUN = {"evaluation.aria_embedding"}
REFERENCE = SONG.parent.parent / "reference" / "index.md"


def shown() -> dict[str, Any]:
    """Name -> function or class: those that `symbolic_music` exports, and those that its rooms export or define."""
    found = {f"sm.{name}": getattr(sm, name) for name in sm.__all__}
    for room in ROOMS:
        module = import_module(f"symbolic_music.{room}")
        own = [name for name in dir(module) if not name.startswith("_")]
        for name in getattr(module, "__all__", own):
            thing = getattr(module, name)
            if hasattr(module, "__all__") or getattr(thing, "__module__", "") == module.__name__:
                found[f"{room}.{name}"] = thing
    once = {id(thing): name for name, thing in reversed(found.items())}
    functions_and_classes = (types.FunctionType, type)
    return {
        name: thing
        for name, thing in found.items()
        if isinstance(thing, functions_and_classes) and once[id(thing)] == name
    }


NAMES = shown()


def blocks(thing: Any) -> list[str]:
    """Indented blocks of code before the arguments of a docstring."""
    text = re.split(r"\n(?:Args|Examples):", inspect.cleandoc(thing.__doc__ or ""))[0]
    found = re.findall(r"(?<=\n\n)((?:    .+(?:\n|$))+)", text)
    return [textwrap.dedent(block) for block in found]


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the examples take for granted."""
    folder = tmp_path_factory.mktemp("material")
    shutil.copy(SONG, folder)
    pieces(folder / "my-midi", [f"{number}.mid" for number in range(8)])
    sm.corpora.prepare("folder", folder / "my-midi", folder / "my.store")
    config = re.search(r"^```yaml\n(.*?)^```", REFERENCE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert config is not None
    (folder / "first.yaml").write_text(config[1], encoding="utf-8")
    return folder


def test_the_reference_shows_as_many_names_as_it_did() -> None:
    assert len(NAMES) > 200


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_has_a_first_sentence(name: str) -> None:
    text = inspect.cleandoc(NAMES[name].__doc__ or "")
    first = text.split("\n\n")[0]
    assert re.match(r"[A-Z0-9`].{9,}[.:;,)]", first, re.DOTALL), name
    # What dataclasses write where there is no docstring, and what says nothing to a reader of the reference.
    assert not first.startswith((f"{name.split('.')[1]}(", "See ")), name


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_has_an_example_that_runs(
    name: str, material: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thing = NAMES[name]
    shutil.copytree(material, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for registry in (codecs, corpora, models, tokenizers, voices):  # parts of an example stay there
        monkeypatch.setattr(registry._registry, "_registered", dict(registry._registry._registered))
    song = sm.read("song.mid")
    melody = song.replace(notes=song.notes[song.notes["track"] == 0], tracks=song.tracks[:1])
    given = {"sm": sm, "np": np, "song": song, "melody": melody.clip(0, 8)}
    test = doctest.DocTestParser().get_doctest(inspect.cleandoc(thing.__doc__ or ""), given, name, None, 0)
    runs = [one for one in test.examples if not one.options.get(doctest.SKIP)]
    found = blocks(thing)
    assert runs or found or name in NOT_RUN, f"{name} has no example"
    report: list[str] = []
    doctest.DocTestRunner(optionflags=OPTIONS, verbose=False).run(test, out=report.append, clear_globs=False)
    assert "".join(report) == ""
    for code in found:
        if "skytnt" not in code:  # a public model, which would be downloaded
            exec(compile(code, name, "exec"), dict(given))
