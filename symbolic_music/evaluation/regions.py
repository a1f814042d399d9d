"""Likelihood of rows under a region model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from symbolic_music.evaluation.likelihood import Likelihood
from symbolic_music.models.architectures.region_transformer import RegionTransformer
from symbolic_music.score import Score
from symbolic_music.tokenizers.region import rows as r
from symbolic_music.tokenizers.region.arrangement import arrange_stretch
from symbolic_music.tokenizers.region.events import grid_events

# What is counted of a note: its time, track, pitch and duration, with the rests before it, and the header.
COUNTED = ("gap", "slot", "key", "duration", "instrument")


@torch.no_grad()
def region_likelihood(network: RegionTransformer, sequences: Sequence[r.Rows], batch: int = 8) -> Likelihood:
    """Likelihood of sequences of rows: nats of the fields `COUNTED`, tokens are the notes predicted.

    The parts hold each field, velocity too, and `written`: the notes of spans. Seconds are at 100 quarters a minute.
    """
    was_training = network.training
    network.eval()
    device = network.kind.weight.device
    nats, notes, steps = 0.0, 0, 0
    parts: dict[str, tuple[float, int]] = {}
    by_length = sorted(sequences, key=len)
    for start in range(0, len(by_length), batch):
        own = by_length[start : start + batch]
        found = network.losses(torch.from_numpy(r.collate(own, max(map(len, own)))).to(device))
        count = int(found["notes"].sum())
        for name in (*COUNTED, "velocity"):
            before = parts.get(name, (0.0, 0))
            parts[name] = (before[0] + float(found[name].double().sum()), before[1] + count)
        written = found["written"]
        each = torch.stack([found[name] for name in COUNTED]).double().sum(0)
        before = parts.get("written", (0.0, 0))
        parts["written"] = (before[0] + float((each * written).sum()), before[1] + int(written.sum()))
        nats, notes = nats + float(each.sum()), notes + count
        steps += sum(int(one[:, r.TIME].max() - one[:, r.TIME].min()) for one in own)
    network.train(was_training)
    return Likelihood(nats, notes, notes, steps / 100, parts)


def stretches_of(score: Score, window: int, with_pedal: bool = False) -> Iterator[r.Rows]:
    """All notes of a score in stretches of whole bars that fit a window; a bar that does not fit is cut."""
    events = grid_events(score, with_pedal=with_pedal)
    bar = int(events.bar[0]) if len(events) else 0
    while len(events) and bar <= int(events.bar[-1]):
        rows = arrange_stretch(events, bar, window)
        first, begin = events.edge(bar), bar
        held = np.searchsorted(events.bar_starts, first + rows[-1, r.TIME], side="right") - 1
        bar = int(held) + 1
        if len(rows) == window and held > begin:  # the last bar may be cut: the next stretch begins with it
            bar = int(held)
            rows = rows[rows[:, r.TIME] < events.edge(bar) - first]
        later = events.bar[events.bar >= bar]
        bar = int(later[0]) if len(later) else int(events.bar[-1]) + 1
        yield rows
