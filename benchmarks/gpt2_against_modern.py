"""Our decoder (one position an event, factored embeddings) against GPT-2's shape over 55,028 ids, on the same events.

    python benchmarks/gpt2_against_modern.py time LAKH_SUBSET
    python benchmarks/gpt2_against_modern.py train SHAPE@RATE LAKH_SUBSET --steps 200
    python benchmarks/gpt2_against_modern.py report LAKH_SUBSET

`time` finds the CPU seconds of a training step of each shape, by turns in one process, the least of several rounds
and calls: what a thread takes when nothing else runs. `train` trains to a step, and can be stopped and run again, to
a later step too. The learning rate is constant after a warm-up and what is evaluated are averaged weights, so that
every point of a curve stands for itself: no schedule that ends elsewhere makes two points unequal. `report` evaluates
the best rate of each shape on the test split and writes benchmarks/results/gpt2_against_modern.json with all curves.

Data: files of lakh-subset with lmd_verified = 1, split by the MD5's first digit (e validation, f test). A sequence is
341 events (rests are events) from a random place of a piece, its clock begun anew: 1,024 ids for GPT-2, 342 rows for
ours. The batch of step n is the same for every shape. No controls, no augmentation, no dropout: no event is seen twice
in the mean. NLL is in nats an event; of GPT-2 also with its probabilities renormalised over the ids that can stand
there (times 0 to 1 s after the last, durations, notes and rest), which our decoder knows by construction.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music import read
from symbolic_music.errors import SymbolicMusicError
from symbolic_music.models.anticipatory import AnticipatoryConfig, AnticipatoryTransformer
from symbolic_music.models.gpt2 import GPT2, GPT2Config
from symbolic_music.tokenizers import anticipation_vocabulary as v
from symbolic_music.tokenizers.anticipation_events import events_of, pad, to_ids
from symbolic_music.training.checkpoints import has_checkpoint, load_checkpoint, save_checkpoint

RESULTS = Path(__file__).parent / "results"
EVENTS = 341
BATCH = 4
AUTOREGRESS_ROW = (0, 0, 0, 3)  # see models.anticipatory
CURVE_WINDOWS, TEST_WINDOWS = 24, 90
FIRST_POINT, GROWTH = 10, 2**0.5  # steps of a curve's first point; each next point is so much further on
WARMUP = 20  # steps
POSITIONS = 256  # positions whose 55,028 logits are held at a time

Parts = dict[str, float]


def plain(width: int, layers: int, heads: int) -> GPT2:
    """A GPT-2 over the anticipatory ids, as published but for its size and its dropout."""
    return GPT2(GPT2Config(width=width, layers=layers, heads=heads, dropout=0.0, attention_dropout=0.0))


def modern(width: int, layers: int, heads: int, hidden: int) -> AnticipatoryTransformer:
    """Our decoder for all 129 instruments."""
    return AnticipatoryTransformer(AnticipatoryConfig(width, layers, heads, hidden, dropout=0.0))


# The published shapes have 85 to 91 % of their parameters outside of the table of ids: at this size no shape does.
SHAPES: dict[str, Callable[[], nn.Module]] = {
    "modern": lambda: modern(208, 5, 4, 552),
    "gpt2": lambda: plain(72, 5, 4),
    "gpt2-body": lambda: plain(208, 5, 4),
}
ABOUT = {
    "modern": "ours",
    "gpt2": "GPT-2, as many parameters",
    "gpt2-body": "GPT-2, as wide and deep as ours",
}


def pieces(corpus: Path, split: str) -> list[NDArray[np.int32]]:
    """Padded event tables of a split's pieces of at least a sequence each."""
    cache = corpus_cache(corpus, split)
    if cache.is_file():
        with np.load(cache) as stored:
            return [stored[name] for name in stored.files]
    with (corpus / "index.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if r["lmd_verified"] == "1" and r["split"] == split]
    found = []
    for row in rows:
        if (corpus / row["file"]).is_file():
            try:
                table = pad(events_of(read(corpus / row["file"])))
            except SymbolicMusicError as error:
                print(f"not read: {error}", file=sys.stderr)
                continue
            if len(table) >= EVENTS:
                found.append(table)
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.savez(cache, *found)
    return found


def corpus_cache(corpus: Path, split: str) -> Path:
    """Where a split's tables are kept between runs."""
    return OUT / f"{corpus.name}-{split}.npz"


def sequence(table: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.int64] | None:
    """Rows (time, duration, note, kind) of a sequence, shape (342, 4); None where it lasts 100 s or more."""
    start = int(rng.integers(0, len(table) - EVENTS + 1))
    rows = np.zeros((EVENTS + 1, 4), np.int64)
    rows[0] = AUTOREGRESS_ROW
    rows[1:, :3] = table[start : start + EVENTS]
    rows[1:, 0] -= rows[1, 0]
    return rows if rows[-1, 0] < v.MAX_TIME else None


def sequences(tables: list[NDArray[np.int32]], count: int, seed: list[int]) -> Tensor:
    """So many sequences, drawn with this seed; each event of the split is as likely, shape (count, 342, 4)."""
    rng = np.random.default_rng(seed)
    lengths = np.array([len(t) for t in tables])
    drawn: list[NDArray[np.int64]] = []
    while len(drawn) < count:
        one = sequence(tables[rng.choice(len(tables), p=lengths / lengths.sum())], rng)
        if one is not None:
            drawn.append(one)
    return torch.from_numpy(np.stack(drawn))


def ids_of(table: Tensor) -> Tensor:
    """The same sequences in ids, (B, 342, 4) to (B, 1024)."""
    triples = [torch.from_numpy(to_ids(t[1:, :3].numpy().astype(np.int32))).long() for t in table]
    return torch.stack([functional.pad(ids, (1, 0), value=v.AUTOREGRESS) for ids in triples])


def learn(network: nn.Module, table: Tensor) -> float:
    """Add the gradients of the mean loss of a batch; returns nats an event."""
    if isinstance(network, AnticipatoryTransformer):
        parts = network.losses(table)
        loss = (parts["time"] + parts["duration"] + parts["note"]).sum() / parts["events"].sum()
        (loss / 3).backward()
        return float(loss.detach())
    assert isinstance(network, GPT2)
    ids = ids_of(table)
    states = network.states(ids[:, :-1])
    targets, flat = ids[:, 1:].flatten(), states.detach().flatten(0, 1).requires_grad_()
    total = 0.0
    # The logits of a few positions at a time: faster here than all at once, and 225 MB a sequence less.
    for start in range(0, len(targets), POSITIONS):
        logits = network.logits(flat[start : start + POSITIONS])
        loss = functional.cross_entropy(logits, targets[start : start + POSITIONS], reduction="sum") / len(targets)
        loss.backward()
        total += float(loss.detach())
    states.backward(flat.grad.view_as(states))
    return 3 * total


@torch.no_grad()
def evaluate(network: nn.Module, table: Tensor) -> Parts:
    """Nats an event over sequences, whole and by part; for GPT-2 renormalised ones too (`masked`)."""
    network.eval()
    sums = {"nll": 0.0, "time": 0.0, "duration": 0.0, "note": 0.0, "masked": 0.0}
    for rows in table.split(4):
        if isinstance(network, AnticipatoryTransformer):
            parts = network.losses(rows)
            for name in ("time", "duration", "note"):
                sums[name] += float(parts[name].double().sum())
        else:
            assert isinstance(network, GPT2)
            for one in rows:
                nats, masked = gpt2_nats(network, one)
                sums["masked"] += float(masked.double().sum())
                for at, name in enumerate(("time", "duration", "note")):
                    sums[name] += float(nats[at::3].double().sum())
    network.train()
    count = len(table) * EVENTS
    sums["nll"] = sums["time"] + sums["duration"] + sums["note"]
    if isinstance(network, AnticipatoryTransformer):
        sums["masked"] = sums["nll"]
    return {name: round(value / count, 5) for name, value in sums.items()}


def gpt2_nats(network: GPT2, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Nats of each id of a sequence after the flag, as they are and renormalised, each (1023,)."""
    ids = ids_of(rows[None])
    states = network.states(ids[:, :-1])[0]
    targets = ids[0, 1:]
    plain, masked = [], []
    before = functional.pad(rows[1:-1, 0], (1, 0))
    for start in range(0, len(targets), 3 * POSITIONS):
        logits = network.logits(states[start : start + 3 * POSITIONS])
        wanted = targets[start : start + 3 * POSITIONS, None]
        chosen = logits.gather(-1, wanted)[:, 0]
        plain.append(logits.logsumexp(-1) - chosen)
        now = before[start // 3 : start // 3 + (len(logits) + 2) // 3, None]
        times = (now + torch.arange(v.DENSITY + 1)).clamp(max=v.MAX_TIME - 1)
        # Clamped times would count twice.
        fits = now + torch.arange(v.DENSITY + 1) < v.MAX_TIME
        of_time = logits[0::3].gather(-1, times).masked_fill(~fits, -math.inf)
        norm = torch.empty_like(chosen)
        norm[0::3] = of_time.logsumexp(-1)
        norm[1::3] = logits[1::3, v.DURATION : v.NOTE].logsumexp(-1)
        norm[2::3] = logits[2::3, v.NOTE : v.REST + 1].logsumexp(-1)
        masked.append(norm - chosen)
    return torch.cat(plain), torch.cat(masked)


def optimizer_of(network: nn.Module, rate: float) -> torch.optim.AdamW:
    """AdamW as in configs/chorales.yaml; nothing of one dimension is decayed."""
    decayed = [p for p in network.parameters() if p.dim() >= 2]
    others = [p for p in network.parameters() if p.dim() < 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98))


def measure(corpus: Path, rounds: int = 6) -> None:
    """CPU seconds of a training step of each shape, the least of some rounds in which they take turns."""
    torch.set_num_threads(1)
    tables = pieces(corpus, "validation")
    networks = {name: make() for name, make in SHAPES.items()}
    optimizers = {name: optimizer_of(network, 0.0) for name, network in networks.items()}
    least = dict.fromkeys(SHAPES, math.inf)
    for turn in range(rounds):
        batch = sequences(tables, BATCH, [4, turn])
        for name, network in networks.items():
            start = time.process_time()
            update(network, optimizers[name], batch)
            least[name] = min(least[name], time.process_time() - start)
    earlier = json.loads((OUT / "seconds.json").read_text()) if (OUT / "seconds.json").is_file() else {}
    least = {name: min(value, earlier.get(name, math.inf)) for name, value in least.items()}
    (OUT / "seconds.json").write_text(json.dumps(least))
    print(least)


def update(network: nn.Module, optimizer: torch.optim.Optimizer, batch: Tensor) -> float:
    """One training step; returns nats an event."""
    optimizer.zero_grad()
    loss = learn(network, batch)
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    return loss


def train(label: str, corpus: Path, steps: int) -> None:
    """Train SHAPE@RATE to a step."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    name, _, rate = label.partition("@")
    network = SHAPES[name]()
    optimizer = optimizer_of(network, float(rate))
    average = {k: x.detach().clone() for k, x in network.state_dict().items()}
    tables = pieces(corpus, "train")
    held_out = sequences(pieces(corpus, "validation"), CURVE_WINDOWS, [1])
    folder = OUT / label
    folder.mkdir(parents=True, exist_ok=True)
    state: dict[str, Any] = {"step": 0, "curve": [], "next": FIRST_POINT}
    if has_checkpoint(folder):
        state = load_checkpoint(folder, network, average, optimizer)
    saved = time.monotonic()
    while state["step"] < steps:
        for group in optimizer.param_groups:
            group["lr"] = float(rate) * min(1.0, (state["step"] + 1) / WARMUP)
        update(network, optimizer, sequences(tables, BATCH, [2, state["step"]]))
        decay = min(0.99, state["step"] / (10 + state["step"]))
        for key, value in network.state_dict().items():
            average[key].lerp_(value, 1 - decay)
        state["step"] += 1
        if state["step"] == state["next"]:
            point = {"step": state["step"], "events": state["step"] * BATCH * EVENTS,
                     **evaluate(averaged(name, average), held_out)}  # fmt: skip
            state["curve"].append(point)
            state["next"] = round(state["step"] * GROWTH)
            print(label, json.dumps(point), flush=True)
        if time.monotonic() - saved > 60 or state["step"] == steps:
            save_checkpoint(folder, network, average, optimizer, state)
            saved = time.monotonic()


def averaged(name: str, average: dict[str, Tensor]) -> nn.Module:
    """A shape with these weights."""
    network = SHAPES[name]()
    network.load_state_dict(average)
    return network


def report(corpus: Path) -> None:
    """Test NLL of the best rate of each shape, and all curves."""
    torch.set_num_threads(1)
    seconds = json.loads((OUT / "seconds.json").read_text())
    test = sequences(pieces(corpus, "test"), TEST_WINDOWS, [3])
    curves: dict[str, list[dict[str, Any]]] = {}
    for folder in sorted(OUT.glob("*@*")):
        name = folder.name.partition("@")[0]
        network = SHAPES[name]()
        average = {k: x.detach().clone() for k, x in network.state_dict().items()}
        state = load_checkpoint(folder, network, average, optimizer_of(network, 0.0))
        curves[folder.name] = [{"cpu_seconds": round(p["step"] * seconds[name], 1), **p} for p in state["curve"]]
    runs: dict[str, dict[str, Any]] = {}
    for name in SHAPES:
        labels = [label for label in curves if label.partition("@")[0] == name and curves[label]]
        if not labels:
            continue
        # The rate that went furthest: those that were worse in short runs were not gone on with.
        label = max(labels, key=lambda one: (curves[one][-1]["step"], -curves[one][-1]["nll"]))
        network = SHAPES[name]()
        average = {k: x.detach().clone() for k, x in network.state_dict().items()}
        state = load_checkpoint(OUT / label, network, average, optimizer_of(network, 0.0))
        count = sum(p.numel() for p in network.parameters())
        table = network.embedding.weight.numel() if isinstance(network, GPT2) else 0
        runs[name] = {"run": label, "about": ABOUT[name], "parameters": count, "table_share": round(table / count, 3),
                      "cpu_seconds_a_step": round(seconds[name], 3), "steps": state["step"],
                      "events": state["step"] * BATCH * EVENTS, "cpu_seconds": round(state["step"] * seconds[name]),
                      "test": evaluate(averaged(name, average), test)}  # fmt: skip
        print(name, runs[name])
    write(runs, curves)


def write(runs: dict[str, dict[str, Any]], curves: dict[str, list[dict[str, Any]]]) -> None:
    """The rows that the comparison is about, and the result."""
    ours, rows = runs["modern"], []
    mine = curves[ours["run"]]
    for name, peer in runs.items():
        if name == "modern":
            continue
        last = curves[peer["run"]][-1]
        for axis, words in (("cpu_seconds", "equal CPU seconds"), ("events", "equal events")):
            if last[axis] > mine[-1][axis]:
                at = mine[-1][axis]
                pair = mine[-1]["nll"], *(along(curves[peer["run"]], axis, at, part) for part in ("nll", "masked"))
            else:
                at = last[axis]
                pair = along(mine, axis, at, "nll"), last["nll"], last["masked"]
            rows.append(row(f"validation NLL an event, {words} ({at:,.0f})", pair[0], pair[1], name))
            rows.append(row(f"the same, {words}, impossible ids masked", pair[0], pair[2], name))
        for part, words in (("nll", ""), ("masked", ", impossible ids masked")):
            rows.append(row(f"test NLL an event at the end{words}", ours["test"][part], peer["test"][part], name))
        speeds = [BATCH * EVENTS / run["cpu_seconds_a_step"] for run in (ours, peer)]
        rows.append(row("events a CPU second in training", *speeds, name, "events/s"))
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    result = {
        "name": "gpt2_against_modern",
        "command": "python benchmarks/gpt2_against_modern.py time, train SHAPE@RATE, report lakh-subset",
        "commit": commit.stdout.strip(),
        "machine": f"{processor()}, {os.cpu_count()} cores, one thread used, {platform.system()}",
        "n": {"test_windows": TEST_WINDOWS, "curve_windows": CURVE_WINDOWS, "events_a_window": EVENTS},
        "rows": rows,
        "runs": runs,
        "validation_curves": curves,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "gpt2_against_modern.json").write_text(json.dumps(result, indent=1) + "\n")


def along(curve: list[dict[str, float]], axis: str, at: float, part: str) -> float:
    """A part of the NLL at a place of a curve, between its points in a straight line over the axis' logarithm."""
    return float(np.interp(math.log(at), [math.log(p[axis]) for p in curve], [p[part] for p in curve]))


def row(metric: str, ours: float, peer: float, name: str, unit: str = "nats") -> dict[str, Any]:
    """One row of the result."""
    return {"metric": metric, "ours": round(ours, 4), "peer": round(peer, 4), "peer_name": ABOUT[name],
            "ratio": round(ours / peer, 4), "unit": unit}  # fmt: skip


def processor() -> str:
    """The model of the processor, where the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main() -> None:
    """Parse arguments, then train or report."""
    global OUT
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train")
    training.add_argument("label", metavar="SHAPE@RATE", help=f"shapes: {', '.join(SHAPES)}")
    timing, reporting = commands.add_parser("time"), commands.add_parser("report")
    for one in (training, timing, reporting):
        one.add_argument("corpus", type=Path)
        one.add_argument("--out", type=Path, default=OUT)
    training.add_argument("--steps", type=int, default=200)
    args = parser.parse_args()
    OUT = args.out
    if args.command == "train":
        train(args.label, args.corpus, args.steps)
    elif args.command == "time":
        measure(args.corpus)
    else:
        report(args.corpus)


OUT = Path("runs/shapes")

if __name__ == "__main__":
    main()
