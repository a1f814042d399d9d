"""The default scheme of `remi`: bars, positions and notes of all parts in one sequence."""

from __future__ import annotations

import numpy as np

from symbolic_music.score import DRUM_INSTRUMENT, Score
from symbolic_music.tokenizers import metrical as grid
from symbolic_music.tokenizers.base import Ids, Vocabulary
from symbolic_music.tokenizers.flat_grammar import START, FlatGrammar
from symbolic_music.tokenizers.metrical import Ints, Metrical, measure, score_of

SPECIAL = ("PAD_None", "BOS_None", "EOS_None", "MASK_None")


def duration_name(steps: int) -> str:
    """Beats.steps.resolution, as MidiTok writes durations."""
    return f"Duration_{steps // grid.STEPS}.{steps % grid.STEPS}.{grid.STEPS}"


METER_NAMES = tuple(f"TimeSig_{n}/{d}" for n, d in grid.METERS)
TEMPO_NAMES = tuple(f"Tempo_{bpm:.2f}" for bpm in grid.TEMPOS)
PROGRAM_NAMES = tuple(f"Program_{p}" for p in range(-1, DRUM_INSTRUMENT))
POSITION_NAMES = tuple(f"Position_{i}" for i in range(grid.POSITIONS))
PITCH_NAMES = tuple(f"{kind}_{i}" for kind in ("Pitch", "PitchDrum") for i in range(128))
VELOCITY_NAMES = tuple(f"Velocity_{v}" for v in grid.VELOCITIES)
DURATION_NAMES = tuple(duration_name(int(d)) for d in grid.DURATIONS)

_BLOCKS = (
    SPECIAL,
    ("Bar_None",),
    METER_NAMES,
    POSITION_NAMES,
    TEMPO_NAMES,
    PROGRAM_NAMES,
    tuple(f"Part_{i}" for i in range(1, grid.PARTS)),
    PITCH_NAMES,
    VELOCITY_NAMES,
    DURATION_NAMES,
)
VOCABULARY = Vocabulary((sum(_BLOCKS, ()),))
_OFFSETS = np.cumsum([0, *(len(block) for block in _BLOCKS)]).tolist()
_, BAR, METER, POSITION, TEMPO, PROGRAM, PART, PITCH, VELOCITY, DURATION, _SIZE = _OFFSETS
PART -= 1  # Part_0 is not written
PROGRAM += 1  # Program_-1 comes first


def capacity(meter: str) -> int:
    """Positions of a bar in this meter ("3/4")."""
    numerator, denominator = meter.split("/")
    return 4 * grid.STEPS * int(numerator) // int(denominator)


_PITCHES = ("Pitch", "PitchDrum")
_AFTER = ("Position", "Bar", "EOS")
FOLLOWS = {
    START: ("BOS", "Bar", "EOS"),
    "BOS": ("Bar", "EOS"),
    "Bar": ("TimeSig",),
    "TimeSig": _AFTER,
    "Position": ("Tempo", "Program", *_PITCHES),
    "Tempo": ("Program", *_PITCHES, *_AFTER),
    "Program": ("Part", *_PITCHES),
    "Part": _PITCHES,
    "Pitch": ("Velocity",),
    "PitchDrum": ("Velocity",),
    "Velocity": ("Duration",),
    "Duration": ("Program", *_PITCHES, *_AFTER),
    "EOS": ("PAD",),
    "PAD": ("PAD",),
}
GRAMMAR = FlatGrammar(VOCABULARY, FOLLOWS, capacity, by_program=True)
_DRUM_PART = DRUM_INSTRUMENT * grid.PARTS


