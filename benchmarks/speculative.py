"""Speculative sampling, 128 M for 780 M: the speed-up by the share of drafted draws that are taken.

    python benchmarks/speculative_pair.py draft LAKH_STORE FOLDER 40
    python benchmarks/speculative_pair.py large LAKH_STORE FOLDER 120
    python benchmarks/speculative.py FOLDER [--notes 20] [--weights float16]

The pair of FOLDER is trained here; each of the two is then widened to a published shape without changing what it
computes: see `speculative_pair`. Besides the draft of the pair, after all of its training and parts of it, the large
network drafts for itself in the small one's shape, at no noise and more on its weights, which moves the share that is
taken from 1 downwards. Each draft is measured in turn with the large network alone, which draws the same distribution.
One thread, processor time.

Writes benchmarks/results/speculative.json.
"""

from __future__ import annotations

import argparse
import copy
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from result_file import row, write_result
from speculative_pair import loaded, widened

from symbolic_music.generation.decoding.event_request import Request
from symbolic_music.generation.decoding.event_sampler import AnticipationSampler
from symbolic_music.generation.decoding.speculative import SpeculativeSampler
from symbolic_music.generation.inference.draft_model import DraftedGPT2
from symbolic_music.generation.inference.prepared_gpt2 import PreparedGPT2
from symbolic_music.models.architectures.gpt2 import GPT2

SMALL, LARGE = (768, 12), (1280, 36)  # width and layers of the published shapes


def noisy(network: GPT2, noise: float) -> GPT2:
    """With noise relative to the deviation of each matrix."""
    other = copy.deepcopy(network)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in other.parameters():
            if parameter.dim() == 2:
                parameter.add_(noise * float(parameter.std()) * torch.randn(parameter.shape, generator=generator))
    return other


def seconds(sampler: Any, notes: int) -> float:
    """CPU seconds a note, of the notes after the first two."""
    stream = sampler.stream()
    for _ in range(2):
        next(stream)
    begun = time.process_time()
    count = sum(1 for _, _ in zip(range(notes), stream, strict=False))
    return (time.process_time() - begun) / max(1, count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--notes", type=int, default=20)
    parser.add_argument("--weights", default="float16")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    past = np.stack([np.arange(0, 2000, 20), np.full(100, 40), 60 + np.arange(100) % 12], 1).astype(np.int32)
    request = Request(start=2000, end=40_000, past=past, most=asked.notes + 4)
    narrow = loaded("large", asked.folder)
    large = PreparedGPT2(widened(narrow, *LARGE), asked.weights)
    drafts = {f"trained, {part:.0%} of its time": loaded("draft", asked.folder, part) for part in (1.0, 0.5, 0.25)}
    drafts |= {f"the large one, noise {noise:g}": noisy(narrow, noise) for noise in (0.0, 0.1, 0.2, 0.4)}
    rows: list[dict[str, Any]] = []
    for name, network in drafts.items():
        draft = PreparedGPT2(widened(network, *SMALL), asked.weights)
        plain = seconds(AnticipationSampler(large, request, 1, seed=1), asked.notes)
        sampler = SpeculativeSampler(DraftedGPT2(large, draft), request, 1, seed=1)
        ours = seconds(sampler, asked.notes)
        taken = sampler.accepted / sampler.verified
        alone = seconds(AnticipationSampler(draft, request, 1, seed=1), asked.notes)
        title = f"780 M, drafted by 128 M ({name}): {taken:.2f} of the draws taken"
        rows.append({**row(title, 1 / ours, "notes/s", 1 / plain, "780 M alone", plain / ours),
                     "accepted": round(taken, 3), "draft_notes_a_second": round(1 / alone, 3)})  # fmt: skip
        write_result("speculative", asked.notes, rows, f"1 thread, processor time, {asked.weights} weights")


if __name__ == "__main__":
    main()
