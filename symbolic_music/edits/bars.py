"""Copy and delete bars, and splice passages of another version into some tracks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import RegionError
from symbolic_music.score import BEND, CONTROL, KEY, METER, NOTE, TEMPO, Array, Score, Text, joined
from symbolic_music.transforms import check_tracks

# First tick, and first tick after it.
Span = tuple[int, int]
_MOST_NOTES = 1_000_000


def copy_bars(score: Score, first: int, last: int, before: int | None = None, times: int = 1) -> Score:
    """Bars `first` to `last`, both included and counted from 1, once more before another bar; what follows moves on.

    Args:
        score: the piece.
        first, last: bars.
        before: the bar that they are put in front of; None for the one after `last`, which repeats them.
        times: how often.

    Raises:
        RegionError: for bars that the piece has not.
    """
    start, end, stop = _span(score, first, last)
    lines = score.bars()
    place = last + 1 if before is None else before
    if not 1 <= place <= len(lines) + 1:
        raise RegionError(f"no bar {place} to copy in front of: the piece has {len(lines)} bars")
    if not 1 <= times <= 1000:
        raise RegionError(f"bars are copied 1 to 1000 times, not {times}")
    inside = int(((score.notes["onset"] >= start) & (score.notes["onset"] < end)).sum())
    if inside * times > _MOST_NOTES:
        raise RegionError(f"{inside:,} notes {times} times are too many: at most {_MOST_NOTES:,} are added")
    at = int(lines[place - 1]) if place <= len(lines) else _after(score, lines)
    return rearranged(score, [(0, at), *[(start, end)] * times, (at, max(stop, at))])


def delete_bars(score: Score, first: int, last: int) -> Score:
    """Without bars `first` to `last`, both included and counted from 1; what follows moves up.

    Raises:
        RegionError: for bars that the piece has not, or all of them.
    """
    start, end, stop = _span(score, first, last)
    if first == 1 and last >= len(score.bars()):
        raise RegionError("these are all the bars of the piece: nothing would be left")
    return rearranged(score, [(0, start), (end, max(stop, end))])


def rearranged(score: Score, pieces: Sequence[Span]) -> Score:
    """Stretches of a score in ticks one after the other.

    A note belongs to the stretch in which it begins. It is cut at the stretch's end unless the next one goes on there.
    Tempo, meter, key, controllers and bends are at every moment what they were there.
    """
    offsets = np.cumsum([0, *(last - first for first, last in pieces)]).tolist()
    follows = [i + 1 < len(pieces) and pieces[i + 1][0] == last for i, (_, last) in enumerate(pieces)]
    notes: list[Array] = []
    texts: list[Text] = []
    sung = np.array([text.time for text in score.texts], np.int64)
    by_time = np.argsort(sung, kind="stable")
    sung = sung[by_time]
    for (first, last), offset, goes_on in zip(pieces, offsets, follows, strict=False):
        begin, stop = np.searchsorted(score.notes["onset"], (first, last)).tolist()
        own = joined([score.notes[begin:stop]], NOTE)
        if not goes_on:
            own["duration"] = np.minimum(own["duration"], last - own["onset"])
        own["onset"] += offset - first
        notes.append(own)
        inside = np.sort(by_time[slice(*np.searchsorted(sung, (first, last)))]).tolist()
        texts += [
            Text(text.time - first + offset, text.text, text.kind, text.track)
            for text in map(score.texts.__getitem__, inside)
        ]
    tables = {
        name: _states(getattr(score, name), dtype, keys, pieces, offsets)
        for name, dtype, keys in (
            ("tempos", TEMPO, ()),
            ("meters", METER, ()),
            ("keys", KEY, ()),
            ("controls", CONTROL, ("number", "track")),
            ("bends", BEND, ("track",)),
        )
    }
    return score.replace(notes=joined(notes, NOTE), texts=tuple(texts), **tables)


def splice(score: Score, other: Score, spans: Sequence[Span], tracks: Sequence[int]) -> Score:
    """`score` with the notes of some tracks in some stretches as `other`, a version of it, has them.

    A note belongs where it begins; taken notes are cut at the end of their stretch, so that nothing sounds into what
    is given. Tracks that `other` has more are added.

    Raises:
        RegionError: for a track that `other` has not.
    """
    chosen = check_tracks(other, tracks)
    kept, taken = np.ones(len(score), bool), []
    for first, last in spans:
        onset = score.notes["onset"]
        kept &= ~((onset >= first) & (onset < last) & np.isin(score.notes["track"], chosen))
        theirs = other.notes
        own = joined([theirs[(theirs["onset"] >= first) & (theirs["onset"] < last)
                             & np.isin(theirs["track"], chosen)]], NOTE)  # fmt: skip
        was = {_identity(note) for note in score.notes[~kept]}
        # A note that was here before and sounded on is no new one: it stays whole.
        given = np.array([_identity(note) in was for note in own], bool)
        cut = np.minimum(own["duration"], last - own["onset"])
        own["duration"] = np.where(given, own["duration"], cut)
        taken.append(own)
    merged = joined([score.notes[kept], *taken], NOTE)
    order = np.lexsort((merged["track"], merged["onset"])) if _by_track(score.notes) else np.arange(len(merged))
    return score.replace(notes=merged[order], tracks=score.tracks + other.tracks[len(score.tracks) :])


def _by_track(notes: Array) -> bool:
    """Whether the notes of one tick stand in the order of their tracks."""
    same = notes["onset"][1:] == notes["onset"][:-1]
    return not bool((same & (notes["track"][1:] < notes["track"][:-1])).any())


def _identity(note: Array) -> tuple[int, ...]:
    return int(note["onset"]), int(note["duration"]), int(note["pitch"]), int(note["velocity"]), int(note["track"])


def _span(score: Score, first: int, last: int) -> tuple[int, int, int]:
    """First tick, tick after, and the tick after everything in the piece."""
    lines = score.bars()
    if not 1 <= first <= last <= len(lines):
        raise RegionError(f"no bars {first} to {last}: the piece has bars 1 to {len(lines)}")
    after = _after(score, lines)
    end = int(lines[last]) if last < len(lines) else after
    times = [after, *(int(text.time) + 1 for text in score.texts)]
    times += [int(table["time"][-1]) + 1 for table in
              (score.tempos, score.meters, score.keys, score.controls, score.bends) if len(table)]  # fmt: skip
    return int(lines[first - 1]), end, max(times)


def _after(score: Score, lines: NDArray[np.int64]) -> int:
    """The tick at which the last bar ends."""
    begun = int(lines[-1])
    numerator, denominator = 4, 4
    before = score.meters[score.meters["time"] <= begun]
    if len(before):
        numerator, denominator = int(before[-1]["numerator"]), max(1, int(before[-1]["denominator"]))
    return max(score.end, begun + max(1, round(4 * numerator / denominator * score.ticks_per_quarter)))


def _states(table: Array, dtype: np.dtype[np.void], keys: tuple[str, ...], pieces: Sequence[Span],
            offsets: Sequence[int]) -> Array:  # fmt: skip
    """Events of the stretches, each led by those in force at its beginning where they are not in force already."""
    if not len(table):
        return table
    fields = [name for name in dtype.names or () if name != "time"]
    times = table["time"].tolist()
    states: list[tuple[int, ...]] = list(zip(*(table[name].tolist() for name in fields), strict=True))
    places = [fields.index(key) for key in keys]
    voices = [tuple(state[place] for place in places) for state in states]
    seams = {first: dict(zip(voices[: (stop := bisect_right(times, first))], states[:stop], strict=True))
             for first, _ in {*pieces}}  # fmt: skip
    found: list[tuple[int, tuple[int, ...]]] = []
    now: dict[tuple[int, ...], tuple[int, ...]] = {}
    before = 0
    for (first, last), offset in zip(pieces, offsets, strict=False):
        begin, stop = bisect_left(times, first), bisect_left(times, last)
        if first != before:
            # At a seam each state is written once, and only if it changes.
            in_force = seams[first]
            found += [(offset, state) for voice, state in in_force.items() if now.get(voice) != state]
            begin = min(stop, bisect_right(times, first))
            now |= in_force
        found += [(time - first + offset, state) for time, state in zip(times[begin:stop], states[begin:stop],
                                                                        strict=True)]  # fmt: skip
        now |= zip(voices[begin:stop], states[begin:stop], strict=True)
        before = last
    out = np.zeros(len(found), dtype)
    out["time"] = [time for time, _ in found]
    for place, name in enumerate(fields):
        out[name] = [state[place] for _, state in found]
    return out
