"""A listening test as one HTML file with its audio: pairs, ratings (MOS), or ratings with a reference (MUSHRA).

Listeners see no names: clips have random numbers, and a key that stays with the maker says what they are. The order of
trials and of clips is drawn anew for each listener. Answers are saved as a JSON file.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import combinations
from typing import Any, Literal

import numpy as np

from symbolic_music.errors import EvaluationError, OptionError

Kind = Literal["pairwise", "mos", "mushra"]
KINDS: tuple[Kind, ...] = ("pairwise", "mos", "mushra")
REFERENCE = "reference"
_TYPES = {".wav": "audio/wav", ".flac": "audio/flac", ".ogg": "audio/ogg", ".mp3": "audio/mpeg"}


@dataclass(frozen=True)
class Clip:
    """Sound of one item by one system: the bytes of an audio file, and its suffix."""

    item: str
    system: str
    data: bytes
    suffix: str


def listening_page(clips: Sequence[Clip], kind: Kind, question: str = "", seed: int = 0) -> tuple[str, dict[str, Any]]:
    """The page, and the key that says which clip is whose.

    Pairwise: all pairs of systems for each item. MOS: each clip alone. MUSHRA: all systems of an item at once; the one
    named "reference" is played openly too, and is hidden among them.

    Args:
        clips: every system for every item.
        kind: pairwise, mos or mushra.
        question: what is asked, in place of the usual words.
        seed: of the clips' numbers.

    Raises:
        OptionError: for another kind.
        EvaluationError: when a system lacks an item, there are too few systems, a MUSHRA test has no reference, or
            a file is of a kind that browsers do not play.
    """
    if kind not in KINDS:
        raise OptionError(f"a listening test is {', '.join(KINDS)}, not {kind!r}")
    items, systems = sorted({clip.item for clip in clips}), sorted({clip.system for clip in clips})
    _check(clips, items, systems, kind)
    rng = np.random.default_rng(seed)
    # Numbers that say nothing, drawn without repeats.
    numbers = [f"{int(n):08x}" for n in rng.choice(2**32, len(clips), replace=False)]
    identity = {(clip.item, clip.system): number for clip, number in zip(clips, numbers, strict=True)}
    trials: list[dict[str, Any]] = []
    for item in items:
        if kind == "pairwise":
            trials += [{"clips": [identity[item, a], identity[item, b]]} for a, b in combinations(systems, 2)]
        elif kind == "mos":
            trials += [{"clips": [identity[item, system]]} for system in systems]
        else:
            # The open reference is a clip of its own number, or its address would reveal the hidden one.
            opened = f"{int(rng.integers(2**32)):08x}"
            numbers.append(opened)
            trials.append({"clips": [identity[item, s] for s in systems], "reference": opened})
            identity[item, ""] = opened
    audio = {identity[clip.item, clip.system]: _address(clip) for clip in clips}
    for item in items if kind == "mushra" else ():
        audio[identity[item, ""]] = audio[identity[item, REFERENCE]]
    name = f"{int(rng.integers(2**32)):08x}"
    order = rng.permutation(len(audio)).tolist()
    shown = [list(audio.items())[i] for i in order]
    test = {"id": name, "kind": kind, "question": question, "trials": trials, "audio": dict(shown)}
    # A tag or a comment inside a script could end it, or keep it from ending.
    text = json.dumps(test).replace("<", "\\u003c")
    page = (files("symbolic_music.evaluation.listening") / "page.html").read_text(encoding="utf-8")
    key = {identity[item, system]: [item, system] for item, system in identity if system}
    return page.replace("/*TEST*/", text), {"test": name, "kind": kind, "clips": key}


def _check(clips: Sequence[Clip], items: Sequence[str], systems: Sequence[str], kind: Kind) -> None:
    if len(systems) < (1 if kind == "mos" else 2):
        raise EvaluationError(f"a {kind} test needs at least two systems, not {', '.join(systems) or 'none'}")
    if kind == "mushra" and REFERENCE not in systems:
        raise EvaluationError(f"a mushra test needs a system named {REFERENCE!r}; there are {', '.join(systems)}")
    there = [(clip.item, clip.system) for clip in clips]
    for item in items:
        for system in systems:
            if there.count((item, system)) != 1:
                raise EvaluationError(f"system {system!r} has {there.count((item, system))} clips of {item!r}, not one")
    for clip in clips:
        if clip.suffix.lower() not in _TYPES:
            raise EvaluationError(f"browsers do not play {clip.suffix}: name {', '.join(_TYPES)}")


def _address(clip: Clip) -> str:
    return f"data:{_TYPES[clip.suffix.lower()]};base64,{base64.b64encode(clip.data).decode()}"
