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
from symbolic_music.generation.sessions.harmonising import progression, tonic_triad
from symbolic_music.generation.views.model_view import edits
from symbolic_music.models import Model
from symbolic_music.score import KEY, METER, TEMPO, Score, Track
from symbolic_music.theory import chord_classes, key_name, key_number, key_signature

# Of 1,052 songs of Lakh: in how many there are drums and a bass, the basses there are, how many have one to four parts
# beside them (others have more), the commonest programs of these parts, and quarters a minute (mean of the logarithm
# and its deviation).
_WITH_DRUMS, _WITH_BASS, _USUAL_BASSES = 0.8, 0.75, (32, 33, 35)
_OTHERS = np.array([0.06, 0.2, 0.37, 0.37])
_PROGRAMS = {
    0: 384, 48: 276, 25: 195, 73: 132, 49: 117, 26: 115, 24: 113, 1: 112, 56: 111, 4: 100, 27: 99, 65: 95, 57: 88,
    29: 88, 66: 83, 28: 71, 71: 70, 68: 68, 61: 67, 11: 66, 60: 64, 50: 64, 30: 63, 52: 60, 18: 56, 5: 53, 46: 51,
}  # fmt: skip
# Bars after which the chords of a new piece return.
_CHORD_BARS = 16
_LOG_TEMPO, _TEMPOS = (np.log(116.0), 0.28), (66.0, 180.0)


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


def usual_band(score: Score, seed: int) -> Score:
    """A piece without notes with the tracks of a band as songs have them, and a tempo where it has none.

    Args:
        score: the piece, without tracks.
        seed: the same seed gives the same band.
    """
    random = np.random.default_rng(seed)
    programs, shares = np.array(list(_PROGRAMS)), np.array(list(_PROGRAMS.values()), np.float64)
    count = int(random.choice(len(_OTHERS), p=_OTHERS)) + 1
    band = sorted(random.choice(programs, count, replace=False, p=shares / shares.sum()).tolist())
    if random.random() < _WITH_BASS:
        band.append(int(random.choice(_USUAL_BASSES)))
    if random.random() < _WITH_DRUMS:
        band.append(DRUM_INSTRUMENT)
    tempo = float(np.clip(np.exp(random.normal(*_LOG_TEMPO)), *_TEMPOS))
    return score.replace(
        tracks=tracks_of(band),
        tempos=score.tempos if len(score.tempos) else np.array([(0, round(60_000_000 / round(tempo)))], TEMPO),
    )


def with_progression(limits: Limits, seed: int, piece: Score) -> Limits:
    """The limits under which a band plays a new piece: chords of the key, a bar each, where others are not asked for.

    Parts that are written one after another would stay on the first one's tonic else. The key is that of the limits,
    that of the piece, or one whose tonic triad the limits allow. Where there is none, and for free limits, they stay.
    """
    if limits.free or limits.chart is not None or limits.chords:
        return limits
    classes = limits.classes
    if limits.scale is not None:
        key = limits.key
    elif len(piece.keys):
        key = key_number(int(piece.keys["sharps"][0]), bool(piece.keys["minor"][0]))
    else:
        keys = [key for key in range(24) if set(chord_classes(tonic_triad(key))) <= classes]
        key = keys[seed % len(keys)] if keys else None
    chords = [] if key is None else progression(_CHORD_BARS, key, seed, classes)
    return replace(limits, chart=" | ".join(chords), passing_notes=True) if chords else limits


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
