"""Likelihood of music under a model, in the units that papers use."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.corpora.windows.edit_examples import padded
from symbolic_music.models.architectures.anticipatory import AnticipatoryTransformer
from symbolic_music.models.modules.chunked_loss import IGNORED, each_nats, total_nats
from symbolic_music.models.protocol import WithHead
from symbolic_music.tokenizers.anticipation.events import REST_NOTE


@dataclass(frozen=True)
class Likelihood:
    """Negative log-likelihood of a set of sequences, summed, and what to divide it by.

    Args:
        nats: of all predicted tokens.
        tokens: predicted; compound words count as one.
        notes: that the tokens stand for.
        seconds: length of the music.
        parts: nats and count of each kind of prediction, such as event, time, duration and note.

    Examples:
        >>> found = sm.evaluation.Likelihood(nats=600.0, tokens=300, notes=100, seconds=25.0)
        >>> found.per_token, found.per_note, round(found.bits_per_second, 1)
        (2.0, 6.0, 34.6)
    """

    nats: float = 0.0
    tokens: int = 0
    notes: int = 0
    seconds: float = 0.0
    parts: Mapping[str, tuple[float, int]] = field(default_factory=dict)

    @property
    def per_token(self) -> float:
        """Nats a token."""
        return _ratio(self.nats, self.tokens)

    @property
    def per_note(self) -> float:
        """Nats a note, what the rests between cost included."""
        return _ratio(self.nats, self.notes)

    @property
    def bits_per_second(self) -> float:
        """Bits a second of music (Thickstun et al. 2024, section 5)."""
        return _ratio(self.nats / math.log(2), self.seconds)

    @property
    def perplexities(self) -> dict[str, float]:
        """exp of the mean nats of each part; those of events are of whole events (Thickstun et al. 2024, table 1)."""
        return {name: math.exp(nats / count) for name, (nats, count) in self.parts.items() if count}

    def __add__(self, other: Likelihood) -> Likelihood:
        parts = dict(self.parts)
        for name, (nats, count) in other.parts.items():
            mine = parts.get(name, (0.0, 0))
            parts[name] = (mine[0] + nats, mine[1] + count)
        return Likelihood(
            self.nats + other.nats, self.tokens + other.tokens, self.notes + other.notes,
            self.seconds + other.seconds, parts,
        )  # fmt: skip


def _ratio(a: float, b: float) -> float:
    return a / b if b else math.nan


def likelihood(network: AnticipatoryTransformer, sequences: Sequence[NDArray[np.int64]], batch: int = 16) -> Likelihood:
    """Likelihood of sequences of rows (see `corpora.windows.edit_examples.rows`) under a network.

    Controls are given and cost nothing; the separator that ends a piece is not counted. A token is an id, three an
    event.

    Examples:
        >>> from symbolic_music.corpora.windows.edit_examples import rows
        >>> network = sm.load_model("chorales").network  # of violins, violas and cellos: programs 40 to 43
        >>> notes = [(0, 60, 128 * 40 + 60), (60, 60, 128 * 40 + 62), (120, 120, 128 * 40 + 64)]
        >>> events = rows(np.array(notes), np.zeros(3, bool))  # times in steps of 10 ms, no controls
        >>> found = sm.evaluation.likelihood(network, [events])
        >>> found.notes, found.tokens
        (3, 9)
    """
    return sum(likelihoods(network, sequences, batch), Likelihood())


@torch.no_grad()
def likelihoods(
    network: AnticipatoryTransformer, sequences: Sequence[NDArray[np.int64]], batch: int = 16
) -> list[Likelihood]:
    """The likelihood of each sequence, as in `likelihood`."""
    was_training = network.training
    network.eval()
    device = next(network.parameters()).device
    found: list[Likelihood] = [Likelihood()] * len(sequences)
    by_length = sorted(range(len(sequences)), key=lambda i: len(sequences[i]))
    for start in range(0, len(by_length), batch):
        chosen = by_length[start : start + batch]
        own = [sequences[i] for i in chosen]
        table = torch.from_numpy(padded(own, max(map(len, own)))).to(device)
        losses = network.losses(table)
        events = losses["events"]
        notes = (events & (table[:, 1:, 2] != REST_NOTE)).sum(1).tolist()
        times = torch.where(events, table[:, 1:, 0], 0).amax(dim=1).tolist()
        counts = events.sum(1).tolist()
        nats = {
            "time": (losses["time"] * events).double().flatten(1).sum(1).tolist(),
            "duration": losses["duration"].double().flatten(1).sum(1).tolist(),
            "note": losses["note"].double().flatten(1).sum(1).tolist(),
        }
        for row, place in enumerate(chosen):
            parts = {name: values[row] for name, values in nats.items()}
            parts = {"event": sum(parts.values()), **parts}
            count = int(counts[row])
            found[place] = Likelihood(
                parts["event"], 3 * count, int(notes[row]), float(times[row]) / 100,
                {name: (value, count) for name, value in parts.items()},
            )  # fmt: skip
    network.train(was_training)
    return found


def token_nats(network: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    """Nats of the ids after the first, summed.

    Args:
        network: a `models.protocol.TokenModel`.
        ids: (B, L), or (B, L, fields) of compound words, whose fields' nats are added; the id `network.ignored`, where
            it has one, counts nothing.
        mask: (B, L), where there are ids.
    """
    if not isinstance(network, WithHead):
        return nats_of_tokens(network, ids, mask).sum()
    states, weight, bias = network.before_head(ids)
    return total_nats(states[:, :-1].flatten(0, 1), weight, bias, _wanted(network, ids, mask).flatten())


def nats_of_tokens(network: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    """Nats of each id after the first, as in `token_nats`: (B, L - 1), 0 where the mask is false."""
    if isinstance(network, WithHead):
        states, weight, bias = network.before_head(ids)
        wanted = _wanted(network, ids, mask)
        return each_nats(states[:, :-1].flatten(0, 1), weight, bias, wanted.flatten()).view(wanted.shape)
    # All ids go in: the logits of compound words are conditioned on the leading field of the next word.
    found: Any = network(ids)
    fields = [(found, ids)] if isinstance(found, Tensor) else [(one, ids[..., i]) for i, one in enumerate(found)]
    each = [
        functional.cross_entropy(
            logits[:, :-1].float().transpose(1, 2), _wanted(network, own, mask), reduction="none", ignore_index=IGNORED
        )
        for logits, own in fields
    ]
    return torch.stack(each).sum(0)


def _wanted(network: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    """The ids after the first, IGNORED where there are none: no number of them is read from the device."""
    ids, mask = ids[:, 1:], mask[:, 1:]
    ignored = getattr(network, "ignored", None)
    return ids.masked_fill(~mask if ignored is None else ~mask | (ids == ignored), IGNORED)
