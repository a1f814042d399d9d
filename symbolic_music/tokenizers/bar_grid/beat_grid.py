"""Bars, positions and tempo classes, shared by the default presets of `remi` and `compound`.

Time is counted in steps of 1/24 quarter note, which holds 32nds and triplets of 16ths exactly. A `Metrical`
is a score on that grid: sorted columns ready to be written as tokens, and what tokens are read back into.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import RegionError
from symbolic_music.general_midi import DRUM_CHANNEL, DRUM_INSTRUMENT
from symbolic_music.score import METER, TEMPO, Score, Track, note_table

Ints = NDArray[np.int64]

STEPS = 24  # steps a quarter note, and the resolution of a decoded score
MAX_BAR_QUARTERS = 8
POSITIONS = STEPS * MAX_BAR_QUARTERS
MAX_BARS = 1_000_000

# Every meter whose bar is whole on the grid and at most eight quarters long; numerators to 24.
METERS = tuple(
    (numerator, denominator)
    for denominator in (1, 2, 4, 8, 16, 32)
    for numerator in range(1, 25)
    if 4 * numerator <= MAX_BAR_QUARTERS * denominator
)
METER_STEPS = np.array([4 * STEPS * n // d for n, d in METERS], np.int64)
_METER_INDEX = {meter: i for i, meter in enumerate(METERS)}
_COMMON_TIME = _METER_INDEX[4, 4]
# Steps -> the meter that a bar of this length is written in: the largest unit that fits.
_METER_OF_STEPS = {int(METER_STEPS[i]): i for i in reversed(range(len(METERS)))}
_METER_OF_STEPS[4 * STEPS] = _COMMON_TIME

# 24 classes an octave around 120 quarters a minute: 21 to 330, each within 1.5 % of its neighbours' middle.
TEMPOS = 120.0 * 2.0 ** (np.arange(-60, 36) / 24.0)
DEFAULT_TEMPO_CLASS = 60
_TEMPO_MICROSECONDS = np.rint(60e6 / TEMPOS).astype(np.int64)

# MidiTok's 32 velocities: 3, 7, 11 ... 127.
VELOCITIES = np.linspace(0, 127, 33).astype(np.int64)[1:]
_VELOCITY_CLASS = np.maximum(np.arange(128) - 1, 0) // 4

# Every step to two quarters, then every 2, 6 and 12 steps to sixteen quarters.
DURATIONS = np.concatenate(
    [np.arange(1, 48), np.arange(48, 96, 2), np.arange(96, 192, 6), np.arange(192, 385, 12)]
).astype(np.int64)
_DURATION_CLASS = np.searchsorted((DURATIONS[1:] + DURATIONS[:-1]) / 2, np.arange(385), side="right")

_NOTE_COLUMNS = ("onset", "part", "pitch", "velocity", "duration")
PARTS = 32  # parts of one instrument that are distinguished


@dataclass(frozen=True)
class Metrical:
    """A score on the grid. Columns of notes have one shape (notes,) and are sorted by all of their fields.

    `part` is instrument x 32 + number among the parts of that instrument (128: drums); `velocity`, `duration`,
    `tempo` and `meter` are class numbers; `bar_start`, `onset` and `tempo_time` are steps. Successive tempos
    differ. `meter` has one entry a bar.
    """

    bar_start: Ints
    meter: Ints
    onset: Ints
    part: Ints
    pitch: Ints
    velocity: Ints
    duration: Ints
    tempo_time: Ints
    tempo: Ints

    @property
    def bar(self) -> Ints:
        """Bar of each note."""
        return np.searchsorted(self.bar_start, self.onset, side="right") - 1


def measure(score: Score) -> Metrical:
    """Put a score on the grid.

    Onsets go to the nearest step, durations, velocities and tempos to the nearest class. A meter change inside
    a bar ends that bar there, which is then written in the meter of its real length; where no meter has that
    length the change waits for the next bar. Meters outside METERS are left out.

    Raises:
        RegionError: when the score has more than a million bars.
    """
    tpq = score.ticks_per_quarter
    notes = score.notes
    onset = _steps(notes["onset"].astype(np.int64), tpq)
    tempo_time, tempo = _tempos(score)
    changes = _meter_changes(score)
    last = max(int(onset[-1]) if len(onset) else -1, int(tempo_time[-1]) if len(tempo_time) else -1)
    bar_start, meter = _bars(changes, last)
    if not len(bar_start):
        none = np.zeros(0, np.int64)
        return Metrical(none, none, none, none, none, none, none, none, none)
    if not len(tempo_time) or tempo_time[0] > 0:
        tempo_time, tempo = np.append(0, tempo_time), np.append(DEFAULT_TEMPO_CLASS, tempo)
        keep = np.append(True, tempo[1:] != tempo[:-1])
        tempo_time, tempo = tempo_time[keep], tempo[keep]
    duration = _DURATION_CLASS[np.minimum(_steps(notes["duration"].astype(np.int64), tpq), 384)]
    # One sortable number a note; its fields are read back out of it.
    velocity = _VELOCITY_CLASS[notes["velocity"] & 127]
    key = _key(onset, _parts(score), notes["pitch"].astype(np.int64), duration, velocity)
    key.sort(kind="stable")  # nearly in order: ten times faster so
    return Metrical(
        bar_start=bar_start,
        meter=meter,
        onset=key >> 32,
        part=key >> 19 & 0x1FFF,
        pitch=key >> 12 & 0x7F,
        velocity=key & 0x1F,
        duration=key >> 5 & 0x7F,
        tempo_time=tempo_time,
        tempo=tempo,
    )


def merged(*columns: Ints) -> tuple[Ints, list[Ints]]:
    """The distinct steps of these columns in order, and for each column the places of its entries among them."""
    steps = np.concatenate(columns)
    order = np.argsort(steps, kind="stable")  # in order but for the seams: ten times faster so
    steps = steps[order]
    fresh = np.append(True, steps[1:] != steps[:-1])[: len(steps)]
    place = np.empty(len(steps), np.int64)
    place[order] = np.cumsum(fresh) - 1
    ends = list(accumulate(map(len, columns)))
    return steps[fresh], [place[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


def _key(onset: Ints, part: Ints, pitch: Ints, duration: Ints, velocity: Ints) -> Ints:
    """One number a note, in the order of its fields."""
    return np.asarray(onset << 32 | part << 19 | pitch << 12 | duration << 5 | velocity)


def _steps(ticks: Ints, ticks_per_quarter: int) -> Ints:
    """Nearest step, halves up."""
    return np.asarray((2 * STEPS * ticks + ticks_per_quarter) // (2 * ticks_per_quarter))


def _parts(score: Score) -> Ints:
    """Part of each note: instrument x 32 + number of its track among those that play this instrument."""
    track = score.notes["track"].astype(np.int64)
    code = track * (DRUM_INSTRUMENT + 1) + score.instruments
    present = np.flatnonzero(np.bincount(code)) if len(code) else code
    seen: dict[int, int] = {}
    part = np.zeros(int(present[-1]) + 1 if len(present) else 0, np.int64)
    for one in present.tolist():
        instrument = one % (DRUM_INSTRUMENT + 1)
        part[one] = instrument * PARTS + min(seen.get(instrument, 0), PARTS - 1)
        seen[instrument] = seen.get(instrument, 0) + 1
    return np.asarray(part[code])


def tempo_class(microseconds: Ints) -> Ints:
    """Nearest tempo class (on the logarithmic scale) of microseconds a quarter."""
    octaves = np.log2(500_000 / np.maximum(microseconds, 1))
    return np.asarray(np.clip(np.rint(24 * octaves).astype(np.int64) + DEFAULT_TEMPO_CLASS, 0, len(TEMPOS) - 1))


def _tempos(score: Score) -> tuple[Ints, Ints]:
    time = _steps(score.tempos["time"].astype(np.int64), score.ticks_per_quarter)
    tempo = tempo_class(score.tempos["microseconds"].astype(np.int64))
    # Of the events of one step the last counts.
    keep = np.append(time[1:] != time[:-1], True)[: len(time)]
    time, tempo = time[keep], tempo[keep]
    keep = np.append(True, tempo[1:] != tempo[:-1])[: len(tempo)]
    return time[keep], tempo[keep]


def _meter_changes(score: Score) -> list[tuple[int, int]]:
    """(step, meter) of the changes that METERS can say; of one step the last."""
    times = _steps(score.meters["time"].astype(np.int64), score.ticks_per_quarter)
    meters = zip(score.meters["numerator"].tolist(), score.meters["denominator"].tolist(), strict=True)
    changes = {t: _METER_INDEX[m] for t, m in zip(times.tolist(), meters, strict=True) if m in _METER_INDEX}
    return list(changes.items())


def _bars(changes: list[tuple[int, int]], last: int) -> tuple[Ints, Ints]:
    """Start and meter of every bar from 0 to the one that holds step `last` or the last change."""
    if last < 0 and not changes:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    sections: list[tuple[int, int]] = []  # start, meter
    start, meter = 0, _COMMON_TIME
    for time, new in changes:
        time = max(time, start)
        length = int(METER_STEPS[meter])
        into = (time - start) % length
        if new == meter and into == 0:
            continue
        sections.append((start, meter))
        if into in _METER_OF_STEPS:
            sections.append((time - into, _METER_OF_STEPS[into]))
        else:
            time += -into % length
        start, meter = time, new
    sections.append((start, meter))
    # Of sections that start together the last counts.
    final = list(dict(sections).items())
    last = max(last, final[-1][0])
    spans = [
        (begin, stop, meter) for (begin, meter), stop in zip(final, [s for s, _ in final[1:]] + [last + 1], strict=True)
    ]
    bars = sum((stop - begin) // int(METER_STEPS[meter]) + 1 for begin, stop, meter in spans)
    if bars > MAX_BARS:
        raise RegionError(f"the score lasts {bars:,} bars; at most {MAX_BARS:,} can be written: clip it first")
    starts = [np.arange(begin, stop, METER_STEPS[meter], dtype=np.int64) for begin, stop, meter in spans]
    meters = [np.full(len(s), meter) for s, (_, _, meter) in zip(starts, spans, strict=True)]
    return np.concatenate(starts), np.concatenate(meters)


def score_of(metrical: Metrical) -> Score:
    """The score that these columns stand for: one track a part, in order of program, drums last."""
    m = metrical
    if not len(m.bar_start):
        return Score(ticks_per_quarter=STEPS)
    key = _key(m.onset, m.part, m.pitch, m.duration, m.velocity)
    if np.any(key[1:] < key[:-1]):
        order = np.argsort(key, kind="stable")
        m = replace(m, **{name: getattr(m, name)[order] for name in _NOTE_COLUMNS})
    parts, track = np.unique(m.part, return_inverse=True)
    instrument = parts // PARTS
    drums = instrument == DRUM_INSTRUMENT
    tempo_time, tempo = m.tempo_time, m.tempo
    if not len(tempo_time) or tempo_time[0] > 0:
        tempo_time, tempo = np.append(0, tempo_time), np.append(DEFAULT_TEMPO_CLASS, tempo)
    keep = np.append(True, tempo[1:] != tempo[:-1])
    tempos = np.zeros(int(keep.sum()), TEMPO)
    tempos["time"], tempos["microseconds"] = tempo_time[keep], _TEMPO_MICROSECONDS[tempo[keep]]
    changed = np.append(True, m.meter[1:] != m.meter[:-1])
    named = np.array(METERS)[m.meter[changed]]
    meters = np.zeros(len(named), METER)
    meters["time"], meters["numerator"], meters["denominator"] = m.bar_start[changed], named[:, 0], named[:, 1]
    channels = np.array([c for c in range(16) if c != DRUM_CHANNEL])[np.arange(len(parts)) % 15]
    return Score(
        ticks_per_quarter=STEPS,
        notes=note_table(
            onset=m.onset,
            duration=DURATIONS[m.duration],
            pitch=m.pitch,
            velocity=VELOCITIES[m.velocity],
            program=np.where(drums, 0, instrument)[track],
            channel=np.where(drums, DRUM_CHANNEL, channels)[track],
            track=track,
        ),
        tempos=tempos,
        meters=meters,
        tracks=tuple(
            Track(program=0 if d else int(i), is_drum=bool(d)) for i, d in zip(instrument, drums, strict=True)
        ),
    )
