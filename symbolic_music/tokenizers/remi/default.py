"""The default scheme of `remi`: bars, positions and notes of all parts in one sequence."""

from __future__ import annotations

import numpy as np

from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.score import Score
from symbolic_music.tokenizers.bar_grid import beat_grid as grid
from symbolic_music.tokenizers.bar_grid.beat_grid import Ints, Metrical, measure, merged, score_of
from symbolic_music.tokenizers.base import Ids, Vocabulary
from symbolic_music.tokenizers.chords.remi import NAMES, window_chords
from symbolic_music.tokenizers.grammars.flat import START, FlatGrammar

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

CHORD_NAMES = tuple(f"Chord_{name}" for name in NAMES)

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
    CHORD_NAMES,
)
_OFFSETS = np.cumsum([0, *(len(block) for block in _BLOCKS)]).tolist()
_, BAR, METER, POSITION, TEMPO, PROGRAM, PART, PITCH, VELOCITY, DURATION, CHORD, _SIZE = _OFFSETS
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
    "Position": ("Chord", "Tempo", "Program", *_PITCHES),
    "Chord": ("Tempo", "Program", *_PITCHES, *_AFTER),
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
_DRUM_PART = DRUM_INSTRUMENT * grid.PARTS


def encode(score: Score, use_chords: bool = False) -> Ids:
    """Ids of a score, int32, shape (n,).

    Every token's place is computed: the tokens of bars, positions and notes before it are counted.
    """
    m = measure(score)
    chord_time, chord = chords(m) if use_chords else (m.onset[:0], m.onset[:0])
    times, (time_of_note, tempo_at, chord_at) = merged(m.onset, m.tempo_time, chord_time)
    time_bar = np.searchsorted(m.bar_start, times, side="right") - 1
    bar = time_bar[time_of_note]

    names_program = np.append(True, (m.part[1:] != m.part[:-1]) | (bar[1:] != bar[:-1]))[: len(bar)]
    names_part = names_program & (m.part % grid.PARTS > 0)
    # Tokens before each note, and before each position, of their own kind.
    notes = np.append(0, np.cumsum(np.int64(3) + names_program + names_part))
    heads = np.ones(len(times) + 1, np.int64)
    heads[0] = 0
    heads[tempo_at + 1] += 1
    heads[chord_at + 1] += 1
    heads = np.cumsum(heads)

    out = np.empty(2 * len(m.bar_start) + int(heads[-1] + notes[-1]), np.int32)
    bars = np.arange(len(m.bar_start))
    at = 2 * bars + heads[np.searchsorted(time_bar, bars)] + notes[np.searchsorted(bar, bars)]
    out[at] = BAR
    out[at + 1] = METER + m.meter
    before = np.cumsum(np.append(0, np.bincount(time_of_note, minlength=len(times))))[:-1]
    at = 2 * (time_bar + 1) + heads[:-1] + notes[before]
    out[at] = POSITION + times - m.bar_start[time_bar]
    out[at[chord_at] + 1] = CHORD + chord
    at[chord_at] += 1
    out[at[tempo_at] + 1] = TEMPO + m.tempo
    at = 2 * (bar + 1) + heads[time_of_note + 1] + notes[:-1]
    drums = m.part >= _DRUM_PART
    out[at[names_program]] = (PROGRAM + np.where(drums, -1, m.part // grid.PARTS))[names_program]
    at += names_program
    out[at[names_part]] = (PART + m.part % grid.PARTS)[names_part]
    at += names_part
    out[at] = PITCH + 128 * drums + m.pitch
    out[at + 1] = VELOCITY + m.velocity
    out[at + 2] = DURATION + m.duration
    return out


def chords(m: Metrical) -> tuple[Ints, Ints]:
    """Steps and classes of the chord changes of the pitched notes; see `chords.remi`."""
    pitched = m.part < _DRUM_PART
    onset = m.onset[pitched]
    time, chord = window_chords(onset, onset + grid.DURATIONS[m.duration[pitched]], m.pitch[pitched], grid.STEPS)
    # A note may sound past the last bar that is written; a chord that begins there is not.
    keep = np.append(True, chord[1:] != chord[:-1])[: len(chord)] & (time <= (m.onset[-1] if len(m.onset) else 0))
    return time[keep], chord[keep]


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
    durations = np.flatnonzero((ids >= DURATION) & (ids < CHORD))
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
    """The scheme as an object. With `use_chords` Chord tokens come after the others, so that no id moves."""

    per_track = False

    def __init__(self, use_chords: bool = False) -> None:
        self.use_chords = use_chords
        self.vocabulary = Vocabulary((sum(_BLOCKS if use_chords else _BLOCKS[:-1], ()),))
        self.grammar = FlatGrammar(self.vocabulary, FOLLOWS, capacity, by_program=True)

    def encode(self, score: Score) -> Ids:
        """Ids of a score."""
        return encode(score, self.use_chords)

    def decode(self, sequences: list[Ids]) -> Score:
        """The score of one sequence that obeys the grammar."""
        return score_of(parse(sequences[0]))
