"""Several pieces of rows that are written at the same time: the weights are read once for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symbolic_music.generation.decoding.sampling import Sampling, draw
from symbolic_music.generation.decoding.skytnt_sampler import Permitted, Row, RowSampler
from symbolic_music.generation.inference.ragged_families import RaggedWindows
from symbolic_music.generation.inference.ragged_layers import RowStack
from symbolic_music.models import Model
from symbolic_music.tokenizers.public.skytnt_vocabulary import EOS, FIELDS, PAD, STEPS

# Pieces that are written at the same time, at most: a full window of the published shape is 400 MB.
AT_ONCE = 8


class RowDrawn(NamedTuple):
    """A row that might be next, when it is, in steps, and its log-probability."""

    row: Row
    step: int
    log_probability: float


class RowLine(RowSampler):
    """One of several pieces: rows are fed to it as to a `RowSampler`, and drawn for all of them by `RowLines`."""

    def taken(self) -> list[Row]:
        """The rows that were fed and not read yet, which now are."""
        rows, self._pending = self._pending, []
        return rows

    def allowed(self, row: Row, permitted: Permitted) -> NDArray[np.bool_]:
        """Mask of the ids that may be next in a row under way; none where it is complete."""
        mask = self._allowed(row, permitted)
        if row and mask[PAD] and mask.sum() == 1:
            mask[PAD] = False
        return mask

    def drawn_id(self, logits: Tensor) -> tuple[int, float]:
        """An id by its logits, minus infinity for those that are not allowed, and its log-probability."""
        token = draw(logits, self._sampling, self._generator)
        return token, float(logits.log_softmax(0)[token])

    def step_of(self, row: Row) -> int:
        """When a row would be, in steps."""
        first = self._layout.first
        if row[0] == EOS:
            return self.now
        return STEPS * (self.quarter + row[1] - first["time1"]) + row[2] - first["time2"]


class RowLines:
    """Pieces that are written at the same time; each draws what it would draw alone, but for rounding.

    Args:
        model: of rows.
        sampling: of each id.
        generators: of random numbers, one a piece.

    Raises:
        OptionError: for a model of other ids.
    """

    def __init__(self, model: Model[Any], sampling: Sampling, generators: Sequence[torch.Generator]) -> None:
        self.lines = [RowLine(model, sampling, generator) for generator in generators]
        self._network, self._device = model.network, model.device
        self._reader = RaggedWindows(RowStack(model.network), len(self.lines))
        self._states: dict[int, Tensor] = {}

    @torch.no_grad()
    def draw(self, asked: Mapping[int, Permitted]) -> dict[int, RowDrawn]:
        """Of some pieces a row that might be next; it is not appended."""
        numbers = sorted(asked)
        self._read(numbers)
        rows: dict[int, Row] = {number: [] for number in numbers}
        totals = dict.fromkeys(numbers, 0.0)
        under_way = set(numbers)
        cache = self._network.row_cache(len(numbers))
        # Inputs that the network has not been given yet: it is asked only where there is a choice.
        given = [torch.stack([self._states[number] for number in numbers])]
        for _ in range(FIELDS):
            masks = {number: self.lines[number].allowed(rows[number], asked[number]) for number in sorted(under_way)}
            under_way -= {number for number, mask in masks.items() if not mask.any()}
            if not under_way:
                break
            allowed = np.stack([masks[number] for number in numbers if number in under_way])
            ids = np.flatnonzero(allowed.any(axis=0))
            first, last = int(ids[0]), int(ids[-1]) + 1
            if (allowed.sum(axis=1) == 1).all():
                logits = torch.zeros(len(numbers), last - first)
            else:
                state = self._network.row_states(torch.stack(given, dim=1), cache)
                logits, given = self._network.logits(state, first, last).float().cpu(), []
            for place, number in enumerate(numbers):
                if number in under_way:
                    forbidden = torch.from_numpy(~masks[number][first:last])
                    token, log_probability = self.lines[number].drawn_id(
                        logits[place].masked_fill(forbidden, float("-inf"))
                    )
                    rows[number].append(first + token)
                    totals[number] += log_probability
                    if rows[number][-1] == EOS:
                        under_way.remove(number)
            newest = [rows[number][-1] if number in under_way else PAD for number in numbers]
            given.append(self._network.row_embedding(torch.tensor(newest, device=self._device)))
        found = {}
        for number in numbers:
            row = rows[number] + [PAD] * (FIELDS - len(rows[number]))
            found[number] = RowDrawn(row, self.lines[number].step_of(row), totals[number])
        return found

    def _read(self, numbers: Sequence[int]) -> None:
        new = {number: rows for number in numbers if (rows := self.lines[number].taken())}
        if new:
            for number, states in zip(new, self._reader.read([*new], [*new.values()]), strict=True):
                self._states[number] = states[-1]

    @torch.no_grad()
    def likelihoods(self, ahead: Sequence[Sequence[Row]]) -> list[float]:
        """Log-likelihood of rows that follow each piece, at least one; they are appended."""
        numbers = range(len(self.lines))
        self._read(numbers)
        before = [self._states[number] for number in numbers]
        read = self._reader.read(numbers, [list(rows) for rows in ahead])
        found = []
        for state, states, rows in zip(before, read, ahead, strict=True):
            given = torch.cat([state[None], states[:-1]])
            after = torch.tensor(rows, device=self._device)
            logits = self._network.row_logits(given[None], after[None])[0]
            nats = logits.float().log_softmax(-1).gather(-1, after[..., None])[..., 0]
            found.append(float((nats * (after != self._network.ignored)).sum()))
        return found