def encode(score: Score) -> Ids:
    """Ids of a score, int32, shape (n,).

    Every token's place is computed: tokens of earlier bars, lone tempos and notes are counted.
    """
    m = measure(score)
    bar = m.bar
    fresh = np.append(True, m.onset[1:] != m.onset[:-1])[: len(bar)]
    place_of_tempo = np.searchsorted(m.onset, m.tempo_time)
    with_note = place_of_tempo < len(bar)
    with_note[with_note] = m.onset[place_of_tempo[with_note]] == m.tempo_time[with_note]
    tempo_here = np.zeros(len(bar), bool)
    tempo_here[place_of_tempo[with_note]] = True
    lone_time, lone, lone_bar = m.tempo_time[~with_note], m.tempo[~with_note], m.tempo_bar[~with_note]

    names_program = np.append(True, (m.part[1:] != m.part[:-1]) | (bar[1:] != bar[:-1]))[: len(bar)]
    names_part = names_program & (m.part % grid.PARTS > 0)
    length = np.int64(3) + fresh + tempo_here + names_program + names_part
    before = np.append(0, np.cumsum(length))

    out = np.empty(2 * len(m.bar_start) + 2 * len(lone) + int(before[-1]), np.int32)
    bars = np.arange(len(m.bar_start))
    at = 2 * bars + 2 * np.searchsorted(lone_bar, bars) + before[np.searchsorted(bar, bars)]
    out[at] = BAR
    out[at + 1] = METER + m.meter
    at = 2 * (lone_bar + 1) + 2 * np.arange(len(lone)) + before[np.searchsorted(m.onset, lone_time)]
    out[at] = POSITION + lone_time - m.bar_start[lone_bar]
    out[at + 1] = TEMPO + lone
    at = before[:-1] + 2 * (bar + 1)
    if len(lone):
        at += 2 * np.searchsorted(lone_time, m.onset)
    out[at[fresh]] = (POSITION + m.onset - m.bar_start[bar])[fresh]
    at += fresh
    out[at[tempo_here]] = TEMPO + m.tempo[with_note]
    at += tempo_here
    drums = m.part >= _DRUM_PART
    out[at[names_program]] = (PROGRAM + np.where(drums, -1, m.part // grid.PARTS))[names_program]
    at += names_program
    out[at[names_part]] = (PART + m.part % grid.PARTS)[names_part]
    at += names_part
    out[at] = PITCH + 128 * drums + m.pitch
    out[at + 1] = VELOCITY + m.velocity
    out[at + 2] = DURATION + m.duration
    return out


def parse(sequence: Ids) -> Metrical:
    """The columns that ids stand for; what an unfinished item at the end would say is left out."""
    ids = sequence.astype(np.int64)
    meters = np.flatnonzero((ids >= METER) & (ids < POSITION))
    meter = ids[meters] - METER
    length = grid.METER_STEPS[meter]
    bar_start = np.cumsum(length) - length
    positions = np.flatnonzero((ids >= POSITION) & (ids < TEMPO))
    position_time = bar_start[np.searchsorted(meters, positions) - 1] + ids[positions] - POSITION

    def time_at(index: Ints) -> Ints:
        return np.asarray(position_time[np.searchsorted(positions, index) - 1])

    tempos = np.flatnonzero((ids >= TEMPO) & (ids < PROGRAM - 1))
    durations = np.flatnonzero(ids >= DURATION)
    programs = np.flatnonzero((ids >= PROGRAM - 1) & (ids <= PART))
    program = ids[programs] - PROGRAM
    part = np.where(program < 0, DRUM_INSTRUMENT, program) * grid.PARTS
    named = np.append(ids, 0)[programs + 1] - PART
    part += np.where((named > 0) & (named < grid.PARTS), named, 0)
    return Metrical(
        bar_start=bar_start,
        meter=meter,
        onset=time_at(durations),
        part=part[np.searchsorted(programs, durations) - 1],
        pitch=(ids[durations - 2] - PITCH) % 128,
        velocity=ids[durations - 1] - VELOCITY,
        duration=ids[durations] - DURATION,
        tempo_time=time_at(tempos),
        tempo=ids[tempos] - TEMPO,
    )


class RemiDefault:
    """The scheme as an object."""

    vocabulary = VOCABULARY
    grammar = GRAMMAR
    per_track = False

    def encode(self, score: Score) -> Ids:
        """Ids of a score."""
        return encode(score)

    def decode(self, sequences: list[Ids]) -> Score:
        """The score of one sequence that obeys the grammar."""
        return score_of(parse(sequences[0]))
