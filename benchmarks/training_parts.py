"""Parts of a training step, each beside what it replaced, in one process by turns.

    python benchmarks/training_parts.py [--rounds 5] [--threads 1]

AdamW of the Music Transformer of the published size (19 M weights in 71 tensors) in one kernel, beside torch's default.
The loss of 1,024 positions over 55,028 ids, forward and backward, in chunks beside all logits at once; its memory is
the peak of a fresh process over what it held before.
A Music Transformer of 5 layers of width 256 (512 ids, forward and backward) in bfloat16 beside float32, as
`engine.precision=auto` measures it. Times are of the processor, medians over rounds. Writes
benchmarks/results/training_parts.json.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from arguments import parser_of
from result_file import row, write_result
from torch.nn import functional

from symbolic_music.models import registry
from symbolic_music.models.modules import chunked_loss

POSITIONS, VOCABULARY, WIDTH = 1024, 55_028, 768


def loss(in_chunks: bool) -> Callable[[], None]:
    """Forward and backward of the loss."""
    torch.manual_seed(0)
    states = torch.randn(POSITIONS, WIDTH, requires_grad=True)
    weight = (0.02 * torch.randn(VOCABULARY, WIDTH)).requires_grad_()
    ids = torch.randint(VOCABULARY, (POSITIONS,))

    def run() -> None:
        if in_chunks:
            found = chunked_loss.total_nats(states, weight, None, ids)
        else:
            found = functional.cross_entropy(functional.linear(states, weight), ids, reduction="sum")
        torch.autograd.grad(found, [states, weight])

    return run


def adamw(is_fused: bool) -> Callable[[], None]:
    """A step of the optimizer."""
    network = registry.get("music-transformer").build({}, "piano")
    for p in network.parameters():
        p.grad = torch.ones_like(p)
    options: dict[str, Any] = {"fused": True} if is_fused else {}
    return torch.optim.AdamW(network.parameters(), 1e-4, **options).step  # type: ignore[return-value]


def model(is_half: bool) -> Callable[[], None]:
    """Forward and backward of a small model."""
    torch.manual_seed(0)
    network: Any = registry.get("music-transformer").build(
        {"width": 256, "layers": 5, "hidden": 1024, "heads": 4}, "piano"
    )
    ids = torch.randint(388, (1, 512))

    def run() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=is_half):
            found = functional.cross_entropy(network(ids)[0].float(), ids[0])
        found.backward()

    return run


def compared(metric: str, ours: Callable[[], None], peer: Callable[[], None], name: str, rounds: int) -> dict[str, Any]:
    """A row: ms of the processor, by turns."""
    taken: list[tuple[float, float]] = []
    for number in range(rounds + 1):
        times = []
        for run in (ours, peer):
            start = time.process_time()
            run()
            times.append(1e3 * (time.process_time() - start))
        if number:
            taken.append((times[0], times[1]))
    a, b = (statistics.median(pair[i] for pair in taken) for i in (0, 1))
    return row(metric, a, "ms of the processor", b, name, statistics.median(y / x for x, y in taken))


def memory(in_chunks: bool) -> float:
    """Peak of a fresh process in MB over what it held before."""
    words = [sys.executable, __file__, "--memory", str(int(in_chunks))]
    return float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Parse arguments, measure, print and store."""
    parser = parser_of(rounds=5, threads=1)
    parser.add_argument("--memory", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.memory is not None:
        run = loss(bool(args.memory))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        run()
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / 1e6)
        return
    a, b = memory(True), memory(False)
    all_logits = "all logits at once"
    rows = [
        compared("AdamW of 19 M weights", adamw(True), adamw(False), "torch's default", args.rounds),
        compared("loss over 55,028 ids, 1,024 positions", loss(True), loss(False), all_logits, args.rounds),
        row("loss over 55,028 ids, 1,024 positions: memory", a, "MB", b, all_logits, b / a),
        compared("Music Transformer of 5 layers of 256, 512 ids, bfloat16", model(True), model(False), "float32",
                 args.rounds),
    ]  # fmt: skip
    write_result("training_parts", args.rounds, rows, f"{args.threads} threads used, torch {torch.__version__}")


if __name__ == "__main__":
    main()
