"""How a model sees a score, and how what it writes becomes notes of the score's tracks.

Two kinds of models: those that hear seconds and know instruments, and those that hear musical time, every piece at one
tempo, and know parts (see `models.bundle.View`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import OptionError, RegionError
from symbolic_music.generation.constraints import Constraint
from symbolic_music.generation.constraints_pitch import NoUnison
from symbolic_music.generation.constraints_texture import OneAtATime
from symbolic_music.generation.parts import assign_parts, pitched_tracks, shown, steps_per_tick, velocity_around
from symbolic_music.generation.regions import Span
from symbolic_music.models import GPT2, AnticipatoryTransformer, Model
from symbolic_music.score import DRUM_CHANNEL, DRUM_INSTRUMENT, Array, Score, Track
from symbolic_music.tokenizers import anticipation_vocabulary as v
from symbolic_music.tokenizers.anticipation_events import Events, events_of


@dataclass(frozen=True)
class Voice:
    """What the new notes of a track have in common, and its mean pitch."""

    program: int
    channel: int
    velocity: int
    pitch: float

    @property
    def instrument(self) -> int:
        """Its program, or 128 for drums."""
        return DRUM_INSTRUMENT if self.channel == DRUM_CHANNEL else self.program


def voice_of(score: Score, given: Array, track: int, described: Track, span: Span) -> Voice:
    """How a track sounds around a region.

    Program and channel are those of its last note before the region, else of its first, else what the track says.
    The velocity is the median of the sixteen notes given in the track that are nearest to the region; where it has
    none, of all that it played; then of all notes of the score; else 80.
    """
    first, last = span
    own, kept = (notes[notes["track"] == track] for notes in (score.notes, given))
    before = max(int(np.searchsorted(own["onset"], first, side="right")) - 1, 0)
    heard = next((notes for notes in (kept, own) if len(notes)), score.notes)
    return Voice(
        program=int(own["program"][before]) if len(own) else described.program,
        channel=int(own["channel"][before]) if len(own) else DRUM_CHANNEL * described.is_drum,
        velocity=velocity_around(heard, first, last),
        pitch=float(heard["pitch"].mean()) if len(own) else 60.0,
    )


class Perspective(Protocol):
    """A score, the tracks that are written in it, and a model's view of both.

    `beat` is what the model's windows begin on, `instruments` those that it may write (None for any), `constraints`
    what it must obey in any case.
    """

    beat: int
    instruments: tuple[int, ...] | None
    constraints: tuple[Constraint, ...]

    def steps(self, ticks: Sequence[int] | Array) -> NDArray[np.int64]:
        """Steps of the model's clock, of 10 ms, at ticks of the score."""
        ...

    def instrument(self, track: int) -> int:
        """What the model knows a written track as."""
        ...

    def events(self, notes: Array) -> Events:
        """Notes of the score as the model sees them, sorted by time."""
        ...

    def place(self, event: tuple[int, int, int], tracks: list[Track]) -> tuple[int, int, int]:
        """First tick, last tick and track of an event; a track that it needs is appended to `tracks`."""
        ...


def edits(model: Model) -> bool:
    """Whether a model can write into a piece: it must speak the anticipatory ids."""
    known = (model.tokenizer.name, model.tokenizer.preset) == ("anticipation", "default")
    return known and isinstance(model.network, GPT2 | AnticipatoryTransformer)


def known_instruments(model: Model) -> tuple[int, ...]:
    """Those that a model that speaks the anticipatory ids knows, 128 for drums."""
    network = model.network
    own = isinstance(network, AnticipatoryTransformer)
    return tuple(sorted(network.config.instruments)) if own else tuple(range(v.INSTRUMENTS))


def writable(score: Score, model: Model) -> list[int]:
    """The tracks with notes that a model can write."""
    return pitched_tracks(score) if model.view.parts else [int(t) for t in np.unique(score.notes["track"])]


def perspective(score: Score, voices: dict[int, Voice], span: Span, model: Model, monophonic: bool) -> Perspective:
    """How a model sees an edit.

    Args:
        score: with all its notes.
        voices: of the tracks that are written; none for any instrument, each in a track of its own.
        span: that is written.
        model: that writes.
        monophonic: whether parts sound one note at a time, for models that know parts.

    Raises:
        OptionError: when the model cannot write into a piece.
        RegionError: when it cannot write these tracks.
    """
    if not edits(model):
        raise OptionError(f"model {model.card.name!r} can continue a piece, but not write into one")
    if model.view.parts:
        return InParts(score, list(voices), span, model, monophonic)
    return InSeconds(score, voices, known_instruments(model))


