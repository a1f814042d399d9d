"""What the notes of a region cost a region model, by what it is given: the past, the other tracks, what follows.

python benchmarks/region_context.py STORE MODEL [--split test] [--regions 3] [--bars 4] [--name region-context]

Of each piece of a split some regions of whole bars in one track with notes. Nats a note of time, track, pitch and
duration, rests and the end of the span included.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from arguments import arguments
from result_file import row, write_result

import symbolic_music as sm
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.evaluation.region_likelihood import COUNTED
from symbolic_music.models.architectures.region_transformer import RegionTransformer
from symbolic_music.tokenizers.region import GridEvents, arrange_edit, grid_events
from symbolic_music.tokenizers.region.rows import STATE, WRITTEN, Rows


def kept(events: GridEvents, mask: np.ndarray) -> GridEvents:
    """The piece with some of its notes."""
    names = ("time", "duration", "slot", "instrument", "pitch", "velocity", "bar")
    return dataclasses.replace(events, **{name: getattr(events, name)[mask] for name in names})


def arrangements(events: GridEvents, span: tuple[int, int], slot: int, window: int) -> dict[str, Rows]:
    """The region after the past alone, with the other tracks, with what follows, with both."""
    is_own = events.slot == slot
    inside = (events.time >= span[0]) & (events.time < span[1])
    past, after = events.time < span[0], events.time >= span[1]
    target = is_own & inside
    chosen = {
        "past alone": past | target,
        "and other tracks": past | target | (inside & ~is_own),
        "and what follows": past | target | (after & is_own),
        "everything": np.ones(len(events), bool),
    }
    return {name: arrange_edit(kept(events, mask), [span], [slot], window) for name, mask in chosen.items()}


@torch.no_grad()
def nats(network: RegionTransformer, rows: Rows) -> tuple[float, int]:
    """Nats of a region, and its notes."""
    table = torch.from_numpy(rows)[None]
    found = network.losses(table)
    written = table[:, 1:, STATE] >= WRITTEN
    return float(sum((found[name] * written).sum() for name in COUNTED)), int(found["written"].sum())


def main() -> None:
    asked = arguments("store", "model", split="test", regions=3, bars=4, name="region-context")
    torch.set_num_threads(1)
    network = sm.load_model(asked.model, device="cpu").network
    assert isinstance(network, RegionTransformer)
    store, rng = NoteStore(asked.store), np.random.default_rng(0)
    totals: dict[str, list[float]] = {}
    notes = regions = 0
    for piece in store.splits[asked.split].tolist():
        events = grid_events(store.music(piece))
        for _ in range(asked.regions):
            at = int(rng.integers(0, len(events)))
            first = int(events.bar[at])
            span = events.edge(first), events.edge(min(first + asked.bars, len(events.bar_starts)))
            found = arrangements(events, span, int(events.slot[at]), network.config.window)
            costs = {name: nats(network, rows) for name, rows in found.items()}
            regions, notes = regions + 1, notes + costs["everything"][1]
            for name, (cost, _) in costs.items():
                totals.setdefault(name, []).append(cost)
    figures = {name: sum(costs) / notes for name, costs in totals.items()}
    rows = [row(f"one track, {name}", value, "nats a note", ratio=value / figures["past alone"])
            for name, value in figures.items()]  # fmt: skip
    write_result(asked.name, regions, rows, notes=notes)


if __name__ == "__main__":
    main()
