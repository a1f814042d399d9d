"""Find unsatisfiable constraints before sampling starts, as far as that can be known in advance."""

from __future__ import annotations

import numpy as np

from symbolic_music.generation.constraints.base import Integers, Situation, Unsatisfiable, both, concerned
from symbolic_music.generation.constraints.melody import GivenPitches
from symbolic_music.generation.constraints.pitch import Chords
from symbolic_music.generation.decoding.event_request import Request
from symbolic_music.tokenizers.anticipation import vocabulary as v


def check_request(request: Request) -> None:
    """Look at the first onset that is allowed, and where chords change.

    Raises:
        ConstraintError: when no note at all may begin, or at one of these places no pitch or no duration is left, or a
            given pitch fits at none of them.
    """
    times = np.arange(request.start, request.end)
    opening = _situation(request, request.start)
    onsets = both([constraint.onsets(opening, times[None]) for constraint in request.constraints], (1, len(times)))
    first = int(times[np.argmax(onsets[0])])
    if not onsets.any():
        raise Unsatisfiable("no note may begin", request.start, "in the region", request.constraints)
    # Which of the given pitches comes where is not known yet.
    melodies = [constraint for constraint in request.constraints if isinstance(constraint, GivenPitches)]
    others = [constraint for constraint in request.constraints if constraint not in melodies]
    fitting: set[int] = set()
    for place in sorted({first, *_places(request)}):
        situation = _situation(request, place)
        pitches = [constraint.pitches(situation) for constraint in others]
        durations = [constraint.durations(situation, np.arange(v.MAX_DURATION)) for constraint in others]
        for masks, shape, what in (
            (pitches, (1, len(situation.notes)), "pitch"),
            (durations, (1, v.MAX_DURATION), "duration"),
        ):
            if not both(masks, shape).any():
                where = f"at {place / v.STEPS_PER_SECOND:.2f} s of the model's time"
                raise Unsatisfiable(f"no {what} is left", place, where, request.constraints)
        notes = situation.notes[both(pitches, (1, len(situation.notes)))[0]]
        fitting.update((notes[concerned(notes, None)] % 128).tolist())
    for pitch in sorted({pitch for melody in melodies for pitch in melody.given} - fitting):
        raise Unsatisfiable(
            f"the given pitch {pitch} fits nowhere", request.start, "in the region", request.constraints
        )


def _places(request: Request) -> list[int]:
    found: list[int] = []
    for constraint in request.constraints:
        if isinstance(constraint, Chords):
            found += [step for step, _ in constraint.changes if request.start <= step < request.end]
    return found


def _situation(request: Request, time: int) -> Situation:
    """A state without new notes, in which no earlier note sounds."""
    instruments = range(v.INSTRUMENTS) if request.instruments is None else request.instruments
    notes = np.concatenate([np.arange(128 * i, 128 * i + 128) for i in instruments])
    at: Integers = np.array([time])
    none = np.zeros(1, np.int64)
    return Situation(np.zeros((1, 0, 3), np.int64), none, 0, at, at, none, request.start, request.end, notes)
