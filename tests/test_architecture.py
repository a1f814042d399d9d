"""The drawing in docs/architecture.md is the tree of folders, and the house keeps its own measures."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "symbolic_music"


def folders() -> set[str]:
    return {str(file.parent.relative_to(ROOT)) for file in PACKAGE.rglob("__init__.py")}


def drawn() -> set[str]:
    """Paths of the tree drawn in the document: two spaces a level, each line a folder and what it holds."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = re.search(r"```\n(symbolic_music/\n.*?)```", text, re.DOTALL)
    assert tree is not None
    found, above = set(), list[str]()
    for line in tree[1].splitlines():
        folder = re.match(r"( *)(\w+)/", line)
        if folder:
            above = [*above[: len(folder[1]) // 2], folder[2]]
            found.add("/".join(above))
    return found


def test_the_drawing_is_the_tree() -> None:
    assert drawn() == folders()


def test_a_folder_holds_at_most_fifteen_modules() -> None:
    counts = {name: len([f for f in (ROOT / name).glob("*.py") if f.name != "__init__.py"]) for name in folders()}
    assert {name: count for name, count in counts.items() if count > 15} == {}


def test_tests_mirror_the_package() -> None:
    mirrored = {str(file.parent.relative_to(ROOT / "tests")) for file in (ROOT / "tests").rglob("test_*.py")} - {
        ".",
        "fuzz",
    }
    assert {f"symbolic_music/{name}" for name in mirrored} <= folders()
