"""Infill with SkyTNT's models, which write events from left to right.

The rows of the piece up to the region are given, and within it those of tracks that are not written, each as soon as
the model would go past it. What the model would write into those tracks is passed over. New notes have the velocities
that it draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from typing_extensions import override

from symbolic_music.errors import RegionError
from symbolic_music.generation.decoding.skytnt_sampler import PUBLISHED_ROW_SAMPLING, Permitted, Row, rows_of
from symbolic_music.generation.left_to_right.batching import Writer, written_together
from symbolic_music.generation.left_to_right.candidate_infill import Candidate, CandidateInfilling
from symbolic_music.generation.left_to_right.skytnt_batch import AT_ONCE, RowDrawn, RowLine, RowLines
from symbolic_music.score import NOTE
from symbolic_music.tokenizers.public.skytnt_vocabulary import STEPS

_NOTES = frozenset({"note"})
# Rows that a region may get, a quarter; rows in a row that are passed over before only written tracks may come.
_MOST_A_QUARTER, _MOST_PASSED = 64, 12
# Rows after the region whose likelihood is looked at.
_MOST_AFTER = 256


class RowInfilling(CandidateInfilling):
    """See the module's docstring, and `CandidateInfilling` for the arguments.

    Raises:
        RegionError: when a track that is written has no place in the model's ids, or the region lies after a silence
            that they do not reach across.
    """

    @override
    def _prepare(self) -> None:
        score, model = self._score, self._model
        arranged = rows_of(model).arranged(score)
        missing = [track for track in self._tracks if track not in arranged.places]
        if missing:
            raise RegionError(f"model {model.card.name!r} cannot write track {missing[0]}: it has no notes to go by")
        self._layout = rows_of(model).layout
        self._track_at = {place: track for track, place in arranged.places.items()}
        self._written = frozenset(arranged.places[track] for track in self._tracks)
        scale = STEPS / score.ticks_per_quarter
        self._begin, self._end = (round(tick * scale) for tick in self._span)
        self._end = max(self._end, self._begin + 1)
        most = model.network.config.context // 2
        rows = list(zip(arranged.steps, arranged.rows, strict=True))
        past = [row for row in rows if row[0] < self._begin]
        # Programs, keys and meters are at the beginning, whatever is left out after it.
        head = [(0, row) for step, row in past[: max(0, len(past) - most)] if step == 0 and not self._is_note(row)]
        self._past = head + past[-most:]
        within = [row for row in rows if self._begin <= row[0] < self._end]
        self._kept = [row for row in within if not (self._is_note(row[1]) and self._place(row[1]) in self._written)]
        self._future = [row for row in rows if row[0] >= self._end][: min(_MOST_AFTER, most)]

    def _is_note(self, row: Row) -> bool:
        return bool(row[0] == self._layout.kinds["note"])

    def _place(self, row: Row) -> tuple[int, int]:
        """Track and channel of a note."""
        found = self._layout.values(row)
        assert found is not None
        return found[1]["track"], found[1]["channel"]

    @override
    def _drawn_candidates(self, generators: Sequence[torch.Generator]) -> Iterator[Candidate]:
        for first in range(0, len(generators), AT_ONCE):
            lines = RowLines(self._model, self._sampling or PUBLISHED_ROW_SAMPLING, generators[first : first + AT_ONCE])
            written = written_together(lines.draw, [self._writer(line) for line in lines.lines])
            after: Sequence[float | None] = [None] * len(written)
            if self._future:
                notes = sum(self._is_note(row) for _, row in self._future)
                after = [nats / max(1, notes) for nats in lines.likelihoods([*map(self._after, lines.lines)])]
            for (found, total), one in zip(written, after, strict=True):
                yield Candidate(np.array(found, NOTE), total, one)

    def _writer(self, line: RowLine) -> Writer[Permitted, RowDrawn, tuple[list[tuple[int, ...]], float]]:
        """Notes of one candidate, and their log-probability."""
        for step, row in self._past:
            line.feed_at(row, step)
        kept, passed, total = list(self._kept), 0, 0.0
        floor = self._begin
        notes: list[tuple[int, ...]] = []
        most = len(kept) + _MOST_A_QUARTER * (1 + (self._end - self._begin) // STEPS)
        while len(notes) < most:
            places = self._written if passed > _MOST_PASSED else frozenset(self._track_at)
            row, step, log_probability = yield Permitted(_NOTES, places, floor)
            if kept and kept[0][0] <= step:
                first, given = kept.pop(0)
                line.feed_at(given, first)
                passed = 0
                continue
            if step >= self._end:
                break
            if self._place(row) not in self._written:
                floor, passed = max(floor, step), passed + 1
                continue
            line.feed_at(row, step)
            passed, total = 0, total + log_probability
            notes.append(self._note(row, step))
        for step, row in kept:
            line.feed_at(row, step)
        return notes, total

    def _note(self, row: Row, step: int) -> tuple[int, ...]:
        found = self._layout.values(row)
        assert found is not None
        values, ticks = found[1], self._score.ticks_per_quarter / STEPS
        track = self._track_at[values["track"], values["channel"]]
        onset = round(step * ticks)
        lasts = max(1, round((step + values["duration"]) * ticks) - onset)
        voice = self._voices[track]
        return onset, lasts, values["pitch"], values["velocity"], voice.program, voice.channel, track, 0

    def _after(self, line: RowLine) -> list[Row]:
        """The rows after the region, counted from the last of a piece."""
        first = self._layout.first
        rows, quarter = [], line.quarter
        for step, row in self._future:
            apart = min(step // STEPS - quarter, self._layout.sizes["time1"] - 1)
            rows.append([row[0], first["time1"] + apart, first["time2"] + step % STEPS, *row[3:]])
            quarter = step // STEPS
        return rows
