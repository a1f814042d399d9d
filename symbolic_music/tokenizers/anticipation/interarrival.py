"""The interarrival variant of the anticipation repository: shifts of time, notes on and notes off; 34,025 ids.

| block | ids |
|---|---|
| Shift of 0-999 steps of 10 ms | 0-999 |
| NoteOn, 128 x instrument + pitch (128: drums) | 1,000-17,511 |
| NoteOff | 17,512-34,023 |
| Separator, before each piece of a corpus | 34,024 |

Before a note on or off stands the shift since the last one, when it is not 0: each gap is rounded by itself (half to
even) and clipped at 9.99 s, so that rounding adds up over a piece [quirk of the original, kept for equal ids]. At one
tick, tracks come in order, in each the notes that end before those that begin: the order of the file within a tick,
which the original keeps, is not in a Score. A note that its file never ended has no NoteOff, and a NoteOff of the file
that ends nothing is left out. Source: Thickstun et al. 2024 (arXiv 2306.08620), section 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import TokenError
from symbolic_music.general_midi import DRUM_CHANNEL, DRUM_INSTRUMENT
from symbolic_music.score import Array, Score
from symbolic_music.tokenizers.anticipation.decoding import score_of
from symbolic_music.tokenizers.anticipation.events import UNENDED, ExactClock
from symbolic_music.tokenizers.anticipation.vocabulary import MAX_NOTE
from symbolic_music.tokenizers.base import Grammar, Ids, whole_ids

SHIFTS = 1000
NOTE_ON = SHIFTS
NOTE_OFF = NOTE_ON + MAX_NOTE
SEPARATOR = NOTE_OFF + MAX_NOTE
SIZE = SEPARATOR + 1
_BLOCK = 1024  # notes on and off

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@cache
def token_names() -> tuple[str, ...]:
    """Name of each id, in the form Type_value; notes read NoteOn_instrument.pitch."""
    notes = [f"{n // 128}.{n % 128}" for n in range(MAX_NOTE)]
    shifts = [f"Shift_{s}" for s in range(SHIFTS)]
    return (*shifts, *(f"NoteOn_{n}" for n in notes), *(f"NoteOff_{n}" for n in notes), "Separator_None")


def encode(score: Score) -> Ids:
    """Ids of a score, int32, shape (n,): up to four a note."""
    notes = score.notes
    order = _order(notes, max(1, len(score.tracks)))
    clock, last = ExactClock(score), np.zeros(1, np.int64)
    pieces = [np.zeros(0, np.int32)]
    # In blocks: what is needed on the way stays small, whatever the length of the score.
    for start in range(0, len(order), _BLOCK):
        index = order[start : start + _BLOCK]
        is_off = index >= len(notes)
        rows = notes[index - len(notes) * is_off]
        units = clock.units(rows["onset"] + rows["duration"].astype(np.int64) * is_off)
        gaps = np.minimum(clock.rounded(np.diff(units, prepend=last)), SHIFTS - 1)
        last = units[-1:]
        instruments = np.where(rows["channel"] == DRUM_CHANNEL, np.int32(DRUM_INSTRUMENT), rows["program"])
        shifted = gaps > 0
        at = np.cumsum(1 + shifted) - 1
        ids = np.empty(int(at[-1]) + 1, np.int32)
        ids[at] = np.where(is_off, NOTE_OFF, NOTE_ON) + 128 * instruments + rows["pitch"]
        ids[at[shifted] - 1] = gaps[shifted]
        pieces.append(ids)
    del order
    return np.concatenate(pieces)


def _order(notes: Array, tracks: int) -> NDArray[np.int32]:
    """Notes on (i) and off (notes + i) in the order in which they are written; hanging notes have no off."""
    count = len(notes)
    key = np.empty(2 * count, np.int64)
    key[:count] = notes["onset"]
    np.add(notes["onset"], notes["duration"], out=key[count:], dtype=np.int64)
    for half in (key[:count], key[count:]):
        half *= tracks
        half += notes["track"]
    # Off, on, and off of what has no length.
    key *= 3
    key[:count] += 1
    key[count:] += 2 * (notes["duration"] == 0)
    hanging = notes["hanging"] != 0
    endless = int(hanging.sum())
    if endless:
        key[count:][hanging] = np.iinfo(np.int64).max
    return np.argsort(key, kind="stable")[: 2 * count - endless].astype(np.int32)


def decode(tokens: Ids) -> Score:
    """The score of ids inside the vocabulary: a note off ends the first open note of its instrument and pitch.

    A note off without a note is skipped; a note that is not ended in its piece lasts 250 ms. After a SEPARATOR the
    clock goes on. Velocity is 72.
    """
    ids = tokens.astype(np.int64)
    at = np.flatnonzero((ids >= NOTE_ON) & (ids < SEPARATOR))
    times = np.cumsum(np.where(ids < NOTE_ON, ids, 0))[at]
    if len(times) and times[-1] >= 2**31:
        raise TokenError("the ids last longer than MIDI can hold: decode fewer at once")
    grouped, is_off, group, lost = _grouped(ids, at)
    # In each group the k-th off that ends a note ends the k-th on.
    is_end = is_off & ~lost
    ons, offs = np.flatnonzero(~is_off), np.flatnonzero(is_end)
    groups = int(group[-1]) + 1 if len(group) else 0
    ons_before, offs_before = _counted_before(group[ons], groups), _counted_before(group[offs], groups)
    starts = times[grouped[ons]]
    ends = starts + UNENDED
    nth = np.arange(len(offs)) - offs_before[group[offs]]
    ends[ons_before[group[offs]] + nth] = times[grouped[offs]]
    table = np.stack([starts, ends - starts, ids[at[grouped[ons]]] - NOTE_ON], axis=1)
    return score_of(table[np.argsort(grouped[ons])].astype(np.int32))


def _counted_before(group: Ints, groups: int) -> Ints:
    """How many of these numbers of groups are below 0, 1, ... `groups` - 1."""
    counts = np.bincount(group, minlength=groups)
    return np.asarray(np.cumsum(counts) - counts)


def _grouped(ids: Ints, at: Ints) -> tuple[Ints, Mask, Ints, Mask]:
    """Notes on and off by piece, instrument and pitch.

    Args:
        ids: shape (n,).
        at: positions of notes on and off, shape (m,).

    Returns:
        Indices into `at` that sort by group and then position; which are off; the number of the group of each; which
        are off without an open note. All of shape (m,), in that order.
    """
    is_off = ids[at] >= NOTE_OFF
    note = ids[at] - np.where(is_off, NOTE_OFF, NOTE_ON)
    key = note + MAX_NOTE * np.cumsum(ids == SEPARATOR)[at]
    order = np.argsort(key, kind="stable")
    is_off, key = is_off[order], key[order]
    new = np.diff(key, prepend=-1) != 0
    group = np.cumsum(new) - 1
    change = np.where(is_off, -1, 1)
    total = np.cumsum(change)
    level = total - (total - change)[new][group]
    # An off is lost when it takes the level of its group below 0 and below all before it. Groups lie apart, each
    # below the one before, so that one running minimum serves all.
    apart = group * (2 * len(order) + 2)
    lowest = np.minimum.accumulate(np.where(new, np.minimum(level, 0), level) - apart) + apart
    before = np.where(new, 0, np.append(0, lowest[:-1]))
    lost = is_off & (level < np.minimum(before, 0))
    return order, is_off, group, lost


@dataclass(frozen=True)
class _State:
    sounding: tuple[int, ...] = ()  # notes, one entry for each that is open, sorted
    shifted: bool = False


class InterarrivalGrammar(Grammar):
    """A note off needs an open note of its instrument and pitch; a shift, of at least one step, a note after it.

    After a SEPARATOR nothing sounds. Notes may be left open.
    """

    def start(self) -> _State:
        """Nothing sounds."""
        return _State()

    def allowed(self, state: _State) -> NDArray[np.bool_]:
        """Mask of the ids that may follow, shape (34025,)."""
        mask = np.zeros(SIZE, bool)
        mask[NOTE_ON:NOTE_OFF] = True
        mask[[NOTE_OFF + note for note in state.sounding]] = True
        mask[1:SHIFTS] = mask[SEPARATOR] = not state.shifted
        mask.flags.writeable = False
        return mask

    def advance(self, state: _State, token: int) -> _State:
        """The state after one more id."""
        token = int(token)
        if not 0 <= token < SIZE or not self.allowed(state)[token]:
            raise TokenError(f"id {token} may not follow here")
        if token == SEPARATOR:
            return _State()
        if token < NOTE_ON:
            return _State(state.sounding, True)
        sounding = list(state.sounding)
        if token < NOTE_OFF:
            sounding.append(token - NOTE_ON)
        else:
            sounding.remove(token - NOTE_OFF)
        return _State(tuple(sorted(sounding)))

    def violation(self, ids: ArrayLike) -> int | None:
        """Position of the first id out of place, or None when all obey. Reads all ids at once."""
        array = whole_ids(ids)
        is_shift = (array >= 0) & (array < SHIFTS)
        after_shift = np.append(False, is_shift[:-1])[: len(array)]
        wrong = (array <= 0) | (array >= SIZE) | (after_shift & (is_shift | (array == SEPARATOR)))
        at = np.flatnonzero((array >= NOTE_ON) & (array < SEPARATOR))
        order, _, _, lost = _grouped(array, at)
        wrong[at[order[lost]]] = True
        return int(np.argmax(wrong)) if wrong.any() else None
