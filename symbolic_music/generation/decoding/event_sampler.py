"""Sample the anticipatory encoding with a network over its 55,028 ids: many alternatives and pieces at once.

Rows follow each other as in training (Thickstun et al. 2024, algorithm 1): before each event all controls due within
five seconds of the event before it, and a REST wherever a second passes without an onset. `event_windows` says what the
model is shown, and so what its distributions are. Of these, only the ids that may follow are computed:

- times: from the newest event (and the start of the region) to `longest_gap` steps after it, a second unless set
  otherwise, as in the training data, where REST fills wider gaps; and SEPARATOR where the model may end the piece;
- durations: all 1,000;
- notes: those of the instruments that may be written, and REST where it stands in training, one second after the event
  before and with duration 0.

From these what the constraints forbid is taken away. Where one id is left, it is not requested. The draw of an
alternative depends on the seed, its request's number and its own number alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from symbolic_music.errors import ModelError, OptionError
from symbolic_music.generation.decoding.context_window import Layout
from symbolic_music.generation.decoding.event_alternatives import Choice, Group, Line
from symbolic_music.generation.decoding.event_request import Alternative, Drawn, Request
from symbolic_music.generation.decoding.sampling import Floats, Sampling, choose, filtered, log_softmax
from symbolic_music.generation.inference.backends import Network, context_of, reader_of
from symbolic_music.tokenizers.anticipation import vocabulary as v

_DEFAULT = Sampling()


@dataclass(frozen=True)
class EventSampling:
    """How each field of an event is drawn.

    Examples:
        >>> config = sm.models.GPT2Config(width=32, layers=2, heads=2)
        >>> network = sm.models.GPT2(config).eval()  # of random weights; `load_pretrained` gives trained ones
        >>> request = sm.generation.Request(end=100, instruments=(0,))  # a second of piano
        >>> bold = sm.generation.EventSampling(note=sm.Sampling(temperature=1.2))
        >>> len(sm.generation.sample_anticipation(network, request, sampling=bold))
        1
    """

    time: Sampling = _DEFAULT
    duration: Sampling = _DEFAULT
    note: Sampling = _DEFAULT


def sample_anticipation(
    model: Network,
    requests: Request | Sequence[Request],
    count: int = 1,
    sampling: Sampling | EventSampling = _DEFAULT,
    seed: int = 0,
    hop: int | None = None,
    longest_gap: int = v.DENSITY,
) -> list[list[Alternative]]:
    """Alternatives of each request, `count` of each.

    Args, errors: those of `AnticipationSampler`.

    Examples:
        >>> config = sm.models.GPT2Config(width=32, layers=2, heads=2)
        >>> network = sm.models.GPT2(config).eval()  # of random weights; `load_pretrained` gives trained ones
        >>> request = sm.generation.Request(end=100, instruments=(0,))  # a second of piano
        >>> ((alternative,),) = sm.generation.sample_anticipation(network, request, seed=1)
        >>> alternative.rows.shape[1]  # time, duration, note
        3
    """
    sampler = AnticipationSampler(model, requests, count, sampling, seed, hop, longest_gap)
    for _ in sampler.stream():
        pass
    return sampler.alternatives()


class AnticipationSampler:
    """A sampler that hands out notes as they are drawn.

    Args:
        model: in evaluation mode; `PreparedGPT2` spares preparing it again for each call.
        requests: one or several, of as many pieces; all are written side by side.
        count: alternatives of each.
        sampling: for all fields, or for each.
        seed: the same seed gives the same notes.
        hop: rows by which a full window slides, half of it when omitted: see `event_windows`.
        longest_gap: steps that an event may be after the one before, at least 100.
        beat: steps; windows begin on multiples of it, for models of musical time.

    Raises:
        OptionError: for numbers out of range.
        ModelError: when the model has another vocabulary, or its logits are not finite.
        ConstraintError: while drawing, when nothing may follow.

    Examples:
        >>> config = sm.models.GPT2Config(width=32, layers=2, heads=2)
        >>> network = sm.models.GPT2(config).eval()  # of random weights; `load_pretrained` gives trained ones
        >>> request = sm.generation.Request(end=100, instruments=(0,))  # a second of piano
        >>> sampler = sm.generation.AnticipationSampler(network, request, seed=1)
        >>> all(note.time < 100 for note in sampler.stream())
        True
    """

    def __init__(
        self,
        model: Network,
        requests: Request | Sequence[Request],
        count: int = 1,
        sampling: Sampling | EventSampling = _DEFAULT,
        seed: int = 0,
        hop: int | None = None,
        longest_gap: int = v.DENSITY,
        beat: int = 1,
    ) -> None:
        requests = [requests] if isinstance(requests, Request) else list(requests)
        if count < 1 or not requests:
            raise OptionError("at least one alternative of one request is needed")
        if not v.DENSITY <= longest_gap < v.MAX_TIME:
            raise OptionError(f"the longest gap is 100..9999 steps, not {longest_gap}")
        self._sampling = EventSampling(sampling, sampling, sampling) if isinstance(sampling, Sampling) else sampling
        self._gap = longest_gap
        layout = Layout.of(context_of(model), hop, beat)
        self._groups = [Group(r, i, count, layout, seed, longest_gap) for i, r in enumerate(requests)]
        self._lines = [line for group in self._groups for line in group.lines]
        self._reader = reader_of(model, len(self._lines))
        self._is_read = False

    def alternatives(self) -> list[list[Alternative]]:
        """The alternatives so far; complete when the stream is exhausted."""
        return [[line.result() for line in group.lines] for group in self._groups]

    def stream(self) -> Iterator[Drawn]:
        """Notes as they are drawn, until all requests are done. Closing the iterator ends it; a new one goes on."""
        self._prefill()
        while self._draw_times():
            self._draw_durations()
            yield from self._draw_notes()

    def _prefill(self) -> None:
        """Read what the alternatives of a request share once: all but its last id."""
        if self._is_read:
            return
        shared = [group.lines[0] for group in self._groups if len(group.lines[0].pending) > 1]
        if shared:
            self._read(shared, [line.pending[:-1] for line in shared])
        for group in self._groups:
            source, *others = (line.place for line in group.lines)
            self._reader.copy(source, others)
            for line in group.lines:
                line.pending = line.pending[-1:]
        self._is_read = True

    def _states(self, lines: Sequence[Line]) -> torch.Tensor:
        for line in lines:
            if line.restart:
                self._reader.restart(line.place)
                line.restart = False
        states = self._read(lines, [line.pending for line in lines])
        for line in lines:
            line.pending = []
        return states

    def _read(self, lines: Sequence[Line], ids: Sequence[Sequence[int]]) -> torch.Tensor:
        nows = [line.window.time_id(line.window.now) for line in lines]
        return self._reader.read([line.place for line in lines], ids, nows)

    def _draw_times(self) -> bool:
        """Draw the onset of one event for each alternative that is not done; False when all are."""
        choices = [choice for group in self._groups for choice in group.times()]
        if choices:
            states = self._states([line for line, _ in choices])
            logits = np.full((len(choices), self._gap + 2), -np.inf)
            for i, (line, mask) in enumerate(choices):
                first = line.window.time_id(line.window.now)
                last = min(first + self._gap + 1, v.DURATION)
                logits[i, : last - first] = to_array(self._reader.times(states[i : i + 1], first, last))[0]
                if mask[-1]:
                    logits[i, -1:] = to_array(self._reader.separator(states[i : i + 1]))[0]
            groups = {line.place: group for group in self._groups for line in group.lines}
            waiting = list(range(len(choices)))
            while waiting:
                drawn = _drawn(logits[waiting], [choices[i] for i in waiting], self._sampling.time, 0)
                again = []
                for i, index in zip(waiting, drawn, strict=True):
                    line, mask = choices[i]
                    if groups[line.place].is_possible(line, index):
                        line.choose_time(index)
                        continue
                    mask[index] = False
                    if not mask.any():
                        raise groups[line.place].contradiction(line, "at no onset that is left may a note begin")
                    again.append(i)
                waiting = again
        return any(not line.done for line in self._lines)

    def _draw_durations(self) -> None:
        choices = [choice for group in self._groups for choice in group.durations()]
        if choices:
            logits = to_array(self._reader.durations(self._states([line for line, _ in choices])))
            drawn = _drawn(logits, choices, self._sampling.duration, 1)
            for (line, _), duration in zip(choices, drawn, strict=True):
                line.choose_duration(duration)

    def _draw_notes(self) -> list[Drawn]:
        found = [(group, choice) for group in self._groups for choice in group.pitches()]
        if found:
            states = self._states([line for _, (line, _) in found])
            for instruments in dict.fromkeys(group.request.instruments for group, _ in found):
                own = [i for i, (group, _) in enumerate(found) if group.request.instruments == instruments]
                logits = to_array(self._reader.notes(states[own], instruments))
                drawn = _drawn(logits, [found[i][1] for i in own], self._sampling.note, 2)
                for i, index in zip(own, drawn, strict=True):
                    group, (line, _) = found[i]
                    line.choose_note(group.note(index))
        return [drawn for group in self._groups for drawn in group.take()]


def to_array(logits: torch.Tensor) -> Floats:
    return np.asarray(logits.double().cpu().numpy())


def _drawn(logits: Floats, choices: Sequence[Choice], sampling: Sampling, field: int) -> list[int]:
    """An index for each line; its log-probability is noted."""
    masks = np.stack([mask for _, mask in choices])
    if not np.isfinite(logits[masks]).all():
        raise ModelError("the model's logits are not finite: its weights are broken")
    logits = np.where(masks, logits, -np.inf)
    scores = log_softmax(logits)
    uniform = np.array([line.random.random() for line, _ in choices])
    drawn = choose(filtered(logits, sampling), uniform)
    for i, (line, _) in enumerate(choices):
        line.scores[field] = float(scores[i, drawn[i]])
    return [int(index) for index in drawn]
