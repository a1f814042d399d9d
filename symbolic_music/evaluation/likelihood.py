"""Likelihood of events under a model, in the units that papers use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from symbolic_music.corpora.anticipated import padded
from symbolic_music.models.anticipatory import AnticipatoryTransformer
from symbolic_music.tokenizers.anticipation_events import REST_NOTE


@dataclass(frozen=True)
class Likelihood:
    """Negative log-likelihood, in nats, summed over the predicted events of a set of sequences.

    Args:
        time, duration, note: the three parts of the events' nats; rests are part of them.
        events: predicted events, rests among them.
        notes: predicted notes.
        seconds: length of the music.
    """

    time: float
    duration: float
    note: float
    events: int
    notes: int
    seconds: float

    @property
    def nats(self) -> float:
        """All nats together."""
        return self.time + self.duration + self.note

    @property
    def per_token(self) -> float:
        """Nats an id, three ids an event."""
        return self.nats / (3 * self.events)

    @property
    def per_note(self) -> float:
        """Nats a note, what the rests between cost included."""
        return self.nats / self.notes

    @property
    def bits_per_second(self) -> float:
        """Bits a second of music (Thickstun et al. 2024, section 5)."""
        return self.nats / math.log(2) / self.seconds

    def __add__(self, other: Likelihood) -> Likelihood:
        return Likelihood(
            self.time + other.time,
            self.duration + other.duration,
            self.note + other.note,
            self.events + other.events,
            self.notes + other.notes,
            self.seconds + other.seconds,
        )


@torch.no_grad()
def likelihood(network: AnticipatoryTransformer, sequences: Sequence[NDArray[np.int64]], batch: int = 16) -> Likelihood:
    """Likelihood of sequences of rows (see `corpora.anticipated.rows`) under a network.

    Controls are given and cost nothing; the separator that ends a piece is not counted. Sequences longer
    than the window are cut to it.
    """
    was_training = network.training
    network.eval()
    device = next(network.parameters()).device
    total = Likelihood(0.0, 0.0, 0.0, 0, 0, 0.0)
    by_length = sorted(sequences, key=len)
    for start in range(0, len(by_length), batch):
        table = torch.from_numpy(padded(by_length[start : start + batch], network.config.window)).to(device)
        parts = network.losses(table)
        events = parts["events"]
        times = torch.where(events, table[:, 1:, 0], 0).amax(dim=1)
        total += Likelihood(
            float((parts["time"] * events).double().sum()),
            float(parts["duration"].double().sum()),
            float(parts["note"].double().sum()),
            int(events.sum()),
            int((events & (table[:, 1:, 2] != REST_NOTE)).sum()),
            float(times.sum()) / 100,
        )
    network.train(was_training)
    return total
