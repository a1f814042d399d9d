"""A training step of the Music Transformer beside x-transformers' decoder of the same shape, in one run.

    python benchmarks/training_step.py [--rounds 3] [--steps 3] [--threads 2] [--length 2048] [--dropout 0.0,0.1]

Forward, cross-entropy, backward and AdamW on the CPU: 6 layers, width 512, 8 heads, feed-forward 1,024, batch 2, 388
ids. Each round runs every model in a fresh process, one after the other: a step to warm up, then `--steps` timed ones.
Speeds are medians over all steps; ratios are medians over rounds, so that a slow minute of the machine slows both.
Seconds of the processor are those of all threads, and say more than the clock where the machine has other work; threads
that wait for each other sleep (OMP_WAIT_POLICY=passive, unless it is set otherwise). Memory is the peak of the process
less what it held before the model was built, the highest of all rounds. Writes benchmarks/results/training_step.json,
or training_step_KEY.json with `--key`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

from arguments import parser_of
from result_file import row, write_result

BATCH = 2
OURS, PEER, PLAIN = "music-transformer", "x-transformer", "sinusoid-transformer"
NAMES = {
    OURS: "Music Transformer",
    PEER: "x-transformers rotary + flash",
    PLAIN: "our decoder with sinusoids, no relative attention",
}


def measure(name: str, length: int, steps: int, threads: int, dropout: float) -> dict[str, Any]:
    """Seconds of each timed step by the clock and of the processor, and the peak of memory in GB, in this process."""
    import torch
    from torch.nn import functional

    from symbolic_music.models import registry

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    shape: dict[str, Any] = {"window": length, "dropout": dropout}
    if name == OURS:
        shape["distances"] = length
    if name == PEER:
        import x_transformers  # noqa: F401  # its import is not part of the model's memory
    before = peak()
    model = registry.get(name).build(shape, "piano").train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    ids = torch.randint(0, 388, (BATCH, length + 1))
    seconds, cpu_seconds = [], []
    for _ in range(steps + 1):
        start, cpu_start = time.perf_counter(), time.process_time()
        loss = functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
        cpu_seconds.append(time.process_time() - cpu_start)
    assert torch.isfinite(loss)
    weights = sum(p.numel() for p in model.parameters())
    return {"seconds": seconds[1:], "cpu_seconds": cpu_seconds[1:], "gigabytes": peak() - before, "parameters": weights}


def peak() -> float:
    """Most memory that this process has held, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def run(name: str, args: argparse.Namespace, dropout: float) -> dict[str, Any]:
    """`measure` in a fresh process."""
    words = [sys.executable, __file__, "--measure", name, "--length", str(args.length), "--steps", str(args.steps)]
    words += ["--threads", str(args.threads), "--dropout", str(dropout)]
    environment = {"OMP_WAIT_POLICY": "passive", **os.environ, "OMP_NUM_THREADS": str(args.threads)}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    print(f"{name:24} dropout {dropout}: {statistics.median(found['seconds']):.2f} s a step, "
          f"{statistics.median(found['cpu_seconds']):.2f} s of the processor, "
          f"{found['gigabytes']:.2f} GB, {found['parameters'] / 1e6:.1f} M parameters", file=sys.stderr)  # fmt: skip
    return found


def rows(args: argparse.Namespace, dropout: float) -> list[dict[str, Any]]:
    """Tokens a second and memory, ours beside the peer's, and the decoder without relative attention."""
    rounds = [{name: run(name, args, dropout) for name in NAMES} for _ in range(args.rounds)]
    tokens = BATCH * args.length

    def speed(name: str) -> float:
        return tokens / statistics.median(s for one in rounds for s in one[name]["seconds"])

    def cpu(name: str) -> float:
        return statistics.median(s for one in rounds for s in one[name]["cpu_seconds"])

    def memory(name: str) -> float:
        return max(one[name]["gigabytes"] for one in rounds)

    def by_round(of: str, name: str, other: str) -> float:
        """Median over rounds of the ratio of two models' medians."""
        return statistics.median(statistics.median(one[name][of]) / statistics.median(one[other][of]) for one in rounds)

    found = []
    for name in (OURS, PLAIN):
        for what, values, unit in (
            ("tokens", (speed(name), speed(PEER), by_round("seconds", PEER, name)), "tokens/s"),
            ("processor", (cpu(name), cpu(PEER), by_round("cpu_seconds", name, PEER)), "CPU s a step"),
            ("peak memory", (memory(name), memory(PEER), memory(name) / memory(PEER)), "GB"),
        ):
            ours, peers, ratio = values
            found.append(row(f"{NAMES[name]}, dropout {dropout}: {what}", ours, unit, peers, NAMES[PEER], ratio))
    return found


def store(key: str, args: argparse.Namespace, found: list[dict[str, Any]]) -> None:
    """Write a result."""
    from importlib.metadata import version

    versions = {name: version(name) for name in ("torch", "x-transformers")}
    n = {"rounds": args.rounds, "steps": args.steps, "batch": BATCH, "length": args.length}
    write_result("training_step" + key, n, found, f"{args.threads} threads used", versions=versions)


def main() -> None:
    """Parse arguments, measure, print and store."""
    parser = parser_of(rounds=3, steps=3, threads=2, length=2048)
    parser.add_argument("--dropout", default="0.0", help="one or several, with commas")
    parser.add_argument("--key", default="", help="end of the result's name")
    parser.add_argument("--measure", choices=list(NAMES), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure, args.length, args.steps, args.threads, float(args.dropout))))
        return
    found = [row for dropout in args.dropout.split(",") for row in rows(args, float(dropout))]
    store("_" + args.key if args.key else "", args, found)


if __name__ == "__main__":
    main()
