"""Filters of published pipelines as named presets: a function from a score to the reason for exclusion, or ''."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from symbolic_music.errors import UnknownNameError
from symbolic_music.score import Score

Filter = Callable[[Score], str]


def anticipation(score: Score) -> str:
    """The Anticipatory Music Transformer's (Thickstun et al. 2024; `tokenize.maybe_tokenize` of its repository).

    At least 100 events; the last onset from 10 s to 3,600 s, in steps of 10 ms; at most 16 instruments.
    """
    if len(score) < 100:
        return "fewer than 100 notes"
    last = np.rint(100 * score.onset_seconds.max())
    if last < 1_000:
        return "last onset before 10 s"
    if last > 360_000:
        return "last onset after 3,600 s"
    return "more than 16 instruments" if len(np.unique(score.instruments)) > 16 else ""


def mmm(score: Score) -> str:
    """The Multi-Track Music Machine's on GigaMIDI (`utils.constants` of its repository): 8 bars and 100 notes."""
    if len(score) < 100:
        return "fewer than 100 notes"
    return "fewer than 8 bars" if len(score.bars()) < 8 else ""


PRESETS: dict[str, Filter] = {"anticipation": anticipation, "mmm": mmm}


def get(name: str) -> Filter | None:
    """The filter of this name, None for an empty name; UnknownNameError when there is none."""
    if name and name not in PRESETS:
        raise UnknownNameError(f"no filter {name!r}; there are: {', '.join(PRESETS)}")
    return PRESETS.get(name)
