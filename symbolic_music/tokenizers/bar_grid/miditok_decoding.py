"""Decode MidiTok's tokens to a score. Time advances as in MidiTok's decoder; malformed notes are errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import METER, TEMPO, Score, Track, note_table
from symbolic_music.tokenizers.bar_grid import miditok_grid as grid
from symbolic_music.tokenizers.bar_grid.miditok_grid import Ints, MidiTokOptions
from symbolic_music.tokenizers.bar_grid.miditok_rests import RESTS, ticks

# Kinds of steps: all that moves the clock, and notes, whose ends a rest waits for.
BAR, METER_CHANGE, POSITION, REST, NOTE, OTHER = range(6)
_BEAT = np.array([64 // d for _, d in grid.METERS])  # ticks a beat at 16 ticks a quarter
_BAR = _BEAT * np.array([n for n, _ in grid.METERS])
_DURATIONS = {beat: ticks(grid.DURATIONS, beat) for beat in (8, 16)}


@dataclass(frozen=True)
class Steps:
    """One sequence as steps in order: `kind`, and `value`: a meter, position, rest or duration class.

    Columns of notes have one entry a NOTE step; `pitch` is as in `Items.value`, `program` None without programs.
    Tempos are (index of a step, class).
    """

    kind: Ints
    value: Ints
    pitch: Ints
    velocity: Ints
    program: Ints | None
    tempo_at: Ints
    tempo: Ints


def score_of(sequences: Sequence[Steps], options: MidiTokOptions) -> Score:
    """The score of one sequence a track, or one for all; meters and tempos are those of the first sequence.

    PitchDrum tokens make a drum track. Tracks are in order of their sequence, then of their first note.
    """
    per_quarter = 16 if options.use_time_signatures else 8
    default = 60_000_000 / grid.TEMPOS[grid.DEFAULT_TEMPO] if options.use_tempos else 500_000
    tempos = np.array([(0, round(default))], TEMPO)
    meters = np.array([(0, 4, 4)], METER)
    columns: list[Ints] = []
    for number, s in enumerate(sequences):
        tick, meter, bar_tick = _clock(s, options) if options.use_rests else _bar_clock(s, options)
        if number == 0:
            tempos = _tempos(tick[s.tempo_at], s.tempo, tempos)
            meters = _meters(s, bar_tick, meters)
        notes = np.flatnonzero(s.kind == NOTE)
        beat = _BEAT[meter[notes]] if options.use_time_signatures else np.full(len(notes), 8)
        value = s.value[notes]
        length = np.where(beat == 8, _DURATIONS[8][value], _DURATIONS[16][value])
        drums = s.pitch >= len(range(*grid.PITCHES)) + 1
        program = np.where(drums, grid.DRUMS, 0) if s.program is None else s.program
        pitch = s.pitch + np.where(
            drums, grid.DRUM_PITCHES[0] - (grid.PITCHES[1] - grid.PITCHES[0] + 1), grid.PITCHES[0]
        )
        source = np.full(len(notes), number)
        columns.append(np.stack([tick[notes], length, pitch, grid.VELOCITIES[s.velocity], source, program]))
    onset, length, pitch, velocity, source, program = np.concatenate([np.zeros((6, 0), np.int64), *columns], axis=1)
    code = source * 129 + program + 1
    # One track a sequence and program, by sequence, then first onset, then first place.
    first: dict[int, int] = {}
    for one in set(code.tolist()):
        first[one] = int(onset[code == one].min())
    codes, place = np.unique(code, return_index=True)
    begins = np.array([first[one] for one in codes.tolist()], np.int64)
    rank = np.lexsort((place, begins, codes // 129))
    track = np.empty(len(codes), np.int64)
    track[rank] = np.arange(len(codes))
    track = track[np.searchsorted(codes, code)]
    order = np.lexsort((track << 22 | length << 14 | pitch << 7 | velocity, onset))
    programs = codes[rank] % 129 - 1
    channels = np.array([c for c in range(16) if c != DRUM_CHANNEL])[np.arange(len(programs)) % 15]
    channels = np.where(programs == grid.DRUMS, DRUM_CHANNEL, channels)
    return Score(
        ticks_per_quarter=per_quarter,
        notes=note_table(
            onset=onset[order],
            duration=length[order],
            pitch=pitch[order],
            velocity=velocity[order],
            program=np.maximum(program, 0)[order],
            channel=channels[track][order],
            track=track[order],
        ),
        tempos=tempos,
        meters=meters,
        tracks=tuple(Track(program=max(int(p), 0), is_drum=bool(p == grid.DRUMS)) for p in programs),
    )


def _bar_clock(s: Steps, options: MidiTokOptions) -> tuple[Ints, Ints, Ints]:
    """Tick, meter and start of its bar of each step, where every bar is written."""
    bars = np.cumsum(s.kind == BAR) - 1
    count = int(bars[-1]) + 1 if len(bars) else 0
    meter_of_bar = np.full(count + 1, grid.COMMON_TIME)
    changes = s.kind == METER_CHANGE
    meter_of_bar[bars[changes]] = s.value[changes]
    length = _BAR[meter_of_bar] if options.use_time_signatures else np.full(count + 1, 32)
    start = (np.cumsum(length) - length)[bars]
    meter = meter_of_bar[bars]
    step = _BEAT[meter] // grid.POSITIONS_A_BEAT if options.use_time_signatures else np.ones_like(meter)
    at = np.maximum.accumulate(np.where((s.kind == POSITION) | (s.kind == BAR), np.arange(len(bars)), 0))
    position = np.where(s.kind == POSITION, s.value, 0)
    return start + (position * step)[at], meter, start


def _clock(s: Steps, options: MidiTokOptions) -> tuple[Ints, Ints, Ints]:
    """The clock step by step, for rests: they begin at the end of the last note and ignore bar lines."""
    timed = options.use_time_signatures
    meter = grid.COMMON_TIME
    bar_length, beat = (int(_BAR[meter]), int(_BEAT[meter])) if timed else (32, 8)
    rests = {b: ticks(RESTS, b).tolist() for b in (8, 16)}
    lengths = {b: _DURATIONS[b].tolist() for b in (8, 16)}
    now = bar_tick = sounding = 0
    begun = False
    times, meters, bars = [], [], []
    for kind, value in zip(s.kind.tolist(), s.value.tolist(), strict=True):
        if kind == BAR:
            now = bar_tick = bar_tick + bar_length if begun else now
            begun = True
        elif kind == METER_CHANGE:
            meter, bar_length, beat = value, int(_BAR[value]), int(_BEAT[value])
        elif kind == POSITION:
            now = bar_tick + value * (beat // grid.POSITIONS_A_BEAT)
            begun = True
        elif kind == REST:
            now = max(now, sounding) + rests[beat][value]
            bar_tick += max(0, (now - bar_tick) // bar_length) * bar_length
            begun = True
        elif kind == NOTE:
            sounding = max(sounding, now + lengths[beat][value])
        times.append(now)
        meters.append(meter)
        bars.append(bar_tick)
    return np.array(times, np.int64), np.array(meters, np.int64), np.array(bars, np.int64)


def _tempos(time: Ints, tempo: Ints, default: NDArray[np.void]) -> NDArray[np.void]:
    order = np.argsort(time, kind="stable")
    time, tempo = time[order], tempo[order]
    keep = np.append(time[1:] != time[:-1], True)[: len(time)]
    table = np.zeros(int(keep.sum()), TEMPO)
    table["time"], table["microseconds"] = time[keep], np.rint(60_000_000 / grid.TEMPOS[tempo[keep]])
    return table if len(table) and table["time"][0] == 0 else np.concatenate([default, table])


def _meters(s: Steps, bar_tick: Ints, default: NDArray[np.void]) -> NDArray[np.void]:
    rows = np.flatnonzero(s.kind == METER_CHANGE)
    rows = rows[np.append(True, s.value[rows][1:] != s.value[rows][:-1])[: len(rows)]]
    named = np.array(grid.METERS)[s.value[rows]]
    table = np.zeros(len(rows), METER)
    table["time"], table["numerator"], table["denominator"] = bar_tick[rows], named[:, 0], named[:, 1]
    return table if len(table) and table["time"][0] == 0 else np.concatenate([default, table])
