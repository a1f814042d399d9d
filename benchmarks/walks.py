"""How far one walks through the modules of the library to follow an edit, a training and a rendering.

python benchmarks/walks.py SONG.mid Jsb16thSeparated.json [--before COMMIT]

Each call from one function to another is followed once, where it is first made, and left to where it came from. Rooms
are the modules on the way, and returns the stays in one that was left before. A climb is a call into a module on a
higher floor, which is the longest chain of imports below it. An edit is followed to its session, a training of one
step to its end. COMMIT is an earlier one of this repository, in which the same walks are measured beside.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from arguments import arguments
from result_file import row, write_result

import symbolic_music as sm

ROOT = Path(sm.__file__).parent
SMALL = ["optim.steps=1", "optim.warmup=0", "sample_seconds=0", "model.width=32", "model.layers=2", "model.hidden=64"]


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


FILES = {module(path): path for path in ROOT.rglob("*.py")}


def imported(name: str) -> Iterator[str]:
    """The modules of the library that a module imports when it is imported itself."""
    for node in ast.parse(FILES[name].read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            whole = (f"{node.module}.{one.name}" for one in node.names)
            yield from (one if one in FILES else node.module for one in whole if (one in FILES or node.module in FILES))


@cache
def floor(name: str) -> int:
    return 1 + max((floor(one) for one in set(imported(name)) - {name}), default=0)


class Walk:
    """A profiler that keeps the modules in the order in which one walks through them."""

    def __init__(self) -> None:
        self.stays: list[str] = []
        self.climbs = 0
        self._known: set[tuple[Any, Any]] = set()
        self._open: list[tuple[str, str, bool]] = []  # module, function, whether the walk goes there

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event not in ("call", "return") or not code.co_filename.startswith(str(ROOT)) or code.co_name[0] == "<":
            return
        here = module(Path(code.co_filename))
        if event == "call":
            before = self._open[-1] if self._open else None
            call = before and before[:2], (here, code.co_qualname)
            goes = before is None or (before[2] and call not in self._known)
            self._known.add(call)
            self._open.append((here, code.co_qualname, goes))
            self.climbs += bool(goes and before and floor(here) > floor(before[0]))
        else:
            goes = bool(self._open) and self._open.pop()[2] and bool(self._open)
            here = self._open[-1][0] if goes else here
        if goes and self.stays[-1:] != [here]:
            self.stays.append(here)

    def figures(self, name: str) -> dict[str, int]:
        rooms = len(set(self.stays))
        found = {"rooms": rooms, "climbs": self.climbs, "returns": len(self.stays) - rooms}
        return {f"{name}: {key}": value for key, value in found.items()}


def walked(name: str, function: Callable[[], Any]) -> dict[str, int]:
    walk = Walk()
    sys.setprofile(walk)
    try:
        function()
    finally:
        sys.setprofile(None)
    return walk.figures(name)


def figures(song: Path, chorales: Path) -> dict[str, int]:
    """Rooms, climbs and returns of all walks."""
    from symbolic_music import generation
    from symbolic_music.training import load_config, train

    score, model = sm.read(song), sm.load_model("multitrack")
    edit = generation.edit if hasattr(generation, "edit") else generation.infilling
    found = walked("edit", lambda: edit(score, [generation.bars(2, 3)], [1], model, seed=1))
    short = score.clip(0, 2)
    sm.render(short, sample_rate=16000)  # what is kept from the first time is no part of the walk
    found |= walked("render", lambda: sm.render(short, sample_rate=16000))
    with tempfile.TemporaryDirectory() as folder:
        path = ROOT.parent / "configs" / "chorales.yaml"
        config = load_config(path, [f"data.path={chorales}", f"out={folder}", "engine.device=cpu", *SMALL])
        return found | walked("train", lambda: train(config))


def figures_of(commit: str, song: Path, chorales: Path) -> dict[str, int]:
    """`figures` of another commit, checked out for the time being."""
    git = ["git", "-C", str(ROOT.parent), "worktree"]
    words = [sys.executable, __file__, str(song.resolve()), str(chorales.resolve()), "--print"]
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder) / commit
        subprocess.run([*git, "add", "--detach", checkout, commit], capture_output=True, check=True)
        try:
            run = subprocess.run(
                words, env={**os.environ, "PYTHONPATH": str(checkout)}, capture_output=True, check=True
            )
            found: dict[str, int] = json.loads(run.stdout)
            return found
        finally:
            subprocess.run([*git, "remove", "--force", checkout], capture_output=True, check=True)


def main() -> None:
    asked = arguments(("song", Path), ("chorales", Path), before=str, print=False)
    found = figures(asked.song, asked.chorales)
    if asked.print:
        print(json.dumps(found))
        return
    before = figures_of(asked.before, asked.song, asked.chorales) if asked.before else {}
    rows = [row(name, n, peer=before.get(name), peer_name=asked.before) for name, n in found.items()]
    write_result("walks", len(FILES), rows)


if __name__ == "__main__":
    main()
