"""A cached piece with precomputed bar lines, from which training windows are cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from symbolic_music.corpora.store.segments import ALL_TABLES
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.corpora.windows.augmentation import Change, copied, derived, pitch_range
from symbolic_music.errors import RegionError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import METER, Array, Score
from symbolic_music.tokenizers.anticipation.expressive import folded
from symbolic_music.tokenizers.base import BarGrid, Ids, Tokenizer

Ints = NDArray[np.int64]
_MOST_QUARTERS = 1_000_000


def read_for(store: NoteStore, index: int, tokenizer: Tokenizer) -> Score:
    """A piece with all that this tokenizer writes of it, and no more than it needs.

    The sustain pedal is folded into the notes where the tokenizer would do so each time it encodes.
    """
    score = store.music(index, ALL_TABLES if tokenizer.tables is None else tokenizer.tables)
    if not tokenizer.keeps_unended:
        score = score.without_hanging()
    if tokenizer.folds_pedal:
        score = folded(score).replace(controls=np.zeros(0, score.controls.dtype))
    if not tokenizer.keeps_drums:
        score = _without_drums(score)
    if tokenizer.sorts_by_pitch and not np.any(score.notes["channel"] == DRUM_CHANNEL):
        # The order that it sorts notes into, whatever the transposition, if there are no drums.
        key = score.notes["onset"].astype(np.int64) << 8 | score.notes["pitch"]
        if np.any(key[1:] < key[:-1]):
            score = score.replace(notes=score.notes[np.argsort(key, kind="stable")])
    return score


def _without_drums(score: Score) -> Score:
    melodic = score.notes["channel"] != DRUM_CHANNEL
    return score if melodic.all() else derived(score, notes=score.notes[melodic])


@dataclass(frozen=True)
class Voice:
    """The source of one sequence of ids: a piece, or a track if tracks are encoded separately."""

    score: Score
    grid: BarGrid  # that onsets are rounded to; of 0 steps: none

    @cached_property
    def lines(self) -> Ints:
        """Ticks of the bar lines, up to that of the bar in which the last note is written.

        Raises:
            RegionError: when the piece lasts more than a million quarters.
        """
        if self.score.notes["onset"][-1] > _MOST_QUARTERS * self.score.ticks_per_quarter:
            raise RegionError(f"a piece lasts more than {_MOST_QUARTERS:,} quarters; clip it first")
        score = self.score.replace(meters=np.zeros(0, METER)) if self.grid.only_four_four else self.score
        half = score.ticks_per_quarter // (2 * self.grid.steps) if self.grid.steps else 0
        return score.bars(int(score.notes["onset"][-1]) + half + 1)

    @cached_property
    def starts(self) -> Ints:
        """Bars (indices of `lines`) in which a note begins."""
        bars = np.searchsorted(self.lines, self.score.notes["onset"], side="right") - 1
        return np.asarray(bars[np.append(True, bars[1:] != bars[:-1])])

    @cached_property
    def positions_a_note(self) -> float:
        """How many places on the grid notes begin at, divided by the notes."""
        onset = self.score.notes["onset"].astype(np.int64)
        at = onset * self.grid.steps // self.score.ticks_per_quarter if self.grid.steps else onset
        return float((1 + np.count_nonzero(at[1:] != at[:-1])) / len(at))

    def before(self, tick: int) -> int:
        """The first tick whose notes are written at `tick`, or later."""
        steps = self.grid.steps
        return tick if not steps else -((self.score.ticks_per_quarter - 2 * steps * tick) // (2 * steps))

    def cut(self, bar: int, stop: int, change: Change) -> Score:
        """The bars from `bar` up to `stop`, varied, with the tempos and meters in force there.

        Times count from the first bar line; a note that is written on that line but begins before it is moved there.
        Notes that sound past the end keep their length. What changes after the piece's last note is left out.
        """
        score, onset, first = self.score, self.score.notes["onset"], int(self.lines[bar])
        begin = self.before(first)
        end = self.before(int(self.lines[stop])) if stop < len(self.lines) else int(onset[-1]) + 1
        table = copied(score.notes[np.searchsorted(onset, begin) : np.searchsorted(onset, end)])
        table["onset"] = np.maximum(table["onset"] - first, 0)
        tables = {"notes": change.vary(table)}
        for name, key, at in (
            ("tempos", (), begin),
            ("meters", (), begin),
            ("keys", (), begin),
            ("controls", ("track", "number"), first),
            ("bends", ("track",), first),
        ):
            if len(getattr(score, name)):
                tables[name] = _in_force(getattr(score, name), key, at, first, end)
        tables["tempos"] = change.stretched(tables.get("tempos", score.tempos))
        return derived(score, **tables)


def _in_force(table: Array, key: Sequence[str], begin: int, first: int, stop: int) -> Array:
    """Events before `stop`, of those up to `begin` the last (for each value of `key`), counted from `first`."""
    time = table["time"]
    if len(time) == 1 and time[0] == 0:
        return table
    stop = int(np.searchsorted(time, stop))
    at = int(np.searchsorted(time, begin, side="right"))
    if key:
        code = sum(table[name][:at].astype(np.int64) << 8 * n for n, name in enumerate(reversed(key)))
        _, latest = np.unique(np.asarray(code)[::-1], return_index=True)
        rows = np.concatenate([np.sort(at - 1 - latest), np.arange(at, max(at, stop))])
        out = table[rows]
    else:
        out = table[max(at - 1, 0) : max(at, stop)].copy()
    out["time"] = np.maximum(out["time"] - first, 0)
    return np.asarray(out)


@dataclass(frozen=True)
class Held:
    """A piece in memory: its voices, and the lowest and highest pitch of all that is no drum."""

    voices: tuple[Voice, ...]
    lowest: int
    highest: int

    @property
    def nbytes(self) -> int:
        """About how much memory this takes."""
        return int(held_bytes(np.array([len(voice.score) for voice in self.voices], np.int64)).sum())

    def draw(self, rng: np.random.Generator) -> Voice | None:
        """A voice; the more notes it has, the likelier. None when there is no note."""
        ends = np.cumsum([len(voice.score) for voice in self.voices])
        if not len(ends):
            return None
        if len(ends) == 1:
            return self.voices[0]
        return self.voices[int(np.searchsorted(ends, rng.integers(ends[-1]), side="right"))]


def held_bytes(notes: Ints) -> Ints:
    """About how much memory a piece of this many notes takes while windows are cut from it."""
    return np.asarray(18 * notes + 4096)


def hold(store: NoteStore, index: int, tokenizer: Tokenizer) -> Held:
    """Read a piece for this tokenizer."""
    score = read_for(store, index, tokenizer)
    lowest, highest = pitch_range(score)
    grid = tokenizer.bar_grid or BarGrid(0)
    scores = _tracks(score) if tokenizer.per_track else [score]
    return Held(tuple(Voice(one, grid) for one in scores if len(one)), lowest, highest)


def _tracks(score: Score) -> list[Score]:
    """Each track that has notes, alone."""
    if len(score.tracks) == 1:
        return [score]
    out = []
    for number in np.unique(score.notes["track"]).tolist():
        tables = {}
        for name in ("notes", "controls", "bends"):
            table = getattr(score, name)
            tables[name] = table[table["track"] == number].copy()
            tables[name]["track"] = 0
        out.append(score.replace(tracks=(score.tracks[number],), **tables))
    return out


def encoded(tokenizer: Tokenizer, score: Score) -> Ids:
    """The ids of a voice."""
    ids = tokenizer.encode(score)
    if not isinstance(ids, list):
        return ids
    # A track alone has one sequence; some of MidiTok's kinds add one of what all tracks share.
    return max(ids, key=len) if ids else np.zeros(0, np.int32)
