"""The view of a model on a score, and the conversion of its events to notes of the score.

There are three kinds of models: the published ones use seconds and instruments; ours use musical time, every piece at
one tempo, and instruments or parts (see `models.model.View`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from symbolic_music.corpora.windows.edit_examples import musical_events
from symbolic_music.errors import OptionError, RegionError
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.generation.constraints.base import Constraint
from symbolic_music.generation.constraints.pitch import NoUnison
from symbolic_music.generation.constraints.texture import OneAtATime
from symbolic_music.generation.inference.backends import can_be_read
from symbolic_music.generation.regions import Span, inside
from symbolic_music.generation.views.part_assignment import assign_parts, pitched_tracks, shown, steps_per_tick
from symbolic_music.generation.views.track_style import Voice
from symbolic_music.models import Model
from symbolic_music.score import Array, Score, Track
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.anticipation.events import Events, events_of


class StepView(Protocol):
    """The part of a view that limits need: its steps, the written instruments (None for any), its own constraints."""

    instruments: tuple[int, ...] | None
    constraints: tuple[Constraint, ...]

    def steps(self, ticks: Sequence[int] | Array) -> NDArray[np.int64]:
        """Steps of the model's clock, of 10 ms, at ticks of the score."""
        ...


class Perspective(StepView, Protocol):
    """A score, the tracks that are written in it, and a model's view of both.

    `beat` is what the model's windows begin on, `instruments` those that it may write (None for any), `constraints`
    what it must obey in any case; a clock
    in seconds does not agree with the beats of the piece.
    """

    beat: int
    is_in_seconds: bool = False

    def instrument(self, track: int) -> int:
        """The instrument or part of a written track in the model."""
        ...

    def events(self, notes: Array) -> Events:
        """Notes of the score as the model sees them, sorted by time."""
        ...

    def opening(self, past: Events, is_whole: bool) -> bool:
        """Whether the encoding marks the beginning of the piece; `is_whole`: nothing came before this past."""
        ...

    def place(self, event: tuple[int, int, int], tracks: list[Track]) -> tuple[int, int, int]:
        """First tick, last tick and track of an event; a track that it needs is appended to `tracks`."""
        ...


def edits(model: Model) -> bool:
    """Whether a model can write into a piece: it is a region model, or uses the anticipatory ids."""
    if model.reads == "regions":
        return True
    known = (model.tokenizer.name, model.tokenizer.preset) == ("anticipation", "default")
    return known and can_be_read(model.network)


def follows_chords(model: Model) -> bool:
    """Whether a model is conditioned on chords and a key, beside the notes that are given."""
    return model.reads == "regions" and bool(getattr(model.network.config, "harmony", False))


def known_instruments(model: Model) -> tuple[int, ...]:
    """The instruments of a model of the anticipatory ids, 128 for drums."""
    return tuple(sorted(getattr(model.network.config, "instruments", range(v.INSTRUMENTS))))


def writable(score: Score, model: Model) -> list[int]:
    """The tracks with notes that a model can write."""
    return pitched_tracks(score) if model.view.parts else [int(t) for t in np.unique(score.notes["track"])]


def playing(score: Score, model: Model, spans: Sequence[Span]) -> list[int]:
    """The writable tracks with notes in some spans; all of them if none has notes."""
    tracks = writable(score, model)
    within = np.logical_or.reduce([inside(score.notes, *span) for span in spans])
    own = [track for track in tracks if (within & (score.notes["track"] == track)).any()]
    return own or tracks


def perspective(score: Score, voices: dict[int, Voice], span: Span, model: Model, monophonic: bool) -> Perspective:
    """How a model sees an edit.

    Args:
        score: with all its notes.
        voices: of the tracks that are written; none for any instrument, each in a track of its own.
        span: the first that is written.
        model: that writes.
        monophonic: whether parts sound one note at a time, for models of parts.

    Raises:
        OptionError: when the model cannot write into a piece.
        RegionError: when it cannot write these tracks.
    """
    if not edits(model):
        raise OptionError(
            f"model {model.card.name!r} only supports continuation; infilling needs a model with the region or "
            "anticipation tokenizer"
        )
    if model.view.parts:
        return InParts(score, list(voices), span, model, monophonic)
    if model.reads == "events":
        return InMusicalTime(score, voices, model)
    return InSeconds(score, voices, model)


