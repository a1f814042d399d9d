"""The ids of Aria: their names, and rounding of times and velocities.

Source: github.com/EleutherAI/aria-utils, the tokenizer with absolute onsets and its configuration.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import cache

SEGMENT, STEP = 5000, 10  # milliseconds
VELOCITY_STEP = 10
INSTRUMENTS = ("piano", "organ", "guitar", "bass", "strings", "ensemble", "brass", "reed", "pipe", "synth_lead")
# Eight programs each, in General MIDI's order; those that are not among the instruments are left out.
_FAMILIES = (
    "piano", "chromatic", "organ", "guitar", "bass", "strings", "ensemble", "brass",
    "reed", "pipe", "synth_lead", "synth_pad", "synth_effect", "ethnic", "percussive", "sfx",
)  # fmt: skip
PROGRAMS = {
    "piano": 0, "organ": 16, "guitar": 24, "bass": 32, "strings": 40, "ensemble": 48, "brass": 56, "reed": 64,
    "pipe": 73, "synth_lead": 80,
}  # fmt: skip
_COMPOSERS = (
    "bach", "beethoven", "mozart", "chopin", "rachmaninoff", "liszt", "debussy", "schubert", "brahms", "ravel", "satie",
    "scarlatti",
)  # fmt: skip
_FORMS = ["sonata", "prelude", "nocturne", "étude", "waltz", "mazurka", "impromptu", "fugue"]
_GENRES = ["jazz", "classical"]
VELOCITIES = range(0, 121, VELOCITY_STEP)
DRUMS = range(35, 82)
SPECIALS = ("Start_None", "End_None", "Pad_None", "Unknown_None", "Diminish_None", "Segment_None")
START, END, PAD, UNKNOWN, DIMINISH, NEXT_SEGMENT = range(6)
PREFIX = len(SPECIALS)
_PREFIXES = (
    *(f"Instrument_{one}" for one in (*INSTRUMENTS, "drum")),
    *(f"Composer_{one}" for one in _COMPOSERS),
    *(f"Form_{one}" for one in _FORMS),
    *(f"Genre_{one}" for one in _GENRES),
)
NOTE = PREFIX + len(_PREFIXES)
_PER_INSTRUMENT = 128 * len(VELOCITIES)
DRUM = NOTE + len(INSTRUMENTS) * _PER_INSTRUMENT
DURATION = DRUM + len(DRUMS)
ONSET = DURATION + SEGMENT // STEP + 1
SIZE = ONSET + SEGMENT // STEP
PEDAL_ON, PEDAL_OFF = SIZE, SIZE + 1


def names(with_pedal: bool) -> tuple[str, ...]:
    """Names of all ids; with the pedal's two, which the checkpoint of the demonstration has besides."""
    notes = (f"Note_{i}_{pitch}_{velocity}" for i in INSTRUMENTS for pitch in range(128) for velocity in VELOCITIES)
    return (
        *SPECIALS,
        *_PREFIXES,
        *notes,
        *(f"Drum_{pitch}" for pitch in DRUMS),
        *(f"Duration_{time}" for time in range(0, SEGMENT + 1, STEP)),
        *(f"Onset_{time}" for time in range(0, SEGMENT, STEP)),
        *(("PedalOn_None", "PedalOff_None") if with_pedal else ()),
    )


def instrument_of(program: int) -> str | None:
    """The instrument of a program; None for those that are left out."""
    family = _FAMILIES[program // 8]
    return family if family in INSTRUMENTS else None


def note_id(instrument: str, pitch: int, velocity: int) -> int:
    """The id of a note."""
    return NOTE + INSTRUMENTS.index(instrument) * _PER_INSTRUMENT + pitch * len(VELOCITIES) + velocity_step(velocity)


def note_of(token: int) -> tuple[str, int, int]:
    """Instrument, pitch and velocity of a note's id."""
    instrument, rest = divmod(token - NOTE, _PER_INSTRUMENT)
    return INSTRUMENTS[instrument], rest // len(VELOCITIES), rest % len(VELOCITIES) * VELOCITY_STEP


def velocity_step(velocity: int) -> int:
    """The step of a velocity; what sounds does not become silent."""
    step = _nearest(len(VELOCITIES), VELOCITY_STEP, 127)[velocity]
    return 1 if step == 0 and velocity else step


def onset_step(milliseconds: int) -> int:
    """The step of a time within a segment."""
    return _nearest(SEGMENT // STEP, STEP, SEGMENT - 1)[milliseconds]


def duration_step(milliseconds: int) -> int:
    """The step of a duration; at least one, and at most a segment."""
    return max(1, _nearest(SEGMENT // STEP + 1, STEP, SEGMENT)[min(max(milliseconds, 0), SEGMENT)])


@cache
def _nearest(size: int, step: int, most: int) -> list[int]:
    """The nearest of the multiples 0 to size - 1 of a step, for each number up to the most.

    Of two that are as near, the one that a search by halves meets first, as in the original.
    """
    return [_search(number, size, step) for number in range(most + 1)]


def _search(number: int, size: int, step: int) -> int:
    low, high, found = 0, size - 1, 0
    while low <= high:
        middle = (low + high) // 2
        if abs(middle * step - number) < abs(found * step - number):
            found = middle
        if middle * step < number:
            low = middle + 1
        else:
            high = middle - 1
    return found


class Clock:
    """Milliseconds between ticks under a tempo map, summed and rounded as in the original.

    The original counts from the tempo before the last where a stretch begins after the last change of tempo: where the
    two differ, such a stretch comes out longer or shorter than it is. Its models are trained so.

    Args:
        ticks, microseconds: when tempos begin, at least one, and what they are.
        quarter: ticks of a quarter note.
    """

    def __init__(self, ticks: list[int], microseconds: list[int], quarter: int) -> None:
        self._ticks = ticks
        self._seconds = [tempo * 1e-6 / quarter for tempo in microseconds]

    def milliseconds(self, start: int, end: int) -> int:
        """From one tick to another."""
        ticks, last = self._ticks, len(self._ticks) - 1
        place = max(0, min(bisect_left(ticks, start), last) - 1)
        total, at = 0.0, start
        for number in range(place, last):
            until = min(end, ticks[number + 1])
            if end < ticks[number + 1]:
                total += (end - at) * self._seconds[number]
                break
            total += (until - at) * self._seconds[number]
            at = until
        if end > ticks[last]:
            total += (end - at) * self._seconds[last]
        return round(total * 1e3)
