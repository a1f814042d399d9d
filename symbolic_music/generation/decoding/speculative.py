"""Speculative sampling of events: a small model drafts draws ahead, a large one verifies them in one pass.

The draft's draw y, of distribution q, is taken with probability min(1, p(y) / q(y)), where p is the large model's
distribution; else another is drawn from what p has more than q, in proportion to it. What is drawn is of p, whatever q
is: Leviathan et al. 2023 (arXiv 2211.17192), theorem 1, and Chen et al. 2023 (arXiv 2302.01318). Both distributions are
those after temperature, filters, grammar and constraints.

Alternatives are written one after another.
"""

from __future__ import annotations

import copy
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from symbolic_music.errors import ModelError, OptionError
from symbolic_music.generation.constraints.base import Mask
from symbolic_music.generation.decoding.context_window import Layout
from symbolic_music.generation.decoding.event_alternatives import Group
from symbolic_music.generation.decoding.event_request import Alternative, Drawn, Request
from symbolic_music.generation.decoding.event_sampler import AnticipationSampler, EventSampling, to_array
from symbolic_music.generation.decoding.sampling import Floats, Sampling, choose, filtered, log_softmax
from symbolic_music.generation.inference.backends import GPT2Reader, context_of
from symbolic_music.generation.inference.draft_model import DraftedGPT2
from symbolic_music.tokenizers.anticipation import vocabulary as v

# Draws that are drafted at a time, at most: of eight events. After a round it is as many as were taken, and two.
AHEAD = 24
_DEFAULT = Sampling()
_TIME, _DURATION, _NOTE = range(3)


def acceptance(p: Floats, q: Floats, drawn: int) -> tuple[float, Floats]:
    """With what probability a draw of q is taken for one of p, and what is drawn from where it is not.

    Args:
        p, q: probabilities (n,).
        drawn: an index that q may draw.
    """
    share = min(1.0, float(p[drawn] / q[drawn]))
    more = np.maximum(p - q, 0.0)
    return share, more / more.sum() if more.sum() > 0 else p


def sampler_for(network: Any) -> type[AnticipationSampler] | type[SpeculativeSampler]:
    """The sampler of a network of anticipatory ids."""
    return SpeculativeSampler if isinstance(network, DraftedGPT2) else AnticipationSampler


@dataclass(frozen=True)
class _Ask:
    """A draw that is needed: which field of an event, and the mask of its candidates."""

    field: int
    mask: Mask


class SpeculativeSampler:
    """An `AnticipationSampler` with a draft; arguments and errors as there.

    `accepted` and `verified` count the draws that were taken, and all that were looked at.

    Args:
        ahead: draws that are drafted at a time, at most.
    """

    def __init__(
        self,
        model: DraftedGPT2,
        requests: Request | Sequence[Request],
        count: int = 1,
        sampling: Sampling | EventSampling = _DEFAULT,
        seed: int = 0,
        hop: int | None = None,
        longest_gap: int = v.DENSITY,
        beat: int = 1,
        ahead: int = AHEAD,
    ) -> None:
        requests = [requests] if isinstance(requests, Request) else list(requests)
        if count < 1 or not requests or ahead < 1:
            raise OptionError("at least one alternative of one request is needed, and one draw ahead")
        if not v.DENSITY <= longest_gap < v.MAX_TIME:
            raise OptionError(f"the longest gap is 100..9999 steps, not {longest_gap}")
        each = EventSampling(sampling, sampling, sampling) if isinstance(sampling, Sampling) else sampling
        self._sampling = (each.time, each.duration, each.note)
        self._gap, self._most, self._ahead = longest_gap, ahead, min(ahead, 6)
        layout = Layout.of(context_of(model), hop, beat)
        # Each alternative is a group of its own, with a seed of its own from the second on.
        self._groups = [
            [Group(r, i, 1, layout, _seed(seed, number), longest_gap) for number in range(count)]
            for i, r in enumerate(requests)
        ]
        self._large, self._small = _Tape(model.network), _Tape(model.draft)
        self._random = np.random.default_rng((seed, 1))
        self.accepted = self.verified = 0

    def alternatives(self) -> list[list[Alternative]]:
        """The alternatives so far; complete when the stream is exhausted."""
        return [[group.lines[0].result() for group in groups] for groups in self._groups]

    def stream(self) -> Iterator[Drawn]:
        """Notes as they are drawn, until all requests are done."""
        for groups in self._groups:
            for number, group in enumerate(groups):
                for drawn in self._write(group):
                    yield replace(drawn, alternative=number)

    def _write(self, group: Group) -> Iterator[Drawn]:
        line = group.lines[0]
        self._large.restart()
        self._small.restart()
        asks = _asks(group)
        ask = next(asks, None)
        while ask is not None:
            if line.restart:
                self._large.restart()
                self._small.restart()
                line.restart = False
            chunks, guesses = self._draft(group)
            states = self._large.read(chunks)
            self._ahead = min(self._most, len(guesses) + 2)
            for place, (drawn, q) in enumerate(guesses):
                p, scores = self._distribution(self._large, states[place], group, ask)
                share, rest = acceptance(p, q, drawn)
                index, was_taken = drawn, line.random.random() < share
                if not was_taken:
                    index = int(choose(rest[None], np.array([line.random.random()]))[0])
                self.verified, self.accepted = self.verified + 1, self.accepted + was_taken
                line.scores[ask.field] = float(scores[index])
                try:
                    ask = asks.send(index)
                except StopIteration:
                    ask = None
                yield from group.take()
                if ask is None:
                    break
                if not was_taken:
                    self._ahead = min(self._most, place + 2)
                    self._large.rewind(place)
                    self._small.rewind(place)
                    break
                if place + 1 < len(guesses):
                    # It has been read.
                    line.pending = []

    def _draft(self, group: Group) -> tuple[list[list[int]], list[tuple[int, Floats]]]:
        """Draws ahead by the small model: the ids to be read before each, the index drawn, and its distribution.

        The ids of the line that are not read yet go with the first.
        """
        twin, pending = _twin(group), group.lines[0].pending
        group.lines[0].pending, twin.lines[0].pending = [], []
        chunks: list[list[int]] = []
        guesses: list[tuple[int, Floats]] = []
        asks = _asks(twin)
        ask = next(asks, None)
        self._small.begin()
        while ask is not None and len(guesses) < self._ahead and not twin.lines[0].restart:
            chunks.append(pending if not chunks else twin.lines[0].pending)
            twin.lines[0].pending = []
            state = self._small.read_more(chunks[-1])
            q, _ = self._distribution(self._small, state, twin, ask)
            drawn = int(choose(q[None], self._random.random(1))[0])
            guesses.append((drawn, q))
            try:
                ask = asks.send(drawn)
            except StopIteration:
                ask = None
        return chunks, guesses

    def _distribution(self, tape: _Tape, state: Tensor, group: Group, ask: _Ask) -> tuple[Floats, Floats]:
        """Probabilities of the candidates of a draw, and their log-probabilities before temperature and filters."""
        reader, line = tape.reader, group.lines[0]
        if ask.field == _TIME:
            logits = np.full((1, self._gap + 2), -np.inf)
            first = line.window.time_id(line.window.now)
            last = min(first + self._gap + 1, v.DURATION)
            logits[0, : last - first] = to_array(reader.times(state, first, last))[0]
            if ask.mask[-1]:
                logits[0, -1:] = to_array(reader.separator(state))[0]
        elif ask.field == _DURATION:
            logits = to_array(reader.durations(state))
        else:
            logits = to_array(reader.notes(state, group.request.instruments))
        if not np.isfinite(logits[0][ask.mask]).all():
            raise ModelError("the model's logits are not finite: its weights are broken")
        logits = np.where(ask.mask, logits, -np.inf)
        return filtered(logits, self._sampling[ask.field])[0], log_softmax(logits)[0]