class _ByInstrument(Perspective):
    """Any instruments of the model, drums included, polyphonic."""

    beat = 1

    def __init__(self, score: Score, voices: dict[int, Voice], model: Model) -> None:
        self._score, self._voices = score, voices
        known = known_instruments(model)
        self._unknown = sorted(set(range(v.INSTRUMENTS)) - set(known))
        wanted = sorted({voice.instrument for voice in voices.values()})
        if set(wanted) & set(self._unknown):
            raise RegionError(f"the model has instruments {list(known)}; these tracks play {wanted}")
        self.instruments: tuple[int, ...] | None = tuple(wanted) or (known if self._unknown else None)
        self.constraints: tuple[Constraint, ...] = (NoUnison(),)

    @override
    def instrument(self, track: int) -> int:
        return self._voices[track].instrument

    def _heard(self, events: Events) -> Events:
        """Without instruments that the model does not have."""
        return events[~np.isin(events[:, 2] // 128, self._unknown)] if self._unknown else events

    def _track(self, instrument: int, pitch: int, tracks: list[Track]) -> int:
        """The track that takes a note: of several of its instrument the one whose mean pitch is nearest."""
        own = [track for track, voice in self._voices.items() if voice.instrument == instrument]
        if own:
            return min(own, key=lambda track: abs(self._voices[track].pitch - pitch))
        for track in range(len(self._score.tracks), len(tracks)):
            if instrument == (DRUM_INSTRUMENT if tracks[track].is_drum else tracks[track].program):
                return track
        tracks.append(Track("Drums", 0, True) if instrument == DRUM_INSTRUMENT else Track("", instrument))
        return len(tracks) - 1


class InSeconds(_ByInstrument):
    """A clock of seconds."""

    is_in_seconds = True

    @override
    def steps(self, ticks: Sequence[int] | Array) -> NDArray[np.int64]:
        return np.asarray(np.rint(self._score.seconds(ticks) * v.STEPS_PER_SECOND), np.int64)

    @override
    def events(self, notes: Array) -> Events:
        return self._heard(events_of(self._score.replace(notes=notes)))

    @override
    def opening(self, past: Events, is_whole: bool) -> bool:
        return not len(past)

    @override
    def place(self, event: tuple[int, int, int], tracks: list[Track]) -> tuple[int, int, int]:
        time, duration, note = event
        first, last = np.rint(self._score.ticks(np.array([time, time + duration]) / v.STEPS_PER_SECOND))
        return int(first), int(last), self._track(note // 128, note % 128, tracks)


class InMusicalTime(_ByInstrument):
    """A clock of quarters at the model's tempo, from the beginning of the score."""

    def __init__(self, score: Score, voices: dict[int, Voice], model: Model) -> None:
        super().__init__(score, voices, model)
        self._tempo, self._scale = model.view.quarters_per_minute, steps_per_tick(score, model.view)
        # Windows begin on a bar line, as in training; where bars have several lengths, on a quarter.
        lengths = np.unique(np.diff(score.bars()))
        length = lengths[0] if len(lengths) == 1 else score.ticks_per_quarter
        self.beat = max(1, round(float(length) * self._scale))

    @override
    def steps(self, ticks: Sequence[int] | Array) -> NDArray[np.int64]:
        return np.asarray(np.rint(np.asarray(ticks, np.int64) * self._scale), np.int64)

    @override
    def events(self, notes: Array) -> Events:
        return self._heard(musical_events(self._score.replace(notes=notes), self._tempo))

    @override
    def opening(self, past: Events, is_whole: bool) -> bool:
        return is_whole

    @override
    def place(self, event: tuple[int, int, int], tracks: list[Track]) -> tuple[int, int, int]:
        time, duration, note = event
        first, last = round(time / self._scale), round((time + duration) / self._scale)
        return first, last, self._track(note // 128, note % 128, tracks)


class InParts(Perspective):
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

    @override
    def steps(self, ticks: Sequence[int] | Array) -> NDArray[np.int64]:
        return np.asarray(np.rint((np.asarray(ticks, np.int64) - self._origin) * self._scale), np.int64)

    @override
    def instrument(self, track: int) -> int:
        return self._parts[track]

    @override
    def events(self, notes: Array) -> Events:
        """A note struck again at once is one held note."""
        moved = notes.copy()
        moved["onset"] -= self._origin
        return shown(self._score, moved, self._parts, self._view)

    @override
    def opening(self, past: Events, is_whole: bool) -> bool:
        """To these models a beginning is as any silence."""
        return False

    @override
    def place(self, event: tuple[int, int, int], tracks: list[Track]) -> tuple[int, int, int]:
        time, duration, note = event
        first, last = (round(step / self._scale) + self._origin for step in (time, time + duration))
        return first, last, self._track_of[note // 128]
