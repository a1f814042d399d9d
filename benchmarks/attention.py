"""Relative attention forward and backward, beside ordinary causal attention and the naive skew, in one run.

    python benchmarks/attention.py [--rounds 7] [--threads 2] [--lengths 2048,4096,8192]

Batch 2, 8 heads of width 64, float32, on the CPU, an embedding for each distance. Each round runs every contender once,
one after the other; times are medians over the rounds, and ratios are medians of each round's ratio, so that a slow
minute of the machine slows both. Seconds of the processor (those of all threads) say more than the clock where the
machine has other work; threads that wait for each other sleep (OMP_WAIT_POLICY=passive, unless it is set otherwise).
Memory is the peak of a fresh process less what it held with the arguments and after a small call; it includes the
result and the gradients. The contenders that keep all logits run at the first length alone. Writes
benchmarks/results/attention.json.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from arguments import parser_of
from result_file import row, write_result

BATCH, HEADS, WIDTH = 2, 8, 64
OURS, PLAIN, NAIVE, MASK = "relative_attention", "SDPA, causal", "naive skew", "skew as SDPA's mask"
PLAIN_DROPOUT = "SDPA, causal, dropout 0.1"
DROPOUT, SHORT, WINDOW = "dropout 0.1", "512 distances", "window 1,024"
TIME = "time and pitch apart"
VARIANTS = {DROPOUT: "dropout 0.1", SHORT: "512 distances distinguished", WINDOW: "the last 1,024 keys alone",
            TIME: "relative time and pitch too"}  # fmt: skip


def contender(name: str, length: int) -> Callable[[], None]:
    """Forward and backward of one of them, on arguments made here."""
    import torch
    from torch import Tensor
    from torch.nn import functional

    from symbolic_music.models.attention.relative import (
        reference_relative_attention,
        relative_attention,
        skewed_distance_logits,
    )
    from symbolic_music.models.attention.relative_terms import Differences, Relation

    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).requires_grad_()

    q, k, v = (random(BATCH, HEADS, length, WIDTH) for _ in range(3))
    leaves = [q, k, v]
    if name not in (PLAIN, PLAIN_DROPOUT):
        leaves.append(random(HEADS, 512 if name == SHORT else length, WIDTH))
    gradient = torch.randn(q.shape, generator=generator)

    def skewed_mask(q: Tensor, k: Tensor, v: Tensor, embeddings: Tensor) -> Tensor:
        future = torch.ones(length, length, dtype=torch.bool).triu(1)
        logits = (skewed_distance_logits(q, embeddings, length) * WIDTH**-0.5).masked_fill(future, float("-inf"))
        return functional.scaled_dot_product_attention(q, k, v, attn_mask=logits)

    functions: dict[str, Callable[..., Tensor]] = {
        OURS: relative_attention,
        PLAIN: lambda q, k, v: functional.scaled_dot_product_attention(q, k, v, is_causal=True),
        PLAIN_DROPOUT: lambda q, k, v: functional.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=0.1),
        NAIVE: reference_relative_attention,
        MASK: skewed_mask,
        DROPOUT: lambda *tensors: relative_attention(*tensors, dropout=0.1),
        SHORT: relative_attention,
        WINDOW: lambda *tensors: relative_attention(*tensors, window=1024),
    }
    if name == TIME:
        # As in a chorale: four voices in turn, pitches of four octaves.
        times = (torch.arange(length) // 4).expand(BATCH, -1)
        pitches = torch.randint(36, 84, (BATCH, length), generator=generator)
        tables = [random(HEADS, 2 * reach + 1, WIDTH) for reach in (128, 48)]
        leaves += tables
        related = [Differences(times, times, 1, 128), Differences(pitches, pitches, 1, 48)]
        functions[TIME] = lambda q, k, v, embeddings, *tables: relative_attention(
            q, k, v, embeddings, relations=[Relation(t, r) for t, r in zip(tables, related, strict=True)]
        )
    function = functions[name]

    def run() -> None:
        torch.autograd.grad(function(*leaves), leaves, gradient)

    return run


def memory(name: str, length: int, threads: int) -> float:
    """Peak of a fresh process in MB, less what it held before the call."""
    words = [sys.executable, __file__, "--memory", name, "--lengths", str(length), "--threads", str(threads)]
    return float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def measure_memory(name: str, length: int) -> float:
    """The same, of this process."""
    contender(name, 64)()
    run = contender(name, length)
    before = peak()
    run()
    return peak() - before


def peak() -> float:
    """Most memory that this process has held, in MB."""
    status = Path("/proc/self/status")
    if status.is_file():  # where getrusage begins with what the parent held
        return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def measure_times(names: list[str], length: int, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """(seconds by the clock, seconds of the processor) of each contender in each round, after a warm-up."""
    runs = {name: contender(name, length) for name in names}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for number in range(rounds + 1):
        for name, run in runs.items():
            start, cpu = time.perf_counter(), time.process_time()
            run()
            if number:
                taken[name].append((time.perf_counter() - start, time.process_time() - cpu))
    return taken


def rows_of(what: str, peer: str, ours: list[tuple[float, float]], theirs: list[tuple[float, float]],
            memories: tuple[float, float]) -> list[dict[str, Any]]:  # fmt: skip
    """Clock, processor and memory of one pair; ratios say how many times less ours takes."""
    rows = []
    for i, (figure, unit) in enumerate([("", "ms"), (", all threads' processor time", "ms")]):
        pairs = [(a[i], b[i]) for a, b in zip(ours, theirs, strict=True)]
        a, b, ratio = (statistics.median(x) for x in ([p[0] for p in pairs], [p[1] for p in pairs],
                                                      [p[1] / p[0] for p in pairs]))  # fmt: skip
        rows.append(row(f"{what}{figure}", 1e3 * a, unit, 1e3 * b, peer, ratio))
    rows.append(row(f"{what}, memory", memories[0], "MB", memories[1], peer, memories[1] / memories[0]))
    return rows


def main() -> None:
    """Parse arguments, measure, print and store."""
    parser = parser_of(rounds=7, threads=2, lengths="2048,4096,8192")
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if "torch" not in sys.modules:
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import torch

    torch.set_num_threads(args.threads)
    lengths = [int(length) for length in args.lengths.split(",")]
    if args.memory:
        print(measure_memory(args.memory, lengths[0]))
        return
    rows = []
    for place, length in enumerate(lengths):
        first = place == 0
        names = [OURS, PLAIN, *([NAIVE, MASK, PLAIN_DROPOUT, *VARIANTS] if first else [])]
        taken = measure_times(names, length, args.rounds if first else max(3, args.rounds // 2))
        extra = {name: memory(name, length, args.threads) for name in names}
        for peer in (PLAIN, NAIVE, MASK) if first else (PLAIN,):
            what = f"{length:,} tokens"
            rows += rows_of(what, peer, taken[OURS], taken[peer], (extra[OURS], extra[peer]))
        for name, words in VARIANTS.items() if first else ():
            what = f"{length:,} tokens, {words}"
            peer = PLAIN_DROPOUT if name == DROPOUT else PLAIN
            rows += rows_of(what, peer, taken[name], taken[peer], (extra[name], extra[peer]))
    write_result("attention", args.rounds, rows, f"{args.threads} threads used, torch {torch.__version__}")


if __name__ == "__main__":
    main()
