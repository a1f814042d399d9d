"""Token ids of a piece bar by bar: ids that begin a bar, and ids that a model may write into bars."""

from __future__ import annotations

from typing import Any

import numpy as np

from symbolic_music.errors import OptionError
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.models import Model
from symbolic_music.score import Array, Score
from symbolic_music.tokenizers.base import Ids, Vocabulary


def encoded_in_bars(score: Score, model: Model[Any]) -> Ids:
    """Ids of all tracks, bar by bar.

    Raises:
        OptionError: where a model has none.
    """
    tokenizer = model.tokenizer
    names = {name for field in tokenizer.vocabulary.fields for name in field}
    if tokenizer.bar_grid is not None and {"Bar_None", "Program_0"} <= names:
        encoded = tokenizer.encode(score)
        # A rest may stand in place of bars.
        if not isinstance(encoded, list) and not any(name.startswith("Rest_") for name in names):
            return encoded
    raise OptionError(
        f"model {model.card.name!r} only supports continuation; infilling needs a model with the region or "
        "anticipation tokenizer, or REMI or compound ids of all tracks in one sequence, with programs and without rests"
    )


def permitted_ids(instruments: set[int], vocabulary: Vocabulary) -> list[Array]:
    """For each field the ids that may be drawn: of these instruments, and not the end of a piece."""
    programs = {f"Program_{-1 if i == DRUM_INSTRUMENT else i}" for i in instruments}
    never = {"EOS"}
    if DRUM_INSTRUMENT not in instruments:
        never.add("PitchDrum")
    if instruments == {DRUM_INSTRUMENT}:
        never.add("Pitch")
    return [
        np.array([n.partition("_")[0] not in never and (not n.startswith("Program_") or n in programs) for n in names])
        for names in vocabulary.fields
    ]


def begins_bar(ids: Array, vocabulary: Vocabulary) -> Array:
    """Mask of the ids, or words, that begin a bar."""
    columns = ids.reshape(len(ids), -1).T
    found: Array = np.any(
        [np.isin(column, [i for i, name in enumerate(names) if name == "Bar_None"])
         for names, column in zip(vocabulary.fields, columns, strict=True)], axis=0
    )  # fmt: skip
    return found


def bars_of(encoded: Ids, count: int, vocabulary: Vocabulary) -> tuple[list[Ids], int]:
    """Ids of each bar, of this many at least, and how many of them say that it begins, and its meter.

    After the last note the bars of an encoding end: those that the score has besides are empty, in the last meter.
    """
    in_words = encoded.ndim > 1
    head = 1 if in_words or not any(name.startswith("TimeSig_") for name in vocabulary.fields[0]) else 2
    found = np.split(encoded, np.flatnonzero(begins_bar(encoded, vocabulary)))[1:]
    return found + [bar[:head] for bar in found[-1:]] * (count - len(found)), head


def first_shown(past: list[Ids], most: int) -> int:
    """The first of these bars that is shown, of the last ones with this many ids together; the last one always."""
    lengths = np.cumsum([len(bar) for bar in reversed(past)])
    return len(past) - max(min(1, len(past)), int((lengths <= most).sum()))


def flat(bars: list[Ids]) -> list[Any]:
    """The ids, or words, of all bars."""
    return [token for bar in bars for token in bar.tolist()]
