"""Likelihood of rows under a region model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

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


def stretches_of(score: Score, window: int, with_pedal: bool = False, stride: int | None = None) -> Iterator[r.Rows]:
    """All notes of a score in stretches of whole bars that fit a window; a bar that does not fit is cut.

    Args:
        score: the piece.
        window: rows of a stretch, at most.
        with_pedal: whether presses of the sustain pedal are events too.
        stride: rows of a stretch that are left for what is new in it, about; the bars before fill the others, given
            and not predicted. None for stretches without anything given.
    """
    events = grid_events(score, with_pedal=with_pedal)
    bar = int(events.bar[0]) if len(events) else 0
    while len(events) and bar <= int(events.bar[-1]):
        given = _given_from(events.bar, bar, window - stride) if stride is not None else bar
        rows = arrange_stretch(events, given, window)
        first, begin = events.edge(given), bar
        held = np.searchsorted(events.bar_starts, first + rows[-1, r.TIME], side="right") - 1
        if len(rows) == window and held < begin:  # what is given has taken all the room
            rows = arrange_stretch(events, bar, window)
            first, given = events.edge(bar), bar
            held = np.searchsorted(events.bar_starts, first + rows[-1, r.TIME], side="right") - 1
        bar = int(held) + 1
        if len(rows) == window and held > begin:  # the last bar may be cut: the next stretch begins with it
            bar = int(held)
            rows = rows[rows[:, r.TIME] < events.edge(bar) - first]
        known = (rows[:, r.TIME] < events.edge(begin) - first) & (rows[:, r.KIND] >= r.NOTE)
        rows[known, r.PREDICTED] = 0
        later = events.bar[events.bar >= bar]
        bar = int(later[0]) if len(later) else int(events.bar[-1]) + 1
        yield rows


def _given_from(bars: NDArray[np.int64], bar: int, room: int) -> int:
    """The first bar from which on the notes before a bar are no more than this many; bars are those of the notes."""
    end = int(np.searchsorted(bars, bar))
    starts = np.unique(bars[:end])
    fits = starts[end - np.searchsorted(bars, starts) <= room]
    return int(fits[0]) if len(fits) else bar
