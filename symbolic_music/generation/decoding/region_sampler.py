"""Sample the notes of a region with a region model: several alternatives at once, a row of each at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from symbolic_music.generation.decoding.region_line import RegionLine
from symbolic_music.generation.decoding.region_request import DrawnNote, RegionRequest
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.models.architectures.region_cache import RegionCache
from symbolic_music.models.architectures.region_transformer import RegionTransformer
from symbolic_music.tokenizers.region import rows as r


class RegionSampler:
    """The sampler of alternatives of one span.

    Every alternative has its own request, of which the given rows may differ, and its own seed; it does not depend on
    the others but by rounding.

    Args:
        network: in evaluation mode.
        requests: what is to be written, one for each alternative.
        sampling: of every field.
        seeds: one for each alternative; the same seed gives the same notes.
    """

    def __init__(
        self, network: RegionTransformer, requests: Sequence[RegionRequest], sampling: Sampling, seeds: Sequence[int]
    ) -> None:
        self._lines = [
            RegionLine(request, sampling, seed) for request, seed in zip(requests, seeds, strict=True)
        ]  # fmt: skip
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
                gaps = self._cache.gaps().numpy()
                drawn = {place: self._lines[held[place]].draw_gap(gaps[place]) for place in going}
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

    def _draw_notes(
        self, lines: list[RegionLine], notes: list[int], drawn: dict[int, int]
    ) -> list[tuple[int, DrawnNote]]:
        """The notes of some alternatives; of the others any values are looked up."""
        gap = torch.tensor([drawn.get(place, 0) % r.LONGEST_GAP for place in range(len(lines))])
        rows = torch.from_numpy(np.stack([line.row for line in lines]))

        def of_each(log_p: torch.Tensor, draw: Callable[[RegionLine, NDArray[np.floating]], int]) -> torch.Tensor:
            values, found = log_p.numpy(), torch.zeros(len(lines), dtype=torch.long)
            for place in notes:
                found[place] = draw(lines[place], values[place])
            return found

        slot = of_each(self._cache.slots(gap, rows[:, r.STATE]), RegionLine.draw_slot)
        where = (rows[:, field] for field in (r.TIME, r.POSITION, r.LENGTH))
        key = of_each(self._cache.keys(gap, slot, *where), RegionLine.draw_key)
        duration = of_each(self._cache.durations(key), RegionLine.draw_duration)
        velocities = self._cache.velocities(duration).numpy()
        return [(place, lines[place].draw_velocity(velocities[place])) for place in notes]
