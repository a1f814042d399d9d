"""Sample the notes of a region with a region model: several alternatives at once, a row of each at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from symbolic_music.generation.constraints.base import Mask
from symbolic_music.generation.decoding.region_alternative import RegionLine
from symbolic_music.generation.decoding.region_request import DrawnNote, RegionRequest
from symbolic_music.generation.decoding.sampling import Floats, Sampling, draw_allowed
from symbolic_music.models.architectures.region_cache import RegionCache
from symbolic_music.models.architectures.region_transformer import RegionTransformer
from symbolic_music.tokenizers.region import rows as r

_VELOCITIES = np.arange(r.VELOCITIES) > 0


class RegionSampler:
    """The sampler of alternatives of one span.

    Every alternative has its own request, of which the given rows may differ, and its own seed; it does not depend on
    the others but by rounding.

    Args:
        network: in evaluation mode.
        requests: what is to be written, one for each alternative.
        sampling: of every field.
        seeds: one for each alternative; the same seed gives the same notes.
        of_velocities, of_new_drums: instead for velocities, and for the keys of drums without notes elsewhere.
    """

    def __init__(
        self,
        network: RegionTransformer,
        requests: Sequence[RegionRequest],
        sampling: Sampling,
        seeds: Sequence[int],
        of_velocities: Sampling | None = None,
        of_new_drums: Sampling | None = None,
    ) -> None:
        self._sampling = sampling
        self._of_velocities, self._of_new_drums = of_velocities or sampling, of_new_drums or sampling
        self._lines = [RegionLine(request, seed) for request, seed in zip(requests, seeds, strict=True)]
        room = max(one.most + (one.end - one.start) // r.LONGEST_GAP + 2 for one in requests)
        self._cache = RegionCache(network, [torch.from_numpy(one.rows) for one in requests], room)

    @property
    def complete(self) -> list[bool]:
        """Whether each alternative is written to its end."""
        return [line.complete for line in self._lines]

    def stream(self) -> Iterator[tuple[int, DrawnNote]]:
        """Notes, each after the number of its alternative, until the span is written.

        Raises:
            ConstraintError: when nothing may follow.
            ModelError: when the model's probabilities are not finite.
        """
        # The alternatives that the cache holds, in its order, and those of them that go on.
        held = list(range(len(self._lines)))
        while True:
            going = [place for place, number in enumerate(held) if not self._lines[number].is_over()]
            if going:
                gaps = self._cache.gaps().numpy().astype(np.float64)
                own = [self._lines[held[place]] for place in going]
                drawn = dict(zip(going, self._draw_gaps(own, gaps[going]), strict=True))
                going = [place for place in going if drawn[place] != r.GAP_END]
            if not going:
                return
            if 2 * len(going) <= len(held):
                self._cache.select(going)
                held = [held[place] for place in going]
                drawn = {new: drawn[old] for new, old in enumerate(going)}
                going = list(range(len(held)))
            lines = [self._lines[number] for number in held]
            notes = [place for place in going if drawn[place] != r.GAP_REST]
            written = self._draw_notes(lines, notes, drawn) if notes else []
            # Alternatives at their end read on what they read last; nothing is drawn from it.
            self._cache.append(torch.from_numpy(np.stack([line.row for line in lines])))
            for place, note in written:
                yield held[place], note

    def _draw_gaps(self, lines: list[RegionLine], log_p: Floats) -> list[int]:
        """The gap class of each of some alternatives, (n, 242)."""
        drawings = [line.draw_gap(own) for line, own in zip(lines, log_p, strict=True)]
        asked, found = {number: next(drawing) for number, drawing in enumerate(drawings)}, [r.GAP_END] * len(lines)
        while asked:
            uniform = np.array([lines[number].uniform() for number in asked])
            weighed, allowed = (np.stack(parts) for parts in zip(*asked.values(), strict=True))
            values, chosen = draw_allowed(weighed, allowed, self._sampling, uniform)
            again = {}
            for number, *drawn in zip(asked, values.tolist(), chosen.tolist(), strict=True):
                try:
                    again[number] = drawings[number].send((drawn[0], drawn[1]))
                except StopIteration as end:
                    found[number] = end.value
            asked = again
        return found

    def _draw_notes(
        self, lines: list[RegionLine], notes: list[int], drawn: dict[int, int]
    ) -> list[tuple[int, DrawnNote]]:
        """The notes of some alternatives; of the others any values are looked up."""
        gap = torch.tensor([drawn.get(place, 0) % r.LONGEST_GAP for place in range(len(lines))])
        rows = torch.from_numpy(np.stack([line.row for line in lines]))
        own = [lines[place] for place in notes]

        def draw(field: int, log_p: Floats, allowed: Sequence[Mask]) -> torch.Tensor:
            masks = np.stack(allowed)
            for number in np.flatnonzero(~masks.any(axis=1)):
                raise own[number].contradiction("no note is left")
            uniform = np.array([line.uniform() for line in own])
            sampling = self._of_velocities if field == r.VELOCITY else self._sampling
            values, chosen = draw_allowed(log_p, masks, sampling, uniform)
            if field == r.KEY and (new := np.array([line.is_new_drums for line in own])).any():
                values[new], chosen[new] = draw_allowed(log_p[new], masks[new], self._of_new_drums, uniform[new])
            for line, value, log_probability in zip(own, values.tolist(), chosen.tolist(), strict=True):
                line.take(field, value, 0.0 if field == r.VELOCITY else log_probability)
            found = torch.zeros(len(lines), dtype=torch.long)
            found[notes] = torch.from_numpy(values)
            return found

        def of_notes(log_p: torch.Tensor) -> Floats:
            return log_p.numpy()[notes].astype(np.float64)

        found = of_notes(self._cache.slots(gap, rows[:, r.STATE]))
        weighed = [line.slots(log_p) for line, log_p in zip(own, found, strict=True)]
        slot = draw(r.SLOT, np.stack([log_p for log_p, _ in weighed]), [free for _, free in weighed])
        found = of_notes(self._cache.keys(gap, slot, rows))
        weighed = [line.keys(log_p) for line, log_p in zip(own, found, strict=True)]
        key = draw(r.KEY, np.stack([log_p for log_p, _ in weighed]), [free for _, free in weighed])
        found = of_notes(self._cache.durations(key))
        weighed = [line.durations(log_p) for line, log_p in zip(own, found, strict=True)]
        duration = draw(r.DURATION, np.stack([log_p for log_p, _ in weighed]), [free for _, free in weighed])
        draw(r.VELOCITY, of_notes(self._cache.velocities(duration)), [_VELOCITIES] * len(own))
        return [(place, lines[place].end_note()) for place in notes]