class _Tape:
    """One line of a model: what it reads in chunks can be taken back to the end of a chunk."""

    def __init__(self, network: Any) -> None:
        self.reader = GPT2Reader(network, 1)
        self._states: list[Tensor] = []
        self._lengths: list[int] = []
        self._last: Tensor | None = None

    def restart(self) -> None:
        """Forget everything."""
        self.reader.restart(0)
        self._last = None
        self.begin()

    def begin(self) -> None:
        """From here on it may be taken back."""
        self._states, self._lengths = [], []

    def read(self, chunks: Sequence[Sequence[int]]) -> list[Tensor]:
        """Append chunks of ids in one pass; the state (1, width) after each, for an empty one that before it."""
        self.begin()
        ends = np.cumsum([len(chunk) for chunk in chunks]) - 1
        start = self.reader.sequences.lengths[0]
        places = sorted({int(end) for end in ends if end >= 0})
        if places:
            states = self.reader.sequences.read_at([i for chunk in chunks for i in chunk], places)
        for end in ends.tolist():
            if end >= 0:
                at = places.index(end)
                self._last = states[at : at + 1]
            assert self._last is not None
            self._states.append(self._last)
            self._lengths.append(start + end + 1)
        return self._states

    def read_more(self, chunk: Sequence[int]) -> Tensor:
        """Append one more chunk; the state after it."""
        if chunk:
            self._last = self.reader.sequences.read_at(list(chunk), [len(chunk) - 1])
        assert self._last is not None
        self._states.append(self._last)
        self._lengths.append(self.reader.sequences.lengths[0])
        return self._last

    def rewind(self, place: int) -> None:
        """Forget what was read after a chunk."""
        self.reader.sequences.rewind(self._lengths[place])
        self._last = self._states[place]


def _asks(group: Group) -> Generator[_Ask, int, None]:
    """The draws that a group of one line needs, one after another; it goes on from wherever the line is."""
    line = group.lines[0]
    while True:
        if line.time is None:
            for _, mask in group.times():
                while True:
                    index = yield _Ask(_TIME, mask)
                    if group.is_possible(line, index):
                        break
                    mask[index] = False
                    if not mask.any():
                        raise group.contradiction(line, "at no onset that is left may a note begin")
                line.choose_time(index)
            if line.done:
                return
        if line.duration is None:
            for _, mask in group.durations():
                line.choose_duration((yield _Ask(_DURATION, mask)))
        if line.duration is not None:
            for _, mask in group.pitches():
                line.choose_note(group.note((yield _Ask(_NOTE, mask))))


def _twin(group: Group) -> Group:
    """A group whose line can go on without the group's."""
    twin = copy.copy(group)
    twin.part_from(group)
    return twin


def _seed(seed: int, number: int) -> int:
    return seed if not number else int(np.random.SeedSequence((seed, number)).generate_state(1)[0])
