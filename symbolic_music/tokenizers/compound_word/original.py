"""Compound words as in the authors' code: seven fields, 4/4, 16 positions a bar, piano.

Source: Hsiao et al. 2021 (arXiv 2101.02402) and the rules of its code. Fields: tempo, chord, bar-beat, type, pitch,
duration, velocity. A piece is `(Bar (Metrical Note*)*)* Bar EOS`; a metrical word holds the tempo and chord that begin
at its position, or CONTI; 0 is a field that its word does not use. 480 ticks a quarter; onsets and durations are
rounded to 16ths (halves to even; so a short note may have duration 0), durations cut at a bar; notes of a position are
in order of onset, then falling pitch; velocity even and at least 40; tempo one of 32, 35 ... 224; chords by
`chords.compound_word`; empty bars before the first note are not written.

Where the code takes the piano track this takes all pitched notes. One slip of the code is not followed: it leaves out
the last bar when the last onset is on its downbeat. Ids are numbered as the code does it (0, then the values sorted as
text), over all values that can occur; the dictionary that its authors released holds those that occur in their data:
sizes 56, 135, 18, 3, 87, 18, 25. Its chord, bar-beat, type and duration fields hold all values, and so have these ids.

Lost on the way: drums, programs, parts, meters, empty bars at the start, onsets and durations finer than a 16th (one
of 0 comes back as a 32nd), durations beyond a bar, velocity finer than 2 or below 40, tempo finer than 3, chords
(decoding reads past them), and all that is no note or tempo.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.score import Score
from symbolic_music.tokenizers.bar_grid.beat_grid import merged
from symbolic_music.tokenizers.bar_grid.preset_tokenizer import OneSequence
from symbolic_music.tokenizers.base import Ids, Vocabulary
from symbolic_music.tokenizers.chords import compound_word
from symbolic_music.tokenizers.grammars.compound import WordGrammar
from symbolic_music.tokenizers.grammars.flat import START
from symbolic_music.tokenizers.remi.original import piano_score, pitched_notes, to_480

Ints = NDArray[np.int64]

TEMPO, CHORD, TIME, TYPE, PITCH, DURATION, VELOCITY = range(7)
_BAR, _STEP = 1920, 120
_LOWEST_VELOCITY = 40
_TEMPOS = np.linspace(32, 224, 65).astype(np.int64)
_NO_CHORD = len(compound_word.ROOTS) * len(compound_word.QUALITIES)
_CHORDS = [f"{root}_{quality}" for root in compound_word.ROOTS for quality in compound_word.QUALITIES]


def _numbered(kind: str, values: list[str], first: int) -> tuple[tuple[str, ...], Ints]:
    """Names of the values in order of text, and the id of each value, counting from `first`."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ids = np.empty(len(values), np.int64)
    ids[order] = first + np.arange(len(values))
    return tuple(f"{kind}_{values[i]}" for i in order), ids


_TEMPO_NAMES, _TEMPO_ID = _numbered("Tempo", [str(t) for t in _TEMPOS], 2)
_CHORD_NAMES, _CHORD_ID = _numbered("Chord", [*_CHORDS, "N_N"], 2)
_BEAT_NAMES, _BEAT_ID = _numbered("Beat", [str(i) for i in range(16)], 2)
_PITCH_NAMES, _PITCH_ID = _numbered("Pitch", [str(i) for i in range(128)], 1)
_DURATION_NAMES, _DURATION_ID = _numbered("Duration", [str(_STEP * i) for i in range(17)], 1)
_VELOCITIES = range(_LOWEST_VELOCITY, 128, 2)
_VELOCITY_NAMES, _VELOCITY_ID = _numbered("Velocity", [str(v) for v in _VELOCITIES], 1)
_CONTI, _BAR_ID = 1, 1
_EOS, _METRICAL, _NOTE = range(3)
VOCABULARY = Vocabulary(
    (
        ("Ignore_None", "Tempo_CONTI", *_TEMPO_NAMES),
        ("Ignore_None", "Chord_CONTI", *_CHORD_NAMES),
        ("Ignore_None", "Bar_None", *_BEAT_NAMES),
        ("Type_EOS", "Type_Metrical", "Type_Note"),
        ("Ignore_None", *_PITCH_NAMES),
        ("Ignore_None", *_DURATION_NAMES),
        ("Ignore_None", *_VELOCITY_NAMES),
    )
)
_IGNORE = ("Ignore",)
GRAMMAR = WordGrammar(
    VOCABULARY,
    {
        "Bar": (_IGNORE, _IGNORE, ("Bar",), ("Type_Metrical",), _IGNORE, _IGNORE, _IGNORE),
        "Metrical": (("Tempo",), ("Chord",), ("Beat",), ("Type_Metrical",), _IGNORE, _IGNORE, _IGNORE),
        "Note": (_IGNORE, _IGNORE, _IGNORE, ("Type_Note",), ("Pitch",), ("Duration",), ("Velocity",)),
        "EOS": (_IGNORE, _IGNORE, _IGNORE, ("Type_EOS",), _IGNORE, _IGNORE, _IGNORE),
    },
    {
        START: ("Bar",),
        "Bar": ("Metrical", "Bar", "EOS"),
        "Metrical": ("Note", "Metrical", "Bar"),
        "Note": ("Note", "Metrical", "Bar"),
        "EOS": ("EOS",),
    },
    time_field=TIME,
    capacity=16,
)


