"""The grid of MidiTok 3.1.0, shared by its REMI and CPWord.

Preset `miditok` gives the ids of MidiTok, so this follows its rules of rounding and order to the letter, odd
ones included. Ticks here are MidiTok's: 8 (or 16, when a meter in eighths occurs) a quarter note.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import RegionError
from symbolic_music.score import Score
from symbolic_music.tokenizers.bar_grid.miditok_rests import fill, ticks
from symbolic_music.tokenizers.chords.miditok import simultaneous_chords

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

POSITIONS_A_BEAT = 8
PITCHES = (21, 109)
DRUM_PITCHES = (27, 88)
DRUMS = -1
VELOCITIES = np.linspace(0, 127, 33).astype(np.int64)[1:]
# (beats, positions, resolution): 8 a beat to four beats, 4 a beat to twelve.
DURATIONS = [(b, p, 8) for b in range(4) for p in range(8)][1:] + [(b, p, 4) for b in range(4, 12) for p in range(4)]
DURATIONS.append((12, 0, 4))
METERS = [(3, 8), (12, 8), (6, 8), (5, 4), (6, 4), (3, 4), (2, 4), (1, 4), (4, 4)]
COMMON_TIME = METERS.index((4, 4))
TEMPOS = np.round(np.linspace(40, 250, 32), 2)
DEFAULT_TEMPO = int(np.argmin(np.abs(TEMPOS - 120)))
MAX_BARS = 1_000_000


@dataclass(frozen=True)
class MidiTokOptions:
    """MidiTok's options of the same names, with its defaults."""

    use_tempos: bool = False
    use_time_signatures: bool = True
    use_chords: bool = False
    use_programs: bool = False
    use_rests: bool = False
    one_token_stream_for_programs: bool = True

    @property
    def one_stream(self) -> bool:
        """Whether all tracks share one sequence."""
        return self.use_programs and self.one_token_stream_for_programs


def nearest(values: NDArray[Any], of: NDArray[Any]) -> Ints:
    """Index of the nearest of ascending `values` for each entry of `of`, the upper one on a tie."""
    upper = np.searchsorted(values, of, side="left")
    inside = np.minimum(upper, len(values) - 1)
    lower = np.maximum(upper - 1, 0)
    return np.where((upper > inside) | (np.abs(of - values[lower]) < np.abs(of - values[inside])), lower, inside)


# Tables for every value that occurs, for beats of 8 and 16 ticks.
_VELOCITY_CLASS = nearest(VELOCITIES, np.arange(128))
_DURATION_TICKS = {beat: ticks(DURATIONS, beat) for beat in (8, 16)}
_DURATION_CLASS = {beat: nearest(t, np.arange(t[-1] + 1)) for beat, t in _DURATION_TICKS.items()}
_TEMPO_MICROSECONDS = np.sort(60_000_000 / TEMPOS)


@dataclass(frozen=True)
class Meters:
    """Meter changes at bar lines (the first at 0), with what follows from each."""

    time: Ints
    meter: Ints  # index into METERS
    bar: Ints  # ticks a bar
    beat: Ints  # ticks a beat

    @property
    def position(self) -> Ints:
        """Ticks a position, for each meter."""
        return self.beat // POSITIONS_A_BEAT

    def at(self, time: Ints) -> Ints:
        """Index of the meter in force at these ticks."""
        return np.searchsorted(self.time, time, side="right") - 1


@dataclass(frozen=True)
class Items:
    """Notes and chords of a stream in order. `duration` and `velocity` are classes; `value` is a chord or pitch."""

    time: Ints
    end: Ints
    program: Ints
    chord: Bools
    value: Ints
    velocity: Ints
    duration: Ints


@dataclass(frozen=True)
class Stream:
    """The contents of one sequence by tick: `time` lists the ticks with events.

    At a tick come its rests, its bars, the meter change when no bar carries it (`orphan`, where a rest crossed
    the bar line), the position, tempo and items. `tempo` is the class in force, `new_tempo` whether it is set.
    `rest_at`, `bar_at` and `item_at` are indices into `time`.
    """

    time: Ints
    position: Ints
    has_position: Bools
    new_tempo: Bools
    tempo: Ints
    meter: Ints
    orphan: Bools
    bar_at: Ints
    bar_meter: Ints
    rest_at: Ints
    rest: Ints
    items: Items
    item_at: Ints


