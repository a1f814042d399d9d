"""Speculative sampling: the speed-up by the share of drafted draws that are taken.

    python benchmarks/speculative.py [--shapes 12x768 24x1024] [--notes 20]

Random weights on the CPU: the large network has the shape of the published small one unless said otherwise; its draft
is its first layer, with noise on its weights, which sets how many draws are taken. No trained pair of these
ids is at hand here; with the published checkpoints their agreement takes the place of the noise. Each pair is measured
in turn with the large network alone.

Writes benchmarks/results/speculative.json.
"""

from __future__ import annotations

import argparse
import copy
import time
from typing import Any

import numpy as np
import torch
from result_file import row, write_result

from symbolic_music.generation.decoding.event_request import Request
from symbolic_music.generation.decoding.event_sampler import AnticipationSampler
from symbolic_music.generation.decoding.speculative import SpeculativeSampler
from symbolic_music.generation.inference.drafted import DraftedGPT2
from symbolic_music.generation.inference.inference_gpt2 import PreparedGPT2
from symbolic_music.models.architectures.gpt2 import GPT2, GPT2Config


def truncated(network: GPT2, layers: int, noise: float) -> GPT2:
    """The first layers of a network, with noise relative to the deviation of each matrix."""
    small = copy.deepcopy(network)
    small.blocks = small.blocks[:layers]
    small.config = GPT2Config(**{**vars(network.config), "layers": layers})
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in small.parameters():
            if parameter.dim() == 2:
                parameter.add_(noise * float(parameter.std()) * torch.randn(parameter.shape, generator=generator))
    return small


def seconds(sampler: Any, notes: int) -> float:
    """CPU seconds a note, of the notes after the first two."""
    stream = sampler.stream()
    for _ in range(2):
        next(stream)
    begun = time.process_time()
    count = sum(1 for _, _ in zip(range(notes), stream, strict=False))
    return (time.process_time() - begun) / max(1, count)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--shapes", nargs="+", default=["12x768", "24x1024"], help="layers x width of the large one")
    parser.add_argument("--notes", type=int, default=20)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    past = np.stack([np.arange(0, 2000, 20), np.full(100, 40), 60 + np.arange(100) % 12], 1).astype(np.int32)
    request = Request(start=2000, end=40_000, past=past, most=asked.notes + 4)
    rows: list[dict[str, Any]] = []
    for shape in asked.shapes:
        layers, width = map(int, shape.split("x"))
        torch.manual_seed(0)
        network = GPT2(GPT2Config(layers=layers, width=width, heads=width // 64)).eval()
        large = PreparedGPT2(network)
        for noise in (0.0, 0.3, 0.6, 1.0):
            draft = PreparedGPT2(truncated(network, 1, noise))
            plain = seconds(AnticipationSampler(large, request, 1, seed=1), asked.notes)
            sampler = SpeculativeSampler(DraftedGPT2(large, draft), request, 1, seed=1)
            ours = seconds(sampler, asked.notes)
            taken = sampler.accepted / sampler.verified
            name = f"a note, 1 of {layers} layers draft, noise {noise:g}, {taken:.2f} of the draws taken"
            rows.append({**row(name, ours, "s", plain, "large alone", plain / ours), "accepted": round(taken, 3)})
            write_result("speculative", 1, rows, "1 thread, CPU time")


if __name__ == "__main__":
    main()
