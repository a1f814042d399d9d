"""Infill with models that only continue: candidates from the past, ranked by the likelihood of what follows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from typing_extensions import override

from symbolic_music.errors import OptionError, RegionError
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.near_copies import flagged
from symbolic_music.generation.regions import Span
from symbolic_music.generation.results import EditSession, Written, WrittenNote
from symbolic_music.generation.sessions.edited_score import Draft
from symbolic_music.generation.views.track_style import rewritten
from symbolic_music.models import Model
from symbolic_music.score import Array, Score
from symbolic_music.transforms import check_tracks


class Candidate(NamedTuple):
    """What was drawn: notes in ticks and tracks of the score, velocity 0 for that of the track; its log-probability.

    `after`: the log-likelihood of what follows the region, a note of it; None where nothing does.
    """

    notes: Array
    drawn: float
    after: float | None


class CandidateInfilling(EditSession):
    """A `EditSession` of one region; its alternatives are the best candidates, in order.

    `log_likelihood` of an alternative is that of what follows the region, a note of it; where nothing follows, that of
    what was drawn, a note, and nan for no note.

    Args:
        score: the piece.
        spans: the region in ticks.
        tracks: None for all.
        model: that writes.
        sampling: None for the default.
        seed: of the first candidate; those after it have the seeds after it.
        count: alternatives.
        candidates: that are drawn; never fewer than `count`.

    Raises:
        OptionError: for a count below 1.
        RegionError: unless there is one region.
    """

    def __init__(
        self,
        score: Score,
        spans: Sequence[Span],
        tracks: Sequence[int] | None,
        model: Model[Any],
        sampling: Sampling | None = None,
        seed: int = 0,
        count: int = 1,
        candidates: int = 4,
    ) -> None:
        if count < 1:
            raise OptionError(f"at least one alternative is needed, not {count}")
        self._score, self._model, self._sampling, self._seed = score, model, sampling, seed
        self._count, self._candidates = count, max(count, candidates)
        self._tracks = self._checked(spans, tracks)
        self._span = spans[0]
        self._given, self._replaced, self._voices = rewritten(score, spans, self._tracks)
        self._found: list[tuple[float, Array]] = []
        self._prepare()

    def _checked(self, spans: Sequence[Span], tracks: Sequence[int] | None) -> list[int]:
        """The tracks that are written; errors for what the model cannot write."""
        if len(spans) != 1:
            raise RegionError(f"model {self._model.card.name!r} writes one region at a time")
        played: list[int] = np.unique(self._score.notes["track"]).tolist()
        return played if tracks is None else check_tracks(self._score, tracks)

    @abstractmethod
    def _prepare(self) -> None:
        """Compute what all candidates share."""

    @abstractmethod
    def _drawn_candidates(self, generators: Sequence[torch.Generator]) -> Iterator[Candidate]:
        """Draw one with each generator."""

    @override
    @property
    def done(self) -> float:
        return len(self._found) / self._candidates

    @override
    def stream(self) -> Iterator[WrittenNote]:
        """Notes are streamed after all candidates are drawn and ranked."""
        network = self._model.network
        was_training = network.training
        try:
            seeds = [(self._seed + number) % (1 << 64) for number in range(self._candidates)]
            for one in self._drawn_candidates([torch.Generator().manual_seed(seed) for seed in seeds]):
                drawn = one.drawn / len(one.notes) if len(one.notes) else np.nan
                self._found.append((drawn if one.after is None else one.after, one.notes))
        finally:
            network.train(was_training)
        for number, (_, notes) in enumerate(self._best()):
            yield from self._put(Draft(number, self._score.tracks), notes)

    @override
    def results(self) -> list[Written]:
        """The best of the candidates that are drawn."""
        out = []
        for number, (likelihood, notes) in enumerate(self._best()):
            draft = Draft(number, self._score.tracks)
            self._put(draft, notes)
            written = draft.result(self._score, self._replaced, self._given, [self._span])
            out.append(replace(written, log_likelihood=likelihood, complete=self.done == 1))
        return flagged(out)

    def _best(self) -> list[tuple[float, Array]]:
        # What is not a number comes last.
        return [self._found[i] for i in np.argsort([-one[0] for one in self._found], kind="stable")[: self._count]]

    def _track_of(self, instrument: int, pitch: int) -> int | None:
        """Of several written tracks of an instrument the one whose mean pitch is nearest; None where none has it."""
        same = [track for track, voice in self._voices.items() if voice.instrument == instrument]
        return min(same, key=lambda track: abs(self._voices[track].pitch - pitch)) if same else None

    def _put(self, draft: Draft, notes: Array) -> list[WrittenNote]:
        draft.begin(self._span, self._given, list(self._voices))
        put = []
        for onset, lasts, pitch, velocity, track in notes[["onset", "duration", "pitch", "velocity", "track"]].tolist():
            voice = self._voices[track]
            put.append(draft.add(onset, onset + lasts, pitch, track, voice, self._score, velocity or None))
        draft.end()
        return [note for note in put if note is not None]
