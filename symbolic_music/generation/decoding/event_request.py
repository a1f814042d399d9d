"""The request and the result of a sampler."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import OptionError, RegionError
from symbolic_music.generation.constraints.base import Constraint
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.anticipation.events import Events, empty

# A region of n seconds gets at most this many notes a second, and a hundred: it bounds what a bad model can cost.
MOST_A_SECOND = 100


@dataclass(frozen=True)
class Request:
    """A stretch of time in which notes are to be written.

    Args:
        end: onsets are drawn before this step of 10 ms.
        start: and not before this one.
        past: events before `start`, sorted, without rests: shape (n, 3), see `anticipation.events`.
        controls: what is given and seen five seconds early, sorted: shape (m, 3). They may have any number of
            instruments, and times before `start` too.
        instruments: those that may be written, 128 for drums; None for all 129.
        constraints: what the notes must obey; see `constraints`.
        opening: whether time 0 is the beginning of a piece, which the model then gets as in training. The
            published sampler never encodes it.
        may_end: step from which the model may end the piece by a SEPARATOR; None for never.
        most: notes at most; None for a hundred a second and a hundred more.

    Raises:
        RegionError: for an impossible stretch, or past events in it.
        OptionError: for tables that are not sorted or hold what no event can, or an unknown instrument.

    Examples:
        >>> sm.generation.Request(end=500, instruments=(0, 33, 128), most=40).start
        0
    """

    end: int
    start: int = 0
    past: Events = field(default_factory=empty)
    controls: Events = field(default_factory=empty)
    instruments: tuple[int, ...] | None = None
    constraints: tuple[Constraint, ...] = ()
    opening: bool = False
    may_end: int | None = None
    most: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise RegionError(f"cannot write from step {self.start} to {self.end}: need 0 <= start < end")
        for name in ("past", "controls"):
            object.__setattr__(self, name, _checked(name, getattr(self, name)))
        if len(self.past) and self.past[-1, 0] > self.start:
            raise RegionError(f"the past extends to step {self.past[-1, 0]}, after the start at {self.start}")
        if self.instruments is not None:
            chosen = tuple(sorted(set(self.instruments)))
            if not chosen or not all(0 <= i < v.INSTRUMENTS for i in chosen):
                raise OptionError(f"instruments are numbers from 0 to 128, at least one, not {self.instruments}")
            object.__setattr__(self, "instruments", chosen)
        object.__setattr__(self, "constraints", tuple(self.constraints))

    @property
    def limit(self) -> int:
        """Notes at most."""
        if self.most is not None:
            return self.most
        return MOST_A_SECOND * (self.end - self.start) // v.STEPS_PER_SECOND + MOST_A_SECOND


def _checked(name: str, table: Events) -> Events:
    array = np.asarray(table)
    if array.ndim != 2 or array.shape[1] != 3:
        raise OptionError(f"{name}: rows of time, duration and note are needed, not an array of shape {array.shape}")
    if not len(array):
        return empty()
    if (np.diff(array[:, 0]) < 0).any():
        raise OptionError(f"{name}: the rows are not sorted by time")
    inside = (array >= 0) & (array < [2**31, v.MAX_DURATION, v.MAX_NOTE])
    if not inside.all():
        raise OptionError(f"{name}: {array[np.argmin(inside.all(axis=1))].tolist()} is no time, duration and note")
    return array.astype(np.int32)


@dataclass(frozen=True)
class Drawn:
    """A note as it is drawn: of which request and alternative, and its event in steps of 10 ms.

    Examples:
        >>> config = sm.models.GPT2Config(width=32, layers=2, heads=2)
        >>> network = sm.models.GPT2(config).eval()  # of random weights; `load_pretrained` gives trained ones
        >>> request = sm.generation.Request(end=100, instruments=(0,))  # a second of piano
        >>> drawn = next(sm.generation.AnticipationSampler(network, request, seed=1).stream())
        >>> drawn.request, drawn.alternative
        (0, 0)
    """

    request: int
    alternative: int
    time: int
    duration: int
    note: int

    @property
    def instrument(self) -> int:
        """0 to 127, or 128 for drums."""
        return self.note // 128

    @property
    def pitch(self) -> int:
        """0 to 127."""
        return self.note % 128


@dataclass(frozen=True)
class Alternative:
    """One result of a request.

    Args:
        rows: events and rests as drawn, shape (n, 3).
        log_probabilities: natural, of the time, duration and note of each row, shape (n, 3): the model's, given all
            before, among the ids that grammar and constraints allow, before temperature and filters. 0 where only one
            was allowed.
        complete: False where the limit of notes ended it.

    Examples:
        >>> config = sm.models.GPT2Config(width=32, layers=2, heads=2)
        >>> network = sm.models.GPT2(config).eval()  # of random weights; `load_pretrained` gives trained ones
        >>> request = sm.generation.Request(end=100, instruments=(0,))  # a second of piano
        >>> alternatives = sm.generation.sample_anticipation(network, request, count=2)[0]
        >>> [bool((found.log_probabilities <= 0).all()) for found in alternatives]
        [True, True]
    """

    rows: Events
    log_probabilities: NDArray[np.float64]
    complete: bool

    @property
    def events(self) -> Events:
        """The notes written, without rests."""
        return self.rows[self.rows[:, 2] < v.MAX_NOTE]

    @property
    def log_probability(self) -> float:
        """The log-probability of all drawn events."""
        return float(self.log_probabilities.sum())

    def merged(self, request: Request) -> Events:
        """Past, controls and notes written, each once and in place, sorted by time; given ones first."""
        table = np.concatenate([request.past, request.controls, self.events])
        return table[np.argsort(table[:, 0], kind="stable")]
