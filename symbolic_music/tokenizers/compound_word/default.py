"""The default scheme of `compound`: a word for each bar, position or note, all parts in one sequence."""

from __future__ import annotations

import numpy as np

from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.score import Score
from symbolic_music.tokenizers.bar_grid import beat_grid as grid
from symbolic_music.tokenizers.bar_grid.beat_grid import Metrical, measure, merged, score_of
from symbolic_music.tokenizers.base import Ids, Vocabulary
from symbolic_music.tokenizers.chords.remi import NO_CHORD
from symbolic_music.tokenizers.grammars.compound import WordGrammar
from symbolic_music.tokenizers.grammars.flat import START
from symbolic_music.tokenizers.remi import default as flat

IGNORE = len(flat.SPECIAL)
_FIRST = IGNORE + 1
_DRUM_PART = DRUM_INSTRUMENT * grid.PARTS
METRIC, NOTE = IGNORE, IGNORE + 1
FAMILY, TIME, PITCH, VELOCITY, DURATION, PROGRAM, PART, TEMPO, METER, CHORD = range(10)


def _field(*names: str) -> tuple[str, ...]:
    return (*flat.SPECIAL, "Ignore_None", *names)


_FIELDS = (
    (*flat.SPECIAL, "Family_Metric", "Family_Note"),
    _field("Bar_None", *flat.POSITION_NAMES),
    _field(*flat.PITCH_NAMES),
    _field(*flat.VELOCITY_NAMES),
    _field(*flat.DURATION_NAMES),
    _field(*flat.PROGRAM_NAMES),
    _field(*(f"Part_{i}" for i in range(grid.PARTS))),
    _field(*flat.TEMPO_NAMES),
    _field(*flat.METER_NAMES),
    _field(*flat.CHORD_NAMES),
)
_PITCHED = tuple(f"Program_{p}" for p in range(DRUM_INSTRUMENT))
_FORMS = {
    "Bar": ("Family_Metric", "Bar", None, None, None, None, None, None, "TimeSig", None),
    "Position": ("Family_Metric", "Position", None, None, None, None, None, "Tempo", None, "Chord"),
    "Note": ("Family_Note", None, "Pitch", "Velocity", "Duration", _PITCHED, "Part", None, None, None),
    "Drum": ("Family_Note", None, "PitchDrum", "Velocity", "Duration", "Program_-1", "Part", None, None, None),
    **{s.partition("_")[0]: (s,) * 10 for s in flat.SPECIAL[:3]},
}
_AFTER = ("Position", "Bar", "EOS")
_FOLLOWS = {
    START: ("BOS", "Bar", "EOS"),
    "BOS": ("Bar", "EOS"),
    "Bar": _AFTER,
    "Position": ("Note", "Drum", *_AFTER),
    "Note": ("Note", "Drum", *_AFTER),
    "Drum": ("Note", "Drum", *_AFTER),
    "EOS": ("PAD",),
    "PAD": ("PAD",),
}


def encode(score: Score, use_chords: bool = False) -> Ids:
    """Words of a score, int32, shape (n, 9), or (n, 10) with chords.

    Every position word carries the tempo, and the chord, in force.
    """
    m = measure(score)
    chord_time, chord = flat.chords(m) if use_chords else (m.onset[:0], m.onset[:0])
    times, (time_of_note, _, _) = merged(m.onset, m.tempo_time, chord_time)
    time_bar = np.searchsorted(m.bar_start, times, side="right") - 1
    note_bar = time_bar[time_of_note]
    words = np.full((len(m.bar_start) + len(times) + len(m.onset), 10 if use_chords else 9), IGNORE, np.int32)
    words[:, FAMILY] = METRIC

    at = np.arange(len(m.bar_start))
    at = at + np.searchsorted(time_bar, at) + np.searchsorted(note_bar, at)
    words[at, TIME] = _FIRST
    words[at, METER] = _FIRST + m.meter
    before = np.cumsum(np.append(0, np.bincount(time_of_note, minlength=len(times))))[:-1]
    at = np.arange(len(times)) + time_bar + 1 + before
    words[at, TIME] = _FIRST + 1 + times - m.bar_start[time_bar]
    words[at, TEMPO] = _FIRST + m.tempo[np.searchsorted(m.tempo_time, times, side="right") - 1]
    if use_chords:
        # Before the first chord there is none.
        named = np.append(NO_CHORD, chord)
        words[at, CHORD] = _FIRST + named[np.searchsorted(chord_time, times, side="right")]
    at = np.arange(len(m.onset)) + note_bar + time_of_note + 2
    drums = m.part >= _DRUM_PART
    words[at, FAMILY] = NOTE
    words[at, PITCH] = _FIRST + 128 * drums + m.pitch
    words[at, VELOCITY] = _FIRST + m.velocity
    words[at, DURATION] = _FIRST + m.duration
    words[at, PROGRAM] = _FIRST + np.where(drums, 0, m.part // grid.PARTS + 1)
    words[at, PART] = _FIRST + m.part % grid.PARTS
    return words


def parse(sequence: Ids) -> Metrical:
    """The columns that words stand for."""
    ids = sequence.astype(np.int64) - _FIRST
    bars = np.flatnonzero(ids[:, TIME] == 0)
    meter = ids[bars, METER]
    length = grid.METER_STEPS[meter]
    bar_start = np.cumsum(length) - length
    positions = np.flatnonzero(ids[:, TIME] > 0)
    time = bar_start[np.searchsorted(bars, positions) - 1] + ids[positions, TIME] - 1
    notes = np.flatnonzero(ids[:, PITCH] >= 0)
    note = ids[notes]
    program = note[:, PROGRAM] - 1
    return Metrical(
        bar_start=bar_start,
        meter=meter,
        onset=time[np.searchsorted(positions, notes) - 1],
        part=np.where(program < 0, DRUM_INSTRUMENT, program) * grid.PARTS + note[:, PART],
        pitch=note[:, PITCH] % 128,
        velocity=note[:, VELOCITY],
        duration=note[:, DURATION],
        tempo_time=time,
        tempo=ids[positions, TEMPO],
    )


class CompoundDefault:
    """The scheme as an object. With `use_chords` there is a tenth field."""

    per_track = False

    def __init__(self, use_chords: bool = False) -> None:
        self.use_chords = use_chords
        fields = 10 if use_chords else 9
        self.vocabulary = Vocabulary(_FIELDS[:fields])
        self.grammar = WordGrammar(
            self.vocabulary,
            {
                name: [("Ignore",) if f is None else (f,) if isinstance(f, str) else f for f in form[:fields]]
                for name, form in _FORMS.items()
            },
            _FOLLOWS,
            time_field=TIME,
            capacity=flat.capacity,
            meter_field=METER,
        )

    def encode(self, score: Score) -> Ids:
        """Words of a score."""
        return encode(score, self.use_chords)

    def decode(self, sequences: list[Ids]) -> Score:
        """The score of one sequence that obeys the grammar."""
        return score_of(parse(sequences[0]))
