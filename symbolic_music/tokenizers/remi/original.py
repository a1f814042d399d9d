"""REMI as in the authors' code: 4/4, 16 positions a bar, a Position before every item, tempo classes, chords.

Source: Huang & Yang 2020 (arXiv 2002.00212) and the rules of its code: 480 ticks a quarter; onsets on the grid of
16ths; velocity in 32 bins of 4; durations in 64 classes of 60 ticks; the tempo at every beat up to the last tempo
event, as class (slow 30-89, mid 90-149, fast 150-209) and value; chords by `chords.remi`; bars without a note are
not written, so the music after them moves up; tempo 210 repeats the tempo before it.

Where the code takes the first track this takes all pitched notes. Three slips of the code are not followed: its
grid of onsets stops short of the last one, which moves the last note a 16th early; a first tempo of 210 fails there
and is fast 59 here; and the ids of its dictionary file depend on its data: here the ids of each type are in order of
their values, after the four special tokens.

Lost on the way: drums, programs, parts, meters, empty bars, onsets finer than a 16th, durations finer than a 32nd or
beyond eight quarters, velocity finer than 4, tempo changes between beats, tempos outside 30-209, chords (decoding
reads past them), and all that is no note or tempo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import RegionError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import METER, TEMPO, Score, Track, note_table
from symbolic_music.tokenizers.bar_grid.preset_tokenizer import OneSequence
from symbolic_music.tokenizers.base import Ids, Vocabulary
from symbolic_music.tokenizers.chords import remi
from symbolic_music.tokenizers.grammars.flat import START, FlatGrammar

Ints = NDArray[np.int64]

TICKS = 480
_BAR = 4 * TICKS
_STEP = TICKS // 4
_LOWEST_TEMPO, _CLASS_WIDTH = 30, 60
MAX_BARS = remi.MAX_BEATS // 4

_BLOCKS = (
    ("PAD_None", "BOS_None", "EOS_None", "MASK_None"),
    ("Bar_None",),
    tuple(f"Position_{i}/16" for i in range(1, 17)),
    tuple(f"Chord_{name}" for name in remi.NAMES),
    ("Tempo Class_slow", "Tempo Class_mid", "Tempo Class_fast"),
    tuple(f"Tempo Value_{i}" for i in range(_CLASS_WIDTH)),
    tuple(f"Note Velocity_{i}" for i in range(32)),
    tuple(f"Note On_{i}" for i in range(128)),
    tuple(f"Note Duration_{i}" for i in range(64)),
)
VOCABULARY = Vocabulary((sum(_BLOCKS, ()),))
_, BAR, POSITION, CHORD, TEMPO_CLASS, TEMPO_VALUE, VELOCITY, PITCH, DURATION, _SIZE = np.cumsum(
    [0, *(len(block) for block in _BLOCKS)]
).tolist()
_AFTER = ("Position", "Bar", "EOS")
GRAMMAR = FlatGrammar(
    VOCABULARY,
    {
        START: ("BOS", "Bar", "EOS"),
        "BOS": ("Bar", "EOS"),
        "Bar": _AFTER,
        "Position": ("Chord", "Tempo Class", "Note Velocity"),
        "Chord": _AFTER,
        "Tempo Class": ("Tempo Value",),
        "Tempo Value": _AFTER,
        "Note Velocity": ("Note On",),
        "Note On": ("Note Duration",),
        "Note Duration": _AFTER,
        "EOS": ("PAD",),
        "PAD": ("PAD",),
    },
    capacity=16,
    repeats=True,
)


@dataclass(frozen=True)
class PitchedNotes:
    """All pitched notes at 480 ticks a quarter, unquantised, each column shape (notes,)."""

    start: Ints
    end: Ints
    pitch: Ints
    velocity: Ints


def pitched_notes(score: Score, descending: bool = False) -> PitchedNotes:
    """The notes that are no drums, in order of onset, then pitch.

    Raises:
        RegionError: when they last more than MAX_BARS.
    """
    notes = score.notes
    pitched = notes["channel"] != DRUM_CHANNEL
    notes = notes if pitched.all() else notes[pitched]
    onset = notes["onset"].astype(np.int64)
    start, end = to_480(onset, score), to_480(onset + notes["duration"], score)
    pitch = notes["pitch"].astype(np.int64)
    if len(end) and int(end.max()) // _BAR > MAX_BARS:
        raise RegionError(f"the score lasts more than {MAX_BARS:,} bars; clip it first")
    order = np.argsort(start << 7 | (127 - pitch if descending else pitch), kind="stable")
    return PitchedNotes(start[order], end[order], pitch[order], notes["velocity"].astype(np.int64)[order])


def to_480(time: Ints, score: Score) -> Ints:
    """Ticks at 480 a quarter, halves up."""
    tpq = score.ticks_per_quarter
    return time if tpq == TICKS else (2 * TICKS * time + tpq) // (2 * tpq)


def encode(score: Score) -> Ids:
    """Ids of a score, int32, shape (n,)."""
    notes = pitched_notes(score)
    if not len(notes.start):
        return np.zeros(0, np.int32)
    # Nearest 16th, halves down.
    start = (notes.start + _STEP // 2 - 1) // _STEP * _STEP
    end = notes.end + start - notes.start
    chord_time, chord = remi.window_chords(start, end, notes.pitch)
    tempo_time, tempo = _beat_tempos(score)
    # One row an item: chords come before tempos and tempos before notes of one tick.
    time = np.concatenate([chord_time, tempo_time, start])
    order = np.argsort(time, kind="stable")
    bars = -(-int(end[-1]) // _BAR)
    has_note = np.zeros(bars + 1, bool)
    has_note[start // _BAR] = True
    has_note[bars] = False
    time = time[order]
    bar = time // _BAR
    keep = has_note[np.minimum(bar, bars)]
    if not keep.all():
        order, time, bar = order[keep], time[keep], bar[keep]
    kind = np.repeat([0, 1, 2], [len(chord_time), len(tempo_time), len(start)])[order]
    index = order - np.array([0, len(chord_time), len(chord_time) + len(tempo_time)])[kind]

    length = np.array([2, 3, 4])[kind]
    new_bar = np.append(True, bar[1:] != bar[:-1])[: len(bar)]
    at = np.cumsum(length + new_bar) - length
    out = np.empty(int(length.sum() + new_bar.sum()), np.int32)
    out[at[new_bar] - 1] = BAR
    out[at] = POSITION + (time - bar * _BAR) // _STEP
    rows = np.flatnonzero(kind == 0)
    out[at[rows] + 1] = CHORD + chord[index[rows]]
    rows = np.flatnonzero(kind == 1)
    named = _named_tempos(tempo[index[rows]]) - _LOWEST_TEMPO
    out[at[rows] + 1] = TEMPO_CLASS + named // _CLASS_WIDTH
    out[at[rows] + 2] = TEMPO_VALUE + named % _CLASS_WIDTH
    rows = np.flatnonzero(kind == 2)
    at, which = at[rows], index[rows]
    out[at + 1] = VELOCITY + (notes.velocity >> 2)[which]
    out[at + 2] = PITCH + notes.pitch[which]
    # Nearest of 60, 120 ... 3840, the shorter on a tie.
    out[at + 3] = DURATION + np.minimum(np.maximum((end - start + 29) // 60 - 1, 0), 63)[which]
    return out


def _beat_tempos(score: Score) -> tuple[Ints, Ints]:
    """Whole quarters a minute at every beat up to the last tempo event; events between beats are not seen."""
    time = to_480(score.tempos["time"].astype(np.int64), score)
    tempo = 60_000_000 // np.maximum(score.tempos["microseconds"].astype(np.int64), 1)
    if not len(time) or time[0] > 0:
        time, tempo = np.append(0, time), np.append(120, tempo)
    on_beat = time % TICKS == 0
    # Of several events of one tick the last counts.
    at, value = time[on_beat], tempo[on_beat]
    beats = np.arange(0, int(time[-1]) + 1, TICKS)
    return beats, value[np.searchsorted(at, beats, side="right") - 1]


def _named_tempos(tempo: Ints) -> Ints:
    """Tempos within 30..209; 210 takes the one before it."""
    highest = _LOWEST_TEMPO + 3 * _CLASS_WIDTH
    index = np.arange(len(tempo))
    before = np.maximum.accumulate(np.where(tempo == highest, -1, index))
    filled = np.where(before >= 0, tempo[before], highest)
    return np.clip(filled, _LOWEST_TEMPO, highest - 1)


def decode(ids: Ids) -> Score:
    """The score of ids that obey the grammar: one piano track in 4/4, 480 ticks a quarter."""
    sequence = ids.astype(np.int64)
    bar = np.cumsum(sequence == BAR) - 1
    positions = np.flatnonzero((sequence >= POSITION) & (sequence < CHORD))
    time = bar[positions] * _BAR + (sequence[positions] - POSITION) * _STEP
    last = np.flatnonzero(sequence >= DURATION)
    onset = time[np.searchsorted(positions, last) - 1]
    duration = 60 * (sequence[last] - DURATION + 1)
    pitch = sequence[last - 1] - PITCH
    velocity = np.maximum(4 * (sequence[last - 2] - VELOCITY), 1)
    order = np.lexsort((velocity, duration, pitch, onset))
    values = np.flatnonzero((sequence >= TEMPO_VALUE) & (sequence < VELOCITY))
    tempo = _LOWEST_TEMPO + _CLASS_WIDTH * (sequence[values - 1] - TEMPO_CLASS) + sequence[values] - TEMPO_VALUE
    return piano_score(
        onset[order],
        duration[order],
        pitch[order],
        velocity[order],
        time[np.searchsorted(positions, values) - 1],
        tempo,
    )


def piano_score(onset: Ints, duration: Ints, pitch: Ints, velocity: Ints, tempo_time: Ints, tempo: Ints) -> Score:
    """One piano track in 4/4 with these notes and tempo changes; of one tick's tempos the last, repeats left out."""
    if not len(tempo_time) or tempo_time[0] > 0:
        tempo_time, tempo = np.append(0, tempo_time), np.append(120, tempo)
    keep = np.append(tempo_time[1:] != tempo_time[:-1], True)
    tempo_time, tempo = tempo_time[keep], tempo[keep]
    keep = np.append(True, tempo[1:] != tempo[:-1])
    tempos = np.zeros(int(keep.sum()), TEMPO)
    # Rounded down, so that the whole part of the tempo comes back.
    tempos["time"], tempos["microseconds"] = tempo_time[keep], 60_000_000 // tempo[keep]
    return Score(
        ticks_per_quarter=TICKS,
        notes=note_table(onset=onset, duration=duration, pitch=pitch, velocity=velocity),
        tempos=tempos,
        meters=np.array([(0, 4, 4)], METER),
        tracks=(Track(),),
    )


SCHEME = OneSequence(VOCABULARY, GRAMMAR, encode, decode)
