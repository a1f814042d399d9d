"""Several pieces of rows that are written at the same time: the weights are read once for all of them."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from symbolic_music.generation.decoding.row_sampler import Permitted, Row, RowSampler
from symbolic_music.generation.decoding.sampling import Sampling, draw
from symbolic_music.generation.inference.ragged_rows import RaggedRows
from symbolic_music.models import Model
from symbolic_music.tokenizers.public.skytnt_vocabulary import EOS, FIELDS, PAD, STEPS

# Pieces that are written at the same time, at most: a full window of the published shape is 400 MB.
AT_ONCE = 8
Result = TypeVar("Result")


class RowDrawn(NamedTuple):
    """A row that might be next, when it is, in steps, and its log-probability."""

    row: Row
    step: int
    log_probability: float


Writer = Generator[Permitted, RowDrawn, Result]


class RowLine(RowSampler):
    """One of several pieces: rows are fed to it as to a `RowSampler`, and drawn for all of them by `RowLines`."""

    def taken(self) -> list[Row]:
        """The rows that were fed and not read yet, which now are."""
        rows, self._pending = self._pending, []
        return rows

    def drawn_id(self, logits: Tensor, row: Row, permitted: Permitted) -> tuple[int, float] | None:
        """The next id of a row under way, and its log-probability; None where the row is complete."""
        allowed = torch.from_numpy(self._allowed(row, permitted))
        if row and int(allowed.sum()) == 1 and allowed[PAD]:
            return None
        logits = logits.masked_fill(~allowed, float("-inf"))
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
        self._reader = RaggedRows(model.network, len(self.lines))
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
        given = torch.stack([self._states[number] for number in numbers])
        for _ in range(FIELDS):
            logits = self._network.row_step(given, cache).float().cpu()
            for place, number in enumerate(numbers):
                if number not in under_way:
                    continue
                drawn = self.lines[number].drawn_id(logits[place], rows[number], asked[number])
                if drawn is not None:
                    rows[number].append(drawn[0])
                    totals[number] += drawn[1]
                if drawn is None or drawn[0] == EOS:
                    under_way.remove(number)
            if not under_way:
                break
            last = [rows[number][-1] if number in under_way else PAD for number in numbers]
            given = torch.tensor(last, device=self._device)
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


def written_together(lines: RowLines, writers: Sequence[Writer[Result]]) -> list[Result]:
    """What each writer returns; it yields what it permits, and gets what is drawn for its piece."""
    asked = {number: next(writer) for number, writer in enumerate(writers)}
    found: dict[int, Result] = {}
    while asked:
        for number, drawn in lines.draw(asked).items():
            try:
                asked[number] = writers[number].send(drawn)
            except StopIteration as stop:
                found[number] = stop.value
                del asked[number]
    return [found[number] for number in range(len(writers))]
