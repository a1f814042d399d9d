"""Several pieces that are written id by id at the same time, with any token model and the grammar of its tokenizer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from symbolic_music.generation.decoding.sampling import Sampling, draw
from symbolic_music.generation.inference.token_backends import id_reader
from symbolic_music.models import Model
from symbolic_music.score import Array


class IdDrawn(NamedTuple):
    """An id that might be next, and its log-probability among those that were permitted."""

    token: int
    log_probability: float


class IdLine:
    """One of several pieces: ids are fed to it, and drawn for all of them by `IdLines`.

    Args:
        grammar: of the ids.
        generator: of random numbers.
    """

    def __init__(self, grammar: Any, generator: torch.Generator) -> None:
        self._grammar, self.generator = grammar, generator
        self.state: Any = grammar.start()
        self._pending: list[int] = []
        # Whether what was read before belongs to another piece.
        self.is_another = False

    def restart(self) -> None:
        """Begin another piece, with the same random numbers."""
        self.state, self._pending, self.is_another = self._grammar.start(), [], True

    def feed(self, ids: Iterable[int]) -> None:
        """Append ids.

        Raises:
            TokenError: when they do not obey the grammar.
        """
        for token in ids:
            self.state = self._grammar.advance(self.state, token)
            self._pending.append(token)

    def allowed(self, permitted: Array | None = None) -> Array:
        """Mask of the ids that may be next: of those that are permitted, all by default, those of the grammar."""
        allowed = np.array(self._grammar.allowed(self.state))
        return allowed if permitted is None else allowed & permitted

    def begin(self) -> int:
        """The first id of a piece, which is appended; of several that the grammar allows each is as likely."""
        first = torch.from_numpy(np.where(self.allowed(), 0.0, -np.inf))
        token = draw(first, Sampling(top_p=1.0), self.generator)
        self.feed([token])
        return token

    def taken(self) -> list[int]:
        """The ids that were fed and not read yet, which now are."""
        ids, self._pending, self.is_another = self._pending, [], False
        return ids


class IdLines:
    """Pieces that are written at the same time; each draws what it would draw alone, but for rounding.

    Args:
        model: of one sequence of ids; for words of several fields see `compound_sampler.draw_words`.
        sampling: of each id.
        generators: of random numbers, one a piece.
    """

    def __init__(self, model: Model[Any], sampling: Sampling, generators: Sequence[torch.Generator]) -> None:
        self.lines = [IdLine(model.tokenizer.grammar, generator) for generator in generators]
        self._sampling = sampling
        self.reader = id_reader(model.network.eval(), len(self.lines))
        self._states: dict[int, Tensor] = {}

    def draw(self, asked: Mapping[int, Array]) -> dict[int, IdDrawn]:
        """Of some pieces an id that might be next, one of a mask of at least one id; it is not appended."""
        numbers = sorted(asked)
        if not numbers:
            return {}
        self._read(numbers)
        # Logits of the ids between the first and the last that any piece may draw.
        ends = [np.flatnonzero(asked[number])[[0, -1]] for number in numbers]
        first, last = int(min(a for a, _ in ends)), int(max(b for _, b in ends)) + 1
        states = torch.stack([self._states[number] for number in numbers])
        rows = self.reader.logits(states, first, last).float().cpu()
        found = {}
        for number, row in zip(numbers, rows, strict=True):
            logits = row.masked_fill(~torch.from_numpy(asked[number][first:last]), float("-inf"))
            token = draw(logits, self._sampling, self.lines[number].generator)
            found[number] = IdDrawn(first + token, float(logits.log_softmax(0)[token]))
        return found

    def _read(self, numbers: Sequence[int]) -> None:
        self.reader.restart([number for number in numbers if self.lines[number].is_another])
        new = {number: ids for number in numbers if (ids := self.lines[number].taken())}
        if new:
            self._states |= dict(zip(new, self.reader.read([*new], [*new.values()]), strict=True))
