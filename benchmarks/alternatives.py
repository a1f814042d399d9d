"""Alternatives side by side: notes a second of CPU time by their number, and of as many edits of one.

    python benchmarks/alternatives.py SONG [--model song] [--bars 20 27] [--rounds 3] [--threads 1]

The bars of the first two tracks of a song are rewritten; the model is loaded and warm. Rounds are interleaved, the
fastest counts. Writes benchmarks/results/alternatives.json.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from arguments import parser_of
from result_file import row, write_result

import symbolic_music as sm

COUNTS = (1, 4, 8, 16)


def main() -> None:
    parser = parser_of(("song", Path), model="song", rounds=3, threads=1)
    parser.add_argument("--bars", type=int, nargs=2, default=(20, 27))
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    score, model = sm.read(asked.song), sm.load_model(asked.model, device="cpu")
    tracks = np.unique(score.notes["track"])[:2].tolist()
    best = dict.fromkeys(COUNTS, 0.0)
    for number in range(asked.rounds + 1):
        for count in COUNTS:
            session = sm.edit(score, bars=tuple(asked.bars), tracks=tracks, model=model, count=count, seed=1)
            begun = time.process_time()
            notes = sum(1 for _ in session.stream())
            rate = notes / (time.process_time() - begun)
            if number:  # the first round warms up
                best[count] = max(best[count], rate)
    rows = [row(f"{count} side by side", best[count], "notes/s", best[1], "one at a time", best[count] / best[1])
            for count in COUNTS]  # fmt: skip
    write_result("alternatives", asked.rounds, rows, f"{asked.threads} used, CPU time")


if __name__ == "__main__":
    main()
