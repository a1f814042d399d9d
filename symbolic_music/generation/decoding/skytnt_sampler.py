"""Sample events as rows of ids, with a network that writes a row id by id, and the grammar of SkyTNT's tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symbolic_music.errors import OptionError, RegionError
from symbolic_music.generation.decoding.sampling import Sampling, draw
from symbolic_music.models import Model
from symbolic_music.models.protocol import TokenModel
from symbolic_music.tokenizers.public.skytnt import Place, SkyTntTokenizer, single
from symbolic_music.tokenizers.public.skytnt_vocabulary import BOS, EOS, FIELDS, PAD, STEPS

Row = list[int]
# As the original draws.
PUBLISHED_ROW_SAMPLING = Sampling(top_p=0.98, top_k=20)


@runtime_checkable
class RowNetwork(TokenModel, Protocol):
    """A `TokenModel` of rows that draws the ids of a row one by one: see `architectures.skytnt`."""

    def advance(self, ids: Tensor, cache: Any) -> Tensor:
        """The state (B, width) after rows (B, L, F)."""
        ...

    def row_cache(self, batch: int = 1) -> Any:
        """An empty cache for `row_step`."""
        ...

    def row_step(self, given: Tensor, cache: Any) -> Tensor:
        """Logits (B, vocabulary) of the next id of a row, after a state of its first, after ids of others."""
        ...

    def row_logits(self, states: Tensor, rows: Tensor) -> Tensor:
        """Logits (B, L, F, vocabulary) of rows (B, L, F), each after a state (B, L, width)."""
        ...

    def states(self, ids: Tensor) -> Tensor:
        """States (B, L, width) after each of some rows."""
        ...


def rows_of(model: Model[Any]) -> SkyTntTokenizer:
    """The tokenizer of a model of rows. OptionError for another model."""
    if not isinstance(model.network, RowNetwork) or not isinstance(model.tokenizer, SkyTntTokenizer):
        raise OptionError(f"{model.card.name!r} does not predict events as rows of ids")
    return model.tokenizer


@dataclass(frozen=True)
class Permitted:
    """The rows that may be drawn.

    Args:
        kinds: of events.
        places: (track, channel) of notes and other events of channels; None for any.
        floor: the first step.
        may_end: whether the piece may.
    """

    kinds: frozenset[str]
    places: frozenset[Place] | None = None
    floor: int = 0
    may_end: bool = False


class RowSampler:
    """Rows of one piece: given ones are fed, others drawn after them.

    Args:
        model: of rows.
        sampling: of each id.
        generator: of random numbers.

    Raises:
        OptionError: for a model of other ids.
    """

    def __init__(self, model: Model[Any], sampling: Sampling, generator: torch.Generator) -> None:
        tokenizer = rows_of(model)
        self._network, self._layout, self._grammar = model.network.eval(), tokenizer.layout, tokenizer.rows
        self._sampling, self._generator, self._device = sampling, generator, model.device
        self._cache = self._network.new_cache(1)
        self._state: Tensor | None = None
        self._pending = [single(BOS)]
        self.quarter = self.step = 0

    @property
    def now(self) -> int:
        """When the last row is, in steps."""
        return STEPS * self.quarter + self.step

    def feed(self, row: Sequence[int]) -> None:
        """Append a row."""
        self._pending.append(list(row))
        self.quarter += row[1] - self._layout.first["time1"]
        self.step = row[2] - self._layout.first["time2"]

    def feed_at(self, row: Sequence[int], step: int) -> bool:
        """Append a row at an absolute step; False where that is too late, or over."""
        quarters = step // STEPS - self.quarter
        if step < self.now or quarters >= self._layout.sizes["time1"]:
            return False
        self.feed(
            [row[0], self._layout.first["time1"] + quarters, self._layout.first["time2"] + step % STEPS, *row[3:]]
        )
        return True

    @torch.no_grad()
    def draw(self, permitted: Permitted) -> tuple[Row, int, float]:
        """A row that might be next, when it is, and its log-probability; it is not appended."""
        if self._pending:
            rows = torch.tensor([self._pending], device=self._device)
            self._state, self._pending = self._network.advance(rows, self._cache), []
        assert self._state is not None
        cache, given, total = self._network.row_cache(), self._state, 0.0
        row: Row = []
        while len(row) < FIELDS:
            allowed = self._allowed(row, permitted)
            if row and len(np.flatnonzero(allowed)) == 1 and allowed[PAD]:
                break
            logits = self._network.row_step(given, cache)[0].float().cpu()
            logits = logits.masked_fill(~torch.from_numpy(allowed), float("-inf"))
            token = draw(logits, self._sampling, self._generator)
            total += float(logits.log_softmax(0)[token])
            row.append(token)
            given = torch.tensor([token], device=self._device)
            if token == EOS:
                break
        row += [PAD] * (FIELDS - len(row))
        first = self._layout.first
        at = self.now if row[0] == EOS else STEPS * (self.quarter + row[1] - first["time1"]) + row[2] - first["time2"]
        return row, at, total

    def _allowed(self, row: Row, permitted: Permitted) -> NDArray[np.bool_]:
        """The ids that may be next in a row."""
        layout, places = self._layout, permitted.places
        state = self._grammar.within(self.step)
        mask = np.array(self._grammar.following(state, row))
        if not row:
            for number, kind in layout.kind_of.items():
                mask[number] &= kind in permitted.kinds
            mask[EOS] &= permitted.may_end
            return mask
        kind = layout.kind_of[row[0]]
        name = layout.parameters[kind][len(row) - 1] if len(row) <= len(layout.parameters[kind]) else ""
        if name == "time1":
            least = max(0, permitted.floor // STEPS - self.quarter)
            if least >= layout.sizes["time1"]:
                raise RegionError("the region begins after a silence that is longer than the model's ids reach")
            mask[layout.first["time1"] : layout.first["time1"] + least] = False
        elif name == "time2":
            quarter = self.quarter + row[1] - layout.first["time1"]
            least = min(max(0, permitted.floor - STEPS * quarter), STEPS)
            mask[layout.first["time2"] : layout.first["time2"] + least] = False
        elif name in ("track", "channel") and places is not None and "channel" in layout.parameters[kind]:
            known = {track for track, _ in places} if name == "track" else {
                channel for track, channel in places if track == row[3] - layout.first["track"]}  # fmt: skip
            others = [value for value in range(layout.sizes[name]) if value not in known]
            mask[[layout.first[name] + value for value in others]] = False
        return mask
