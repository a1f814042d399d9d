"""Note-wise NLL of frame transformers on JSB Chorales: each alone, as mixtures, and all of them as one.

python benchmarks/chorale_frames.py Jsb16thSeparated.json RUN...

Writes results/chorale_frames.json. Each RUN is a folder that `train configs/chorale-frames.yaml` left. A mixture's
probability of a token is the mean of its members', given the same tokens before, so it is a likelihood by the chain
rule as each member's is. Members are the runs, the twelve transpositions of what is asked, and these again under masks
of half the dropout (after Gal & Ghahramani 2016, who average over the whole).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from arguments import arguments
from result_file import row, write_result
from torch import Tensor, nn
from tqdm import tqdm

import symbolic_music as sm
from symbolic_music.corpora.datasets.chorale_grid import Grid, read_grids
from symbolic_music.models.architectures.frame_transformer import PITCHES, SILENCE, FrameTransformer
from symbolic_music.models.modules.decoder_block import RelativeAttention

SHIFTS = range(-6, 6)


def read(run: Path) -> FrameTransformer:
    """The best weights of a run."""
    network = sm.load_model(str(run / "best"), device="cpu").network
    assert isinstance(network, FrameTransformer)
    return network.eval()


def masked(network: FrameTransformer, on: bool) -> None:
    """Half the dropout on or off, and nothing else of what training does."""
    for part in network.modules():
        if isinstance(part, nn.Dropout):
            part.p = network.config.dropout / 2
        elif isinstance(part, RelativeAttention):
            part.dropout = network.config.dropout / 2
        else:
            continue
        part.train(on)


def members(network: FrameTransformer, grid: Grid, shifts: Sequence[int]) -> Tensor:
    """Log probability of each token of a chorale (F, V) as heard at each transposition, (shifts, F, V)."""
    frames = torch.from_numpy(grid).long()
    frames = torch.where(frames < 0, SILENCE, frames)
    moved = torch.stack([torch.where(frames < PITCHES, frames + shift, frames) for shift in shifts])
    logits = network.frame_logits(moved)
    return logits.log_softmax(-1).gather(-1, moved[..., None])[..., 0].double()


def nats(log_probabilities: Tensor) -> float:
    """Of all tokens, under the mixture of members along the first dimension."""
    return float((math.log(len(log_probabilities)) - log_probabilities.logsumexp(0)).sum())


@torch.no_grad()
def measured(networks: list[FrameTransformer], grids: list[Grid], names: list[str]) -> dict[str, float]:
    """Nats a token of a split, by what is mixed."""
    sums: dict[str, float] = {}
    for grid in tqdm(grids):
        alone, all_members = [], []
        for name, network in zip(names, networks, strict=True):
            masked(network, False)
            plain = members(network, grid, SHIFTS)
            masked(network, True)
            dropped = members(network, grid, SHIFTS)
            alone.append(plain[SHIFTS.index(0)])
            all_members += [plain, dropped]
            for what, mixed in (
                (f"{name}: alone", plain[SHIFTS.index(0)][None]),
                (f"{name}: 12 transpositions", plain),
                (f"{name}: 12 transpositions, and with dropout", torch.cat([plain, dropped])),
            ):
                sums[what] = sums.get(what, 0.0) + nats(mixed)
        for what, mixed in (
            (f"all {len(names)}: alone", torch.stack(alone)),
            (f"all {len(names)}: 12 transpositions, and with dropout", torch.cat(all_members)),
        ):
            sums[what] = sums.get(what, 0.0) + nats(mixed)
    tokens = sum(grid.size for grid in grids)
    return {what: total / tokens for what, total in sums.items()}


def main() -> None:
    asked = arguments("path", ("runs+", Path))
    torch.manual_seed(0)
    networks, splits = [read(run) for run in asked.runs], read_grids(asked.path)
    names = [run.name for run in asked.runs]
    rows = []
    for split in ("valid", "test"):
        found = measured(networks, splits[split], names)
        rows += [row(f"{what}, {split}", value, "nats") for what, value in found.items()]
    n = {split: len(splits[split]) for split in ("valid", "test")}
    parameters = [sum(p.numel() for p in network.parameters()) for network in networks]
    write_result("chorale_frames", n, rows, parameters=parameters)


if __name__ == "__main__":
    main()
