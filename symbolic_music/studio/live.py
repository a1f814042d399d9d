"""Continue phrases from a MIDI input on a MIDI output while the model draws them."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from symbolic_music import generation
from symbolic_music.generation import Limits, Sampling
from symbolic_music.models import Model
from symbolic_music.score import Score, Track, note_table

# Ticks are milliseconds: 500 a quarter at 120.
_QUARTER = 500
_LOOK_SECONDS = 0.002


class Message(Protocol):
    """The interface of mido's messages."""

    type: str


class Input(Protocol):
    """The interface of mido's inputs."""

    def iter_pending(self) -> Iterable[Any]:
        """Messages that have come since."""


class Output(Protocol):
    """The interface of mido's outputs."""

    def send(self, message: Any) -> None:
        """Send a message."""


@dataclass
class Phrase:
    """Notes as they are played, in seconds from the first."""

    program: int = 0
    began: float | None = None
    last: float = 0.0
    _held: dict[int, tuple[float, int]] = field(default_factory=dict)
    _rows: list[tuple[int, ...]] = field(default_factory=list)

    def hear(self, message: Any, now: float) -> None:
        """Take a message in; others than notes are passed over."""
        if message.type not in ("note_on", "note_off"):
            return
        if message.type == "note_on" and message.velocity:
            self.began = now if self.began is None else self.began
            self._held[message.note] = (now, message.velocity)
        elif message.note in self._held:
            begun, velocity = self._held.pop(message.note)
            self._add(begun, now, message.note, velocity)
        self.last = now

    def is_over(self, now: float, pause: float) -> bool:
        """Whether something was played, and nothing is held or was struck for a while."""
        return self.began is not None and not self._held and now - self.last >= pause

    def score(self) -> Score:
        """The phrase as a score."""
        return Score(_QUARTER, notes=note_table(sorted(self._rows)), tracks=(Track("Player", self.program),))

    def _add(self, begun: float, now: float, pitch: int, velocity: int) -> None:
        assert self.began is not None
        onset = round(1000 * (begun - self.began))
        self._rows.append((onset, max(1, round(1000 * (now - begun))), pitch, velocity, self.program, 0, 0))


@dataclass(frozen=True)
class Answer:
    """What was played back: how many notes, seconds from the end of the phrase's pause to the first of them, and the
    largest lateness of any note against its time.
    """

    notes: int
    first_after: float
    latest: float


def answers(
    source: Input,
    out: Output,
    model: Model[Any],
    *,
    seconds: float = 8.0,
    pause: float = 0.8,
    program: int = 0,
    accompaniment: int | None = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Answer]:
    """Listen, and answer each phrase; one `Answer` a phrase, for ever.

    Args:
        source: where notes come from.
        out: where notes go.
        model: that writes.
        seconds: how long an answer lasts.
        pause: of silence that ends a phrase.
        program: what the player plays.
        accompaniment: None to continue the phrase; a program to play the phrase again with this instrument under it.
        sampling: temperature and the like.
        seed: of the first answer; the next has the next.
        clock, sleep: seconds, and waiting; those of the machine unless a test has its own.
        stop: when to end.
    """
    phrase = Phrase(program)
    while not stop():
        for message in source.iter_pending():
            phrase.hear(message, clock())
        if not phrase.is_over(clock(), pause):
            sleep(_LOOK_SECONDS)
            continue
        yield _answered(phrase.score(), out, model, seconds, accompaniment, sampling, seed, clock, sleep)
        phrase, seed = Phrase(program), seed + 1


def _answered(
    played: Score,
    out: Output,
    model: Model[Any],
    seconds: float,
    accompaniment: int | None,
    sampling: Sampling | None,
    seed: int,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> Answer:
    from mido import Message as Midi

    asked = clock()
    player = _Player(out, Midi, clock, sleep)
    if accompaniment is None:
        writing = generation.continuation(played, seconds, model, sampling, seed, 1, Limits(), allow_empty=True)
        start = played.duration
    else:
        wider = played.replace(tracks=(*played.tracks, Track("", accompaniment)))
        writing, start = generation.edit(wider, (), [0], model, sampling, seed, verb="accompany", allow_empty=True), 0.0
        for onset, end, note in zip(played.onset_seconds, played.offset_seconds, played.notes, strict=True):
            player.put(float(onset), float(end), int(note["pitch"]), int(note["velocity"]), 0)
    first: float | None = None
    for note in writing.stream():
        if first is None:
            first = clock() - asked
            player.begin(clock() - 0.0, start)
        channel = 0 if accompaniment is None else 1
        player.put(note.onset_seconds, note.offset_seconds, note.pitch, note.velocity, channel)
        player.play_due()
    player.finish()
    return Answer(player.struck, first if first is not None else float("nan"), player.latest)


class _Player:
    """Sends what is due; times are seconds of the music."""

    def __init__(
        self, out: Output, message: Callable[..., Any], clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._out, self._message, self._clock, self._sleep = out, message, clock, sleep
        self._due: list[tuple[float, int, int, int, int]] = []
        self._zero: float | None = None
        self.struck, self.latest = 0, 0.0

    def begin(self, now: float, music: float) -> None:
        """The moment `music` is now."""
        self._zero = now - music

    def put(self, onset: float, end: float, pitch: int, velocity: int, channel: int) -> None:
        """A note to be played; its end is sent before beginnings of the same moment."""
        heapq.heappush(self._due, (onset, 1, pitch, velocity, channel))
        heapq.heappush(self._due, (end, 0, pitch, 0, channel))

    def play_due(self) -> None:
        """Send all whose time has come."""
        while self._zero is not None and self._due and self._due[0][0] <= self._clock() - self._zero:
            at, is_on, pitch, velocity, channel = heapq.heappop(self._due)
            self.latest = max(self.latest, self._clock() - self._zero - at)
            self.struck += is_on
            kind = "note_on" if is_on else "note_off"
            self._out.send(self._message(kind, note=pitch, velocity=velocity, channel=channel))

    def finish(self) -> None:
        """Play to the end."""
        if self._zero is None and self._due:
            self.begin(self._clock(), self._due[0][0])
        while self._due:
            self.play_due()
            self._sleep(_LOOK_SECONDS)