def _sixteenths(time: Ints) -> Ints:
    """Nearest 16ths, halves to even."""
    return np.rint(time / _STEP).astype(np.int64)


def encode(score: Score) -> Ids:
    """Words of a score, int32, shape (n, 7); none for a score without pitched notes."""
    notes = pitched_notes(score, descending=True)
    if not len(notes.start):
        return np.zeros((0, 7), np.int32)
    offset = int(_sixteenths(notes.start[:1])[0]) // 16
    onset = _sixteenths(notes.start - offset * _BAR)
    order = np.argsort(onset, kind="stable")
    onset = onset[order]
    bars = int(onset[-1]) // 16 + 1
    tempo_time, tempo = _tempos(score, offset, bars)
    chord_time, chord = _chords(notes.start, notes.end, notes.pitch, offset, bars)
    times, (time_of_note, tempo_at, chord_at) = merged(onset, tempo_time, chord_time)
    bar = times // 16

    words = np.zeros((bars + 1 + len(times) + len(onset) + 1, 7), np.int32)
    at = np.arange(bars + 1)
    at = at + np.searchsorted(times, 16 * at) + np.searchsorted(onset, 16 * at)
    words[at, TYPE], words[at, TIME] = _METRICAL, _BAR_ID
    before = np.cumsum(np.append(0, np.bincount(time_of_note, minlength=len(times))))[:-1]
    at = np.arange(len(times)) + bar + 1 + before
    words[at, TYPE], words[at, TIME] = _METRICAL, _BEAT_ID[times - 16 * bar]
    words[at, TEMPO] = words[at, CHORD] = _CONTI
    words[at[tempo_at], TEMPO] = _TEMPO_ID[tempo]
    words[at[chord_at], CHORD] = _CHORD_ID[chord]
    at = np.arange(len(onset)) + (bar + np.arange(2, len(bar) + 2))[time_of_note]
    words[at, TYPE] = _NOTE
    words[at, PITCH] = _PITCH_ID[notes.pitch[order]]
    length = np.minimum(notes.end - notes.start, _BAR)[order]
    words[at, DURATION] = _DURATION_ID[_sixteenths(length)]
    words[at, VELOCITY] = _VELOCITY_ID[np.maximum(notes.velocity[order] // 2 - _LOWEST_VELOCITY // 2, 0)]
    words[-1] = 0
    words[-1, TYPE] = _EOS
    return words


def _last_at(time: Ints) -> NDArray[np.bool_]:
    return np.append(time[1:] != time[:-1], True)[: len(time)]


def _tempos(score: Score, offset: int, bars: int) -> tuple[Ints, Ints]:
    """16ths and classes of the tempo changes inside these bars, the last of each 16th."""
    time = to_480(score.tempos["time"].astype(np.int64), score)
    tempo = 60e6 / np.maximum(score.tempos["microseconds"].astype(np.float64), 1)
    if not len(time) or time[0] > 0:
        time, tempo = np.append(0, time), np.append(120.0, tempo)
    at = _sixteenths(np.maximum(time - offset * _BAR, 0))
    # Nearest class, the lower on a tie.
    classes = np.searchsorted((_TEMPOS[1:] + _TEMPOS[:-1]) / 2, tempo, side="left")
    keep = _last_at(at) & (at < 16 * bars)
    return at[keep], classes[keep]


def _chords(start: Ints, end: Ints, pitch: Ints, offset: int, bars: int) -> tuple[Ints, Ints]:
    """16ths and classes of chord changes inside these bars. Another bass is a change, though not written."""
    root, quality, bass = compound_word.beat_chords(start, end, pitch)
    chord = np.where(root < 0, _NO_CHORD, root * len(compound_word.QUALITIES) + quality)
    change = np.append(True, (chord[1:] != chord[:-1]) | (bass[1:] != bass[:-1]))
    at = np.maximum(4 * np.flatnonzero(change) - 16 * offset, 0)
    keep = _last_at(at) & (at < 16 * bars)
    return at[keep], chord[change][keep]


def decode(ids: Ids) -> Score:
    """The score of words that obey the grammar: one piano track in 4/4, 480 ticks a quarter."""
    words = ids.astype(np.int64)
    bar = np.cumsum((words[:, TYPE] == _METRICAL) & (words[:, TIME] == _BAR_ID)) - 1
    beats = np.flatnonzero(words[:, TIME] > _BAR_ID)
    time = bar[beats] * _BAR + np.argsort(_BEAT_ID)[words[beats, TIME] - 2] * _STEP
    notes = np.flatnonzero(words[:, TYPE] == _NOTE)
    onset = time[np.searchsorted(beats, notes) - 1]
    pitch = np.argsort(_PITCH_ID)[words[notes, PITCH] - 1]
    duration = np.argsort(_DURATION_ID)[words[notes, DURATION] - 1] * _STEP
    duration = np.where(duration == 0, _STEP // 2, duration)
    velocity = _LOWEST_VELOCITY + 2 * np.argsort(_VELOCITY_ID)[words[notes, VELOCITY] - 1]
    order = np.lexsort((velocity, duration, pitch, onset))
    changes = words[beats, TEMPO] > _CONTI
    tempo = _TEMPOS[np.argsort(_TEMPO_ID)[words[beats[changes], TEMPO] - 2]]
    return piano_score(onset[order], duration[order], pitch[order], velocity[order], time[changes], tempo)


SCHEME = OneSequence(VOCABULARY, GRAMMAR, encode, decode)
