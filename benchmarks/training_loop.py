"""Tokens a second of the training loop beside the bare step of the same model on one batch in memory.

    python benchmarks/training_loop.py STORE [--rounds 3] [--steps 12] [--threads 2] [--workers 1]

STORE is of MAESTRO, made by `symbolic-music prepare`. A Music Transformer of 4 layers of width 256 learns performance
events in crops of 1,024, batch 8, with Music Transformer's augmentation. Bare: forward, cross-entropy, backward, clip
and AdamW. The loop adds reading, augmenting and encoding windows, averaged weights, checks and reports; evaluations and
checkpoints are not part of it. Both run by turns; ratios are of the medians over rounds. Writes
benchmarks/results/training_loop.json.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import suppress
from itertools import islice
from pathlib import Path

import torch
from arguments import parser_of
from result_file import row, write_result

from symbolic_music.evaluation.likelihood import token_nats
from symbolic_music.training import TrainConfig, train
from symbolic_music.training.config import parse_config
from symbolic_music.training.run.optimizers import optimizer_of
from symbolic_music.training.task import Share
from symbolic_music.training.tasks.factory import task_of

SKIPPED = 3  # steps before the clock starts


def settings(store: Path, out: Path, steps: int, threads: int, workers: int) -> TrainConfig:
    """The run that is measured."""
    return parse_config(
        {
            "name": "loop",
            "out": str(out),
            "threads": threads,
            "evaluate_every": 10**9,
            "checkpoint_every": 10**9,
            "model": {"architecture": "music-transformer", "width": 256, "layers": 4, "heads": 4, "hidden": 512,
                      "window": 1024, "distances": 1024},
            "data": {"kind": "windows", "path": str(store), "length": 1024, "augmentation": "music-transformer",
                     "workers": workers},
            "optim": {"steps": SKIPPED + steps, "batch": 8},
        }
    )  # fmt: skip


def bare(config: TrainConfig) -> float:
    """Tokens a second of the step alone."""
    task = task_of(config)
    network = task.network()
    optimizer = optimizer_of(network, config.optim)
    ((batch,),) = islice(task.batches(0, Share()), 1)
    ids, mask = batch.tensors
    for step in range(config.optim.steps):
        if step == SKIPPED:
            started = time.perf_counter()
        (token_nats(network, ids, mask) / batch.tokens).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), config.optim.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return batch.tokens * (config.optim.steps - SKIPPED) / (time.perf_counter() - started)


class Stop(Exception):
    """Ends a run before its evaluation."""


def looped(config: TrainConfig) -> float:
    """Tokens a second of the loop."""
    times: list[tuple[float, float]] = []

    def report(row: dict[str, float]) -> None:
        times.append((time.perf_counter(), row["rate"]))
        if len(times) == config.optim.steps - 1:
            raise Stop

    with suppress(Stop):
        train(config, report=report)
    passed = times[-1][0] - times[SKIPPED - 1][0]
    return 8 * 1023 * (len(times) - SKIPPED) / passed


def main() -> None:
    """Parse arguments, measure, print and store."""
    parser = parser_of(("store", Path))
    for name, value in (("rounds", 3), ("steps", 12), ("threads", 2), ("workers", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    found: dict[str, list[float]] = {"loop": [], "bare": []}
    for number in range(args.rounds):
        with tempfile.TemporaryDirectory() as folder:
            config = settings(args.store, Path(folder), args.steps, args.threads, args.workers)
            found["bare"].append(bare(config))
            found["loop"].append(looped(config))
            print(number, {name: round(values[-1]) for name, values in found.items()}, flush=True)
    loop, step = (statistics.median(found[name]) for name in ("loop", "bare"))
    rows = [row("tokens a second", loop, "tokens/s", step, "the bare step", loop / step)]
    write_result("training_loop", args.rounds, rows, f"{args.threads} threads, torch {torch.__version__}")


if __name__ == "__main__":
    main()
