"""Infill whole bars of all tracks with a left-to-right model whose ids mark bars.

We sample candidates for the bars from the left context and rank them by the likelihood of the right context. Bars and
meters are those of the piece.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from typing_extensions import override

from symbolic_music.errors import RegionError
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.generation.decoding.bar_tokens import (
    bars_of,
    begins_bar,
    encoded_in_bars,
    first_shown,
    flat,
    permitted_ids,
)
from symbolic_music.generation.decoding.compound_sampler import draw_words, of_each_field
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.inference.token_backends import at_once
from symbolic_music.generation.left_to_right.batched_ids import IdDrawn, IdLine, IdLines
from symbolic_music.generation.left_to_right.batching import Writer, written_together
from symbolic_music.generation.left_to_right.candidate_infill import Candidate, CandidateInfilling
from symbolic_music.generation.regions import Span
from symbolic_music.score import Array
from symbolic_music.transforms import check_tracks

# After this many ids, or words, a bar ends as soon as it may.
_MOST_IDS_A_BAR = 2000
# What a model without a window is shown.
_SHOWN = 1024


class BarInfilling(CandidateInfilling):
    """A `CandidateInfilling` of whole bars; what follows is looked at as far as half of the model's window reaches.

    The default sampling is, of compound words, that of each field.

    Raises:
        OptionError: unless the model's ids encode all tracks in one sequence, bar by bar.
        RegionError: unless there is one region, of whole bars and of all tracks with notes.
    """

    @override
    def _checked(self, spans: Sequence[Span], tracks: Sequence[int] | None) -> list[int]:
        score, self._encoded = self._score, encoded_in_bars(self._score, self._model)
        played: list[int] = np.unique(score.notes["track"]).tolist()
        self._lines = score.bars(spans[-1][1] + 1)
        is_all = tracks is None or set(played) <= set(check_tracks(score, tracks))
        if len(spans) != 1 or not is_all or not np.isin(spans[0], self._lines).all():
            name = self._model.card.name
            raise RegionError(
                f"model {name!r} writes one region of whole bars, in all tracks: use --at bars: without --tracks"
            )
        return played

    @override
    def _prepare(self) -> None:
        score, model, lines, encoded = self._score, self._model, self._lines, self._encoded
        first, last = self._span
        self._permitted = permitted_ids({v.instrument for v in self._voices.values()}, model.tokenizer.vocabulary)

        begin, end = np.searchsorted(lines, [first, last]).tolist()
        bars, head = bars_of(encoded, end, model.tokenizer.vocabulary)
        own = model.tokenizer.decode(np.concatenate([*bars, encoded[:0]]))
        scale = score.ticks_per_quarter / own.ticks_per_quarter
        starts = own.bars(round(last / scale) + 1) * scale
        if len(starts) < len(lines) or (np.abs(starts[: len(lines)] - lines) >= 1).any():
            raise RegionError(
                f"model {model.card.name!r} cannot write here: its vocabulary lacks the meters of this piece"
            )
        self._heads: list[list[Any]] = [bar[:head].tolist() for bar in bars[begin:end]]
        config = model.network.config
        self._shown = int(getattr(config, "window", getattr(config, "context", _SHOWN)))
        self._past = flat(bars[first_shown(bars[:begin], self._shown) : begin])
        self._future = flat(bars[end:])[: self._shown // 2]

    @override
    def _drawn_candidates(self, generators: Sequence[torch.Generator]) -> Iterator[Candidate]:
        if len(self._model.tokenizer.vocabulary.sizes) > 1:
            fields = of_each_field(self._model.tokenizer.vocabulary, self._sampling)
            yield from (self._candidate(self._words(fields, generator)) for generator in generators)
            return
        most = at_once(self._model.network, len(generators))
        for first in range(0, len(generators), most):
            lines = IdLines(self._model, self._sampling or Sampling(), generators[first : first + most])
            yield from map(self._candidate, written_together(lines.draw, [*map(self._writer, lines.lines)]))

    def _candidate(self, drawn: tuple[list[Any], float]) -> Candidate:
        ids, total = drawn
        return Candidate(self._notes(ids), total, self._likelihood_after(ids) if self._future else None)

    def _writer(self, line: IdLine) -> Writer[Array, IdDrawn, tuple[list[Any], float]]:
        """Ids of the region's bars, and the log-probability of what was drawn."""
        line.feed(self._past)
        ids: list[Any] = []
        total = 0.0
        for head in self._heads:
            ids += head
            line.feed(head)
            begun = len(ids)
            while (mask := line.allowed(self._permitted[0])).any():
                token, log_probability = yield mask
                total += log_probability
                if self._begins_bar(token):
                    break
                ids.append(token)
                line.feed([token])
                if self._ends_at_last(ids, begun, head):
                    break
        return ids, total

    def _words(self, fields: list[Sampling], generator: torch.Generator) -> tuple[list[Any], float]:
        """As `_writer`, of words."""
        words: list[Any] = []
        total = 0.0
        for head in self._heads:
            words += head
            begun = len(words)
            prompt = np.array(self._past + words, np.int32)
            for word, log_probability in draw_words(self._model, fields, generator, prompt, self._permitted):
                total += log_probability
                if self._begins_bar(word):
                    break
                words.append(word)
                if self._ends_at_last(words, begun, head):
                    break
        return words, total

    def _begins_bar(self, token: Any) -> bool:
        return bool(begins_bar(np.array([token]), self._model.tokenizer.vocabulary)[0])

    def _ends_at_last(self, ids: list[Any], begun: int, head: list[Any]) -> bool:
        """Whether a bar is long enough, and may end."""
        may_end = self._model.tokenizer.grammar.violation
        return len(ids) - begun >= _MOST_IDS_A_BAR and may_end(np.array(ids + head)) is None

    @torch.no_grad()
    def _likelihood_after(self, ids: list[Any]) -> float:
        """Log-likelihood per note of the right context, given as much left context as the window holds."""
        length = len(self._future)
        before = (self._past + ids)[-max(1, self._shown - length) :]
        shown = torch.tensor([before + self._future], device=self._model.device)
        logits = self._model.network(shown)
        fields = logits if isinstance(logits, tuple) else (logits,)
        after = shown.reshape(shown.shape[1], -1)[-length:]
        scores = [
            field[0, -length - 1 : -1].float().log_softmax(-1).gather(1, after[:, i : i + 1]).sum()
            for i, field in enumerate(fields)
        ]
        return float(sum(scores)) / max(1, len(self._model.tokenizer.decode(np.array(self._future))))

    def _notes(self, ids: list[Any]) -> Array:
        """The drawn notes, in ticks and tracks of the score."""
        written = self._model.tokenizer.decode(np.array(ids, np.int32))
        notes, scale = written.notes.copy(), self._score.ticks_per_quarter / written.ticks_per_quarter
        ends = np.rint((notes["onset"].astype(np.int64) + notes["duration"]) * scale)
        notes["onset"] = np.rint(notes["onset"] * scale)
        notes["duration"] = np.maximum(1, ends - notes["onset"])
        notes["onset"] += self._span[0]
        for note in notes:
            track = written.tracks[note["track"]]
            instrument = DRUM_INSTRUMENT if track.is_drum else track.program
            note["track"] = self._track_of(instrument, int(note["pitch"]))
        # As loud as their tracks.
        notes["velocity"] = 0
        return notes
