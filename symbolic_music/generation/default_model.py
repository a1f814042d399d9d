"""The bundled model for a piece when none is named."""

from __future__ import annotations

import logging
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from symbolic_music.evaluation.context import in_time
from symbolic_music.general_midi import DRUM_INSTRUMENT, family_name
from symbolic_music.generation.inference.quantised_models import packed, with_weights
from symbolic_music.models import Model, load_model
from symbolic_music.models.loading import DEFAULT_MODEL
from symbolic_music.score import Score

AnyModel = Model[Any] | str | Path | None

# Four parts of one note at a time are what the model of chorales writes.
_MOST_PARTS = 4
# A line stays a line when some of its notes are held a little into the next.
_MOST_OVERLAPS, _SLACK_QUARTERS = 0.05, 0.25
_log = logging.getLogger("symbolic_music")


def chosen_name(score: Score | None, thins: bool = False, adds_drums: bool = False) -> tuple[str, str]:
    """Name of the bundled model for a piece, and what of the piece decides it.

    Region models do not thin out: where that is requested, the model of anticipated controls stands in.
    """
    any_tracks = "multitrack" if thins else "song"
    if score is None or not (len(score) or score.tracks):
        return DEFAULT_MODEL, "there is no piece to go by"
    if not len(score):
        return any_tracks, "it writes for any instruments"
    if adds_drums:
        return any_tracks, "drums or named instruments are added"
    kinds = {int(kind) for kind in np.unique(score.instruments)}
    tracks = np.unique(score.notes["track"]).tolist()
    if {family_name(kind) for kind in kinds} == {"piano"} and any(not _is_line(score, t) for t in tracks):
        # Measured on rags and on MAESTRO: song keeps grid and rhythm in time, piano plays freely and with the pedal.
        if not thins and not in_time(score):
            return "piano", "the piece is for piano"
        return any_tracks, "the piece is for piano, in time"
    if DRUM_INSTRUMENT in kinds:
        return any_tracks, "the piece has drums"
    if len(tracks) > _MOST_PARTS:
        return any_tracks, f"the piece has {len(tracks)} tracks"
    if not all(_is_line(score, track) for track in tracks):
        return any_tracks, "the piece has chords within a track"
    return DEFAULT_MODEL, f"the piece has {len(tracks)} single line{'s' if len(tracks) > 1 else ''}"


def loaded_model(
    model: AnyModel,
    score: Score | None = None,
    device: str = "auto",
    offline: bool = False,
    thins: bool = False,
    adds_drums: bool = False,
    weights: str | None = None,
) -> Model[Any]:
    """A model as it is, or loaded by its name or folder, for sampling; None for the bundled one that suits the score.

    That one is logged at level INFO, with the reason. In a notebook or REPL the same line goes to stderr, once, unless
    the logger has a level: `logging.getLogger("symbolic_music").setLevel(logging.WARNING)` silences it.

    `weights` are those of `with_weights`, of models that are loaded here; None for float32. Errors as in
    `models.load_model` and `with_weights`.
    """
    if isinstance(model, Model):
        return model
    if model is None:
        model, reason = chosen_name(score, thins, adds_drums)
        _tell(f"using model {model}: {reason}")
    loaded = load_model(model, device, offline)
    return packed(loaded) if weights is None else with_weights(loaded, weights)


def _tell(line: str) -> None:
    _log.info("%s", line)
    # Interactive sessions define ps1. Without a level of its own the logger has that of the root, which drops the line.
    if hasattr(sys, "ps1") and _log.level == logging.NOTSET and not _log.isEnabledFor(logging.INFO):
        _show(line)


@cache
def _show(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def adding_drums(verb: object, program: object, role: object, instruments: object = ()) -> bool:
    """Whether an edit adds a track of drums, or tracks of instruments that are named."""
    is_drums = program == DRUM_INSTRUMENT or (program is None and role == "drums")
    return bool(instruments) or (verb == "add_track" and is_drums)


def _is_line(score: Score, track: int) -> bool:
    """Whether a track sounds one note at a time, or nearly."""
    notes = score.notes[score.notes["track"] == track]
    if len(notes) < 2:
        return True
    ends = np.maximum.accumulate(notes["onset"].astype(np.int64) + notes["duration"])
    overlaps = ends[:-1] - notes["onset"][1:] > _SLACK_QUARTERS * score.ticks_per_quarter
    return bool(overlaps.mean() <= _MOST_OVERLAPS)
