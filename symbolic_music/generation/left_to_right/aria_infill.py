"""Infill with Aria's models, which write performances from left to right, in seconds.

All tracks that the model can play are written, each note with its own velocity, and durations that include the pedal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from typing_extensions import override

from symbolic_music.errors import RegionError
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.inference.token_backends import IdReader, at_once
from symbolic_music.generation.left_to_right.batched_ids import IdDrawn, IdLine, IdLines
from symbolic_music.generation.left_to_right.batching import Writer, written_together
from symbolic_music.generation.left_to_right.candidate_infill import Candidate, CandidateInfilling
from symbolic_music.generation.regions import Span
from symbolic_music.score import NOTE, Array, Score
from symbolic_music.tokenizers.public import aria_vocabulary as v

# Ids that a region may get, a second.
_MOST_A_SECOND = 300
_IDS_A_NOTE = 3.5
_DRUM_MILLISECONDS = 10


class AriaInfilling(CandidateInfilling):
    """See the module's docstring, and `CandidateInfilling` for the arguments.

    Raises:
        RegionError: when tracks are left out that the model plays, or it plays none.
    """

    @override
    def _checked(self, spans: Sequence[Span], tracks: Sequence[int] | None) -> list[int]:
        playable = [t for t in super()._checked(spans, None) if _instrument(self._score, t) is not None]
        if not playable or (tracks is not None and set(playable) != set(tracks)):
            name = self._model.card.name
            raise RegionError(f"model {name!r} writes all tracks that it can play together: {_told(playable)}")
        return playable

    @override
    def _prepare(self) -> None:
        score = self._score
        self._instruments = sorted({_place(score, track) for track in self._tracks})
        # What is shown, in notes of the piece: as many as half of its ids hold before, a quarter after.
        most = int(self._model.network.config.context / 2 / _IDS_A_NOTE)
        own = self._given[np.isin(self._given["track"], self._tracks)]
        first, last = self._span
        self._past = own[own["onset"] < first][-most:]
        self._future = own[own["onset"] >= last][: most // 2]
        # The clock of the ids begins with the first note.
        self._origin = float(score.seconds(int(self._past["onset"][0]) if len(self._past) else first))
        self._begin, self._end = (self._milliseconds(tick) for tick in self._span)

    def _milliseconds(self, tick: int) -> int:
        return round(1000 * (float(self._score.seconds(tick)) - self._origin))

    def _ids(self, notes: Array) -> NDArray[np.int32]:
        """Ids of notes of the piece, without the one that ends it; the prefix names the instruments written."""
        order = np.argsort(notes["onset"], kind="stable")
        ids = self._model.tokenizer.encode(self._score.replace(notes=notes[order]))
        begin = int(np.flatnonzero(ids == v.START)[0])
        prefix = [v.PREFIX + place for place in self._instruments]
        return np.concatenate([np.array(prefix, np.int32), ids[begin:-1]])

    @override
    def _drawn_candidates(self, generators: Sequence[torch.Generator]) -> Iterator[Candidate]:
        most = at_once(self._model.network, len(generators))
        for first in range(0, len(generators), most):
            lines = IdLines(self._model, self._sampling or Sampling(), generators[first : first + most])
            for number, (notes, drawn) in enumerate(written_together(lines.draw, [*map(self._writer, lines.lines)])):
                after = self._likelihood_after(notes, lines.reader, number) if len(self._future) else None
                yield Candidate(notes, drawn, after)

    def _writer(self, line: IdLine) -> Writer[Array, IdDrawn, tuple[Array, float]]:
        """Notes of one candidate, and their log-probability."""
        ids = self._ids(self._past).tolist()
        line.feed(ids)
        segment = v.SEGMENT * ids.count(v.NEXT_SEGMENT)
        rows: list[tuple[int, ...]] = []
        total, head, onset = 0.0, 0, 0
        for _ in range(_MOST_A_SECOND * (2 + (self._end - self._begin) // 1000)):
            mask = line.allowed()
            self._narrow(mask, line.state.last, segment)
            if not mask.any():
                break
            token, log_probability = yield mask
            total += log_probability
            line.feed([token])
            if token == v.NEXT_SEGMENT:
                segment += v.SEGMENT
            elif v.NOTE <= token < v.DURATION:
                head = token
            elif token >= v.ONSET:
                onset = segment + v.STEP * (token - v.ONSET)
                if head >= v.DRUM and onset < self._end:
                    rows += self._row(onset, _DRUM_MILLISECONDS, DRUM_INSTRUMENT, v.DRUMS[head - v.DRUM], 0)
            elif v.DURATION <= token < v.ONSET:
                instrument, pitch, velocity = v.note_of(head)
                lasts = v.STEP * (token - v.DURATION)
                rows += self._row(onset, lasts, instrument, pitch, velocity)
            if segment >= self._end or (token >= v.ONSET and onset >= self._end):
                break
        return np.array(rows, NOTE), total

    def _narrow(self, mask: NDArray[np.bool_], last: str, segment: int) -> None:
        """Within the region, and without an end or what has no pitch."""
        mask[[v.END, v.UNKNOWN]] = False
        mask[v.SIZE :] = False
        if last == "onset":
            first = -(-max(0, self._begin - segment) // v.STEP)
            mask[v.ONSET : v.ONSET + min(first, v.SEGMENT // v.STEP)] = False
        elif last == "event" and segment + v.SEGMENT <= self._begin:
            mask[v.NOTE : v.DURATION] = False

    def _row(self, onset: int, lasts: int, instrument: int | str, pitch: int, velocity: int) -> list[tuple[int, ...]]:
        """A note in ticks and in a track of the piece; none where no track has its instrument."""
        ticks = np.rint(self._score.ticks(self._origin + np.array([onset, onset + lasts]) / 1000)).astype(int)
        ticks = np.clip(ticks, *self._span)
        own = [track for track in self._tracks if _instrument(self._score, track) == (
            "drum" if instrument == DRUM_INSTRUMENT else instrument)]  # fmt: skip
        if not own:
            return []
        track = min(own, key=lambda one: abs(self._voices[one].pitch - pitch))
        voice = self._voices[track]
        return [
            (int(ticks[0]), max(1, int(ticks[1] - ticks[0])), pitch, velocity, voice.program, voice.channel, track, 0)
        ]

    @torch.no_grad()
    def _likelihood_after(self, notes: Array, reader: IdReader, piece: int) -> float:
        """Log-likelihood of the notes after the region, a note, after all up to its end.

        Of what a piece of the reader holds as much stays as the ids have in common with it.
        """
        before = np.concatenate([self._past, notes])
        count = _notes(self._ids(before))
        ids = self._ids(np.concatenate([before, self._future]))
        starts = np.flatnonzero((ids >= v.NOTE) & (ids < v.DURATION) | (ids == v.UNKNOWN))
        begin = int(starts[count])
        while ids[begin - 1] == v.NEXT_SEGMENT:
            begin -= 1
        shown = ids[-self._model.network.config.context :]
        length = min(len(ids) - begin, len(shown) - 1)
        states = reader.reread(piece, shown[:-1].tolist(), length)
        logits = reader.logits(states, 0, self._model.network.config.vocabulary).float().log_softmax(-1)
        after = torch.from_numpy(shown[-length:]).long().to(logits.device)
        return float(logits.gather(1, after[:, None]).sum()) / (len(starts) - count)


def _notes(ids: NDArray[np.int32]) -> int:
    return int((((ids >= v.NOTE) & (ids < v.DURATION)) | (ids == v.UNKNOWN)).sum())


def _instrument(score: Score, track: int) -> str | None:
    """Aria's instrument of a track; None where it has none."""
    described = score.tracks[track]
    return "drum" if described.is_drum else v.instrument_of(described.program)


def _place(score: Score, track: int) -> int:
    """The place of its instrument among those of the prefix."""
    return [*v.INSTRUMENTS, "drum"].index(str(_instrument(score, track)))


def _told(tracks: Sequence[int]) -> str:
    return f"tracks {', '.join(map(str, tracks))}" if tracks else "it can play none of these"