class InSeconds:
    """Any instruments, drums too, many notes at a time."""

    beat = 1

    def __init__(self, score: Score, voices: dict[int, Voice], known: tuple[int, ...]) -> None:
        self._score, self._voices = score, voices
        self._unknown = sorted(set(range(v.INSTRUMENTS)) - set(known))
        wanted = sorted({voice.instrument for voice in voices.values()})
        if set(wanted) & set(self._unknown):
            raise RegionError(f"the model knows instruments {list(known)}; these tracks play {wanted}")
        self.instruments: tuple[int, ...] | None = tuple(wanted) or (known if self._unknown else None)
        self.constraints: tuple[Constraint, ...] = (NoUnison(),)

    def steps(self, ticks: Sequence[int] | Array) -> NDArray[np.int64]:
        """See `Perspective`."""
        return np.asarray(np.rint(self._score.seconds(ticks) * v.STEPS_PER_SECOND), np.int64)

    def instrument(self, track: int) -> int:
        """See `Perspective`."""
        return self._voices[track].instrument

    def events(self, notes: Array) -> Events:
        """See `Perspective`. Of instruments that the model does not know it hears nothing."""
        events = events_of(self._score.replace(notes=notes))
        return events[~np.isin(events[:, 2] // 128, self._unknown)] if self._unknown else events

    def place(self, event: tuple[int, int, int], tracks: list[Track]) -> tuple[int, int, int]:
        """See `Perspective`. Of several tracks of an instrument the one whose mean pitch is nearest takes the note."""
        time, duration, note = event
        ticks = self._score.ticks(np.array([time, time + duration]) / v.STEPS_PER_SECOND)
        first, last = (int(tick) for tick in np.rint(ticks))
        instrument, pitch = note // 128, note % 128
        own = [track for track, voice in self._voices.items() if voice.instrument == instrument]
        if own:
            return first, last, min(own, key=lambda track: abs(self._voices[track].pitch - pitch))
        for track in range(len(self._score.tracks), len(tracks)):
            if instrument == (DRUM_INSTRUMENT if tracks[track].is_drum else tracks[track].program):
                return first, last, track
        tracks.append(Track("Drums", 0, True) if instrument == DRUM_INSTRUMENT else Track("", instrument))
        return first, last, len(tracks) - 1


class InParts:
    """Musical time, and a few parts."""

    def __init__(self, score: Score, written: Sequence[int], span: Span, model: Model, monophonic: bool) -> None:
        self._score, self._view = score, model.view
        self._parts = assign_parts(score, written, model)
        self._track_of = {self._parts[track]: track for track in written}
        self.instruments: tuple[int, ...] | None = tuple(sorted(self._track_of))
        self.constraints: tuple[Constraint, ...] = (OneAtATime(self.instruments),) if monophonic else (NoUnison(),)
        self._scale = steps_per_tick(score, model.view)
        # Windows begin on a quarter, as in training.
        self.beat = round(score.ticks_per_quarter * self._scale)
        # Where the piece begins with silence, so does the model's clock: on the bar line before the first note.
        begin = min(int(score.notes["onset"][0]), span[0]) if len(score) else 0
        self._origin = int(score.bars(begin + 1)[-1])

    def steps(self, ticks: Sequence[int] | Array) -> NDArray[np.int64]:
        """See `Perspective`."""
        return np.asarray(np.rint((np.asarray(ticks, np.int64) - self._origin) * self._scale), np.int64)

    def instrument(self, track: int) -> int:
        """See `Perspective`."""
        return self._parts[track]

    def events(self, notes: Array) -> Events:
        """See `Perspective`. A note struck again at once is one held note."""
        moved = notes.copy()
        moved["onset"] -= self._origin
        return shown(self._score, moved, self._parts, self._view)

    def place(self, event: tuple[int, int, int], tracks: list[Track]) -> tuple[int, int, int]:
        """See `Perspective`."""
        time, duration, note = event
        first, last = (round(step / self._scale) + self._origin for step in (time, time + duration))
        return first, last, self._track_of[note // 128]