def streams(score: Score, options: MidiTokOptions) -> list[Stream]:
    """The sequences of a score: one for all tracks, or one a track that has notes (at least one)."""
    meters, per_quarter = _meters(score, options)
    ratio = (per_quarter, score.ticks_per_quarter)
    grid = _coarse_sections(meters) if options.use_time_signatures else None
    tempo_time, tempo = _tempos(score, ratio, grid) if options.use_tempos else (np.zeros(0, np.int64),) * 2
    meter_time = meters.time if options.use_time_signatures else np.zeros(0, np.int64)
    parts = [_quantised(notes, program, meters, grid) for program, notes in _tracks(score, options, ratio)]
    parts = [part for part in parts if len(part.time)]
    if options.use_chords:
        parts = [_with_chords(part, meters) for part in parts]
    if options.one_stream or not parts:
        parts = [_merged(parts)]
    return [_stream(part, meters, meter_time, tempo_time, tempo, options) for part in parts]


def _round_ticks(time: Ints, ratio: tuple[int, int]) -> Ints:
    """Ticks of the new resolution, halves up."""
    new, old = ratio
    return time if new == old else (2 * new * time + old) // (2 * old)


# -- meters and tempos ------------------------------------------------------------------------------------------


def _meters(score: Score, options: MidiTokOptions) -> tuple[Meters, int]:
    """Supported meter changes moved to bar lines, and the ticks a quarter that they need."""
    changes: list[tuple[int, int]] = []
    if options.use_time_signatures:
        rows = zip(*(score.meters[name].tolist() for name in ("time", "numerator", "denominator")), strict=True)
        changes = [(time, METERS.index((n, d))) for time, n, d in rows if (n, d) in METERS]
    if not changes or changes[0][0] != 0:
        changes.insert(0, (0, COMMON_TIME))
    per_quarter = 2 * max(METERS[m][1] for _, m in changes)
    scale = per_quarter / score.ticks_per_quarter
    if scale != 1:
        # Truncated, in floating point: so does MidiTok.
        changes = [(int(time * scale), meter) for time, meter in changes]
    changes = _at_bar_lines(changes, per_quarter)
    meter = np.array([m for _, m in changes], np.int64)
    beat = np.array([4 * per_quarter // d for _, d in METERS], np.int64)[meter]
    bar = beat * np.array([n for n, _ in METERS], np.int64)[meter]
    return Meters(np.array([t for t, _ in changes], np.int64), meter, bar, beat), per_quarter


def _at_bar_lines(changes: list[tuple[int, int]], per_quarter: int) -> list[tuple[int, int]]:
    """Changes that change nothing left out, the others moved to the next bar line, one a bar line."""

    def bar(meter: int) -> int:
        return METERS[meter][0] * 4 * per_quarter // METERS[meter][1]

    kept = [changes[0]]
    for time, meter in changes[1:]:
        last_time, last = kept[-1]
        if meter == last:
            continue
        time = max(time, last_time)
        time += -(time - last_time) % bar(last)
        if time == last_time:
            kept.pop()
            # The one before may be the same meter now: then it goes on.
            if kept and kept[-1][1] == meter:
                continue
        kept.append((time, meter))
    return kept


def _coarse_sections(meters: Meters) -> tuple[Ints, Ints, Ints] | None:
    """(starts, ends, ticks a step) of the stretches of one beat length, or None when there is only one length."""
    if len(set(meters.beat.tolist())) == 1:
        return None
    new = np.append(True, meters.beat[1:] != meters.beat[:-1])
    starts = meters.time[new]
    return starts, np.append(starts[1:], np.iinfo(np.int64).max), meters.position[new]


def _to_grid(time: Ints, grid: tuple[Ints, Ints, Ints] | None) -> Ints:
    """Times on the steps of their stretch, halves to even."""
    if grid is None:
        return time
    starts, _, steps = grid
    at = np.searchsorted(starts, time, side="right") - 1
    start, step = starts[at], steps[at]
    return np.rint((time - start) / step).astype(np.int64) * step + start


def _tempos(score: Score, ratio: tuple[int, int], grid: tuple[Ints, Ints, Ints] | None) -> tuple[Ints, Ints]:
    """Ticks and classes of tempo changes, the last of each tick; the default at 0 when there is none."""
    time = _to_grid(_round_ticks(score.tempos["time"].astype(np.int64), ratio), grid)
    # The microseconds ascend where the tempos fall.
    tempo = len(TEMPOS) - 1 - nearest(_TEMPO_MICROSECONDS, score.tempos["microseconds"].astype(np.float64))
    keep = np.append(time[1:] != time[:-1], True)[: len(time)]
    time, tempo = time[keep], tempo[keep]
    if not len(time) or time[0] != 0:
        time, tempo = np.append(0, time), np.append(DEFAULT_TEMPO, tempo)
    return time, tempo


# -- notes ------------------------------------------------------------------------------------------------------


def _tracks(score: Score, options: MidiTokOptions, ratio: tuple[int, int]) -> list[tuple[int, Any]]:
    """(program, rows of onset, duration, pitch, velocity in new ticks) of each track or group of tracks."""
    notes = score.notes
    track = notes["track"].astype(np.int64)
    columns = np.stack([notes[n].astype(np.int64) for n in ("onset", "duration", "pitch", "velocity")])
    if len(score.tracks) > 1:
        order = np.argsort(track, kind="stable")
        columns, track = columns[:, order], track[order]
    ends = np.searchsorted(track, np.arange(len(score.tracks)), side="right").tolist()
    programs = [DRUMS if t.is_drum else t.program for t in score.tracks]
    pieces = []
    for begin, end in zip([0, *ends], ends, strict=False):
        piece = columns[:, begin:end]
        if ratio[0] != ratio[1]:
            length = np.maximum(_round_ticks(piece[1], ratio), 1)
            piece = np.stack([_round_ticks(piece[0], ratio), length, piece[2], piece[3]])
        pieces.append(piece)
    if not options.one_stream:
        return list(zip(programs, pieces, strict=True))
    # Tracks of one program become one, in the place of the first; only then are notes sorted in the new ticks.
    merged: dict[int, list[Any]] = {}
    for program, piece in zip(programs, pieces, strict=True):
        merged.setdefault(program, []).append(piece)
    return [(p, group[0] if len(group) == 1 else _sorted(np.concatenate(group, axis=1))) for p, group in merged.items()]


def _sorted(columns: Ints) -> Ints:
    """Rows of notes in order of onset, duration, pitch, velocity."""
    onset, duration, pitch, velocity = columns
    return columns[:, np.lexsort((duration << 14 | pitch << 7 | velocity, onset))]


def _quantised(columns: Ints, program: int, meters: Meters, grid: tuple[Ints, Ints, Ints] | None) -> Items:
    """Notes in range, on the grid, with velocity and duration classes."""
    low, high = DRUM_PITCHES if program == DRUMS else PITCHES
    inside = (columns[2] >= low) & (columns[2] <= high)
    time, length, pitch, velocity = columns if inside.all() else columns[:, inside]
    time = _to_grid(time, grid)
    duration, end = np.empty_like(time), np.empty_like(time)
    lengths = set(meters.beat.tolist())
    beat = meters.beat[meters.at(time)] if len(lengths) > 1 else None
    for ticks_a_beat in lengths:
        rows = slice(None) if beat is None else beat == ticks_a_beat
        table = _DURATION_CLASS[ticks_a_beat]
        duration[rows] = table[np.minimum(length[rows], len(table) - 1)]
        end[rows] = time[rows] + _DURATION_TICKS[ticks_a_beat][duration[rows]]
    value = pitch - low + (PITCHES[1] - PITCHES[0] + 1 if program == DRUMS else 0)
    return Items(
        time, end, np.full(len(time), program), np.zeros(len(time), bool), value, _VELOCITY_CLASS[velocity & 127],
        duration,
    )  # fmt: skip


def _with_chords(part: Items, meters: Meters) -> Items:
    """The part with its chords, each before the notes of its tick. Drums have none."""
    if part.program[0] == DRUMS:
        return part
    pitch = part.value + PITCHES[0]
    time, quality = simultaneous_chords(part.time, part.end, pitch, meters.beat[meters.at(part.time)])
    zero = np.zeros(len(time), np.int64)
    chords = Items(time, time, zero + part.program[0], zero == 0, quality, zero, zero)
    return _joined([chords, part])


def _joined(parts: list[Items]) -> Items:
    """Items of several sources in order of time, at one time in order of source."""
    names = ("time", "end", "program", "chord", "value", "velocity", "duration")
    columns = [np.concatenate([getattr(part, name) for part in parts]) for name in names]
    order = np.argsort(columns[0], kind="stable")
    return Items(*(column[order] for column in columns))


def _merged(parts: list[Items]) -> Items:
    if len(parts) == 1:
        return parts[0]
    none = np.zeros(0, np.int64)
    return _joined([Items(none, none, none, none.astype(bool), none, none, none), *parts])


# -- bars, positions, rests -------------------------------------------------------------------------------------


def _stream(
    items: Items, meters: Meters, meter_time: Ints, tempo_time: Ints, tempo: Ints, options: MidiTokOptions
) -> Stream:
    fresh = np.append(True, items.time[1:] != items.time[:-1])[: len(items.time)]
    time = items.time[fresh]
    if len(tempo_time) or len(meter_time):
        time = np.sort(np.concatenate([time, tempo_time, meter_time]), kind="stable")
        time = time[np.append(True, time[1:] != time[:-1])]
    item_at = np.searchsorted(time, items.time)
    new_tempo, new_meter = np.zeros(len(time), bool), np.zeros(len(time), bool)
    new_tempo[np.searchsorted(time, tempo_time)] = True
    new_meter[np.searchsorted(time, meter_time)] = True
    in_force = meters.at(time) if len(meters.time) > 1 else np.zeros(len(time), np.int64)
    bar_time, bar_meter = _bars(meters, int(time[-1]) if len(time) else -1)
    bar_at = np.searchsorted(time, bar_time)
    start = bar_time[np.searchsorted(bar_time, time, side="right") - 1] if len(time) else time
    has_items = np.zeros(len(time), bool)
    has_items[item_at] = True
    orphan, rest_at, rest = np.zeros(len(time), bool), np.zeros(0, np.int64), np.zeros(0, np.int64)
    if options.use_rests and len(time):
        # The end of all that came before each tick.
        ends = np.maximum.reduceat(np.append(items.end, 0), np.searchsorted(item_at, np.arange(len(time))))
        ends = np.where(has_items, np.maximum(ends, time), time)
        sounding = np.append(0, np.maximum.accumulate(ends)[:-1])
        before = np.maximum(np.searchsorted(meters.time, time, side="left") - 1, 0)
        rest_at, rest, reached = fill(time - sounding, meters.beat[before])
        reached = np.where(reached > 0, sounding + reached, -1)
        # A bar line that a rest reaches gets no token.
        written = bar_time > reached[bar_at]
        lost = np.zeros(len(time), bool)
        lost[bar_at[~written & (time[bar_at] == bar_time)]] = True
        orphan = new_meter & lost
        bar_at, bar_meter = bar_at[written], bar_meter[written]
    current = tempo[np.searchsorted(tempo_time, time, side="right") - 1] if len(tempo) else np.zeros_like(time)
    return Stream(
        time=time,
        position=(time - start) // meters.position[in_force],
        has_position=has_items | new_tempo,
        new_tempo=new_tempo,
        tempo=current,
        meter=meters.meter[in_force],
        orphan=orphan,
        bar_at=bar_at,
        bar_meter=bar_meter,
        rest_at=rest_at,
        rest=rest,
        items=items,
        item_at=item_at,
    )


def _bars(meters: Meters, last: int) -> tuple[Ints, Ints]:
    """Tick and meter of each bar up to the one that holds tick `last`."""
    stops = np.append(np.minimum(meters.time[1:], last + 1), last + 1)
    count = int(np.sum((stops - meters.time) // meters.bar + 1))
    if count > MAX_BARS:
        raise RegionError(f"the score lasts {count:,} bars; at most {MAX_BARS:,} can be written: clip it first")
    rows = zip(meters.time.tolist(), stops.tolist(), meters.bar.tolist(), strict=True)
    starts = [np.arange(begin, stop, step, dtype=np.int64) for begin, stop, step in rows]
    return np.concatenate(starts), np.repeat(meters.meter, [len(s) for s in starts])
