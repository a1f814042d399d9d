"""A piece without notes that says what is to be written: instruments, tempo, meter, key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symbolic_music.errors import OptionError
from symbolic_music.general_midi import DRUM_INSTRUMENT, instrument_name, instrument_number
from symbolic_music.generation.decoding.skytnt_sampler import RowNetwork
from symbolic_music.generation.limits import Limits
from symbolic_music.generation.views.model_view import edits
from symbolic_music.models import Model
from symbolic_music.score import KEY, METER, TEMPO, Score, Track
from symbolic_music.theory import key_name, key_signature


def new_piece(
    instruments: Sequence[int | str] = (),
    tempo: float | None = None,
    meter: str | None = None,
    key: str | None = None,
) -> Score:
    """A piece without notes, for `generate`: its tracks are written, in its tempo, meter and key.

        sm.generate(sm.generation.new_piece(["piano", "bass", "drums"], tempo=96, meter="3/4"), seconds=20, seed=1)

    Region models (`song`) and SkyTNT's take such a request, and models of the anticipatory ids its instruments. A key
    is an input of SkyTNT's models alone; for others `Limits(scale=...)` keeps the notes in it.

    Args:
        instruments: programs, 128 for drums; or names of programs or families, such as "violin" or "bass".
        tempo: quarter notes a minute, 10 to 400.
        meter: as "3/4".
        key: as "D minor".

    Raises:
        OptionError: for an instrument, a tempo, a meter or a key that cannot be.
    """
    if tempo is not None and not 10 <= tempo <= 400:
        raise OptionError(f"a tempo is 10 to 400 quarter notes a minute, not {tempo:g}")
    return Score(
        tracks=tracks_of(instruments),
        tempos=np.array([] if tempo is None else [(0, round(60_000_000 / tempo))], TEMPO),
        meters=np.array([] if meter is None else [(0, *_meter(meter))], METER),
        keys=np.array([] if key is None else [(0, *key_signature(key))], KEY),
    )


def tracks_of(instruments: Sequence[int | str]) -> tuple[Track, ...]:
    """A track of each instrument, given as in `new_piece`. OptionError for one that does not exist."""
    numbers = [one if isinstance(one, int) else instrument_number(one) for one in instruments]
    if not all(0 <= number <= DRUM_INSTRUMENT for number in numbers):
        raise OptionError(f"an instrument is 0 to 127, or 128 for drums, not {numbers}")
    return tuple(
        Track(instrument_name(number), 0 if number == DRUM_INSTRUMENT else number, number == DRUM_INSTRUMENT)
        for number in numbers
    )


def limits_of_request(model: Model[Any], piece: Score, limits: Limits) -> Limits:
    """The limits under which a model writes a new piece: where a key is no input of the model, its notes are in it.

    Examples:
        >>> piece = sm.generation.new_piece(["piano"], key="D minor")
        >>> sm.generation.limits_of_request(sm.load_model("song"), piece, sm.Limits()).scale
        'D minor'

    Raises:
        OptionError: when the model takes no request.
    """
    if isinstance(model.network, RowNetwork):
        return limits
    if not edits(model) or model.view.parts:
        raise OptionError(f"model {model.card.name!r} takes no instruments, tempo, meter or key")
    if not len(piece.keys) or limits.scale is not None:
        return limits
    return replace(limits, scale=key_name(int(piece.keys["sharps"][0]), bool(piece.keys["minor"][0])))


def _meter(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,2})/(1|2|4|8|16|32)", text.strip())
    if found is None or not int(found[1]):
        raise OptionError(f"a meter is as 3/4 or 6/8, not {text!r}")
    return int(found[1]), int(found[2])
