"""Our decoder (one position an event, factored embeddings) against GPT-2's shape over 55,028 ids, on the same events.

    python benchmarks/gpt2_against_modern.py time CORPUS
    python benchmarks/gpt2_against_modern.py train CORPUS SHAPE@RATE --steps 200
    python benchmarks/gpt2_against_modern.py test CORPUS SHAPE@RATE
    python benchmarks/gpt2_against_modern.py report CORPUS

CORPUS is a folder: lakh-subset or jsb-chorales. `time` finds the CPU seconds of a training step of each shape, by turns
in one process, the least of several rounds and calls: what a thread takes when nothing else runs. `train` trains to a
step, and can be stopped and run again, to a later step too. The learning rate is constant after a warm-up and what is
evaluated are averaged weights, so that every point of a curve stands for itself: no schedule that ends elsewhere makes
two points unequal. `test` evaluates a run on the test split. `report` writes all curves, and the comparison of the
longest run of each shape, into benchmarks/results/gpt2_against_modern_CORPUS.json.

Data: of lakh-subset the files with lmd_verified = 1, split by the MD5's first digit (e validation, f test), sequences
of 341 events, 1,024 ids for GPT-2 and 342 rows for ours; of jsb-chorales the published splits, sequences of 128
events. A sequence starts at a random event of a piece (rests are events), its clock begun anew. The batch of step n is
the same for every shape. No controls, no augmentation, no dropout. NLL is in nats an event; of GPT-2 also with its
probabilities renormalised over the ids that can stand there (times 0 to 1 s after the last, durations, notes and
rest), which our decoder knows by construction.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from result_file import row, write_result
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music import read
from symbolic_music.corpora.datasets.chorale_grid import read_chorales
from symbolic_music.errors import SymbolicMusicError
from symbolic_music.models.architectures.anticipatory import AnticipatoryConfig, AnticipatoryTransformer
from symbolic_music.models.architectures.gpt2 import GPT2, GPT2Config
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.anticipation.events import Events, events_of, pad, to_ids
from symbolic_music.training.run.checkpoints import has_checkpoint, load_checkpoint, save_checkpoint

AUTOREGRESS_ROW = (0, 0, 0, 3)  # see models.anticipatory
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


# Both have 4.35 M parameters. Of the published shapes' two thirds to nine tenths are outside of the table of ids: of a
# GPT-2 of this size a tenth is.
SHAPES: dict[str, Callable[[], nn.Module]] = {"modern": lambda: modern(208, 5, 4, 552), "gpt2": lambda: plain(72, 5, 4)}
ABOUT = {"modern": "ours", "gpt2": "GPT-2, as many parameters"}


@dataclass(frozen=True)
class Corpus:
    """How a corpus is read and cut.

    Args:
        read: folder and split to event tables, rests filled in.
        validation: its name for that split.
        events: of a sequence.
        batch, curve, test: sequences of a training step, and those evaluated for curves and at the end.
    """

    read: Callable[[Path, str], Iterator[Events]]
    validation: str
    events: int
    batch: int
    curve: int
    test: int


def lakh(folder: Path, split: str) -> Iterator[Events]:
    """The files that are proven to be Lakh's."""
    with (folder / "index.csv").open() as file:
        proven = [r for r in csv.DictReader(file) if r["lmd_verified"] == "1" and r["split"] == split]
    for path in (folder / one["file"] for one in proven):
        if path.is_file():
            try:
                yield pad(events_of(read(path)))
            except SymbolicMusicError as error:
                print(f"not read: {error}", file=sys.stderr)


def chorales(folder: Path, split: str) -> Iterator[Events]:
    """The chorales of a published split."""
    for score in read_chorales(folder / "Jsb16thSeparated.json")[split]:
        yield pad(events_of(score))


CORPORA = {
    "lakh-subset": Corpus(lakh, "validation", events=341, batch=4, curve=24, test=90),
    "jsb-chorales": Corpus(chorales, "valid", events=128, batch=4, curve=48, test=48),
}


class Data:
    """A corpus, and the folder of its runs."""

    def __init__(self, folder: Path, out: Path) -> None:
        self.folder, self.out, self.corpus = folder, out / folder.name, CORPORA[folder.name]
        self.out.mkdir(parents=True, exist_ok=True)
        self._tables: dict[str, list[Events]] = {}

    def tables(self, split: str) -> list[Events]:
        """Event tables of a split's pieces of at least a sequence each; kept between runs."""
        if split not in self._tables:
            kept = self.out / f"{split}.npz"
            if not kept.is_file():
                found = self.corpus.read(self.folder, split)
                np.savez(kept, *[table for table in found if len(table) >= self.corpus.events])
            with np.load(kept) as stored:
                self._tables[split] = [stored[name] for name in stored.files]
        return self._tables[split]

    def batch(self, step: int) -> Tensor:
        """Rows (time, duration, note, kind) of a training step, shape (batch, 1 + events, 4)."""
        return self._drawn("train", self.corpus.batch, [2, step])

    def held_out(self) -> Tensor:
        """Rows that curves are of."""
        return self._drawn(self.corpus.validation, self.corpus.curve, [1])

    def test(self) -> Tensor:
        """Rows that what is trained is evaluated on at the end."""
        return self._drawn("test", self.corpus.test, [3])

    def _drawn(self, split: str, count: int, seed: list[int]) -> Tensor:
        """So many sequences, drawn with this seed; every event of the split is as likely."""
        rng, tables, events = np.random.default_rng(seed), self.tables(split), self.corpus.events
        lengths = np.array([len(t) for t in tables])
        drawn: list[NDArray[np.int64]] = []
        while len(drawn) < count:
            table = tables[rng.choice(len(tables), p=lengths / lengths.sum())]
            start = int(rng.integers(0, len(table) - events + 1))
            rows = np.zeros((events + 1, 4), np.int64)
            rows[0] = AUTOREGRESS_ROW
            rows[1:, :3] = table[start : start + events]
            rows[1:, 0] -= rows[1, 0]
            # The clock of the ids ends at 100 s.
            if rows[-1, 0] < v.MAX_TIME:
                drawn.append(rows)
        return torch.from_numpy(np.stack(drawn))


def ids_of(table: Tensor) -> Tensor:
    """The same sequences in ids, (B, 1 + N, 4) to (B, 1 + 3 N)."""
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
    count = len(table) * (table.shape[1] - 1)
    sums["nll"] = sums["time"] + sums["duration"] + sums["note"]
    if isinstance(network, AnticipatoryTransformer):
        sums["masked"] = sums["nll"]
    return {name: round(value / count, 5) for name, value in sums.items()}


def gpt2_nats(network: GPT2, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Nats of each id of a sequence after the flag, as they are and renormalised, each (3 N,)."""
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


def measure(data: Data, rounds: int = 6) -> None:
    """CPU seconds of a training step of each shape, the least of some rounds in which they take turns."""
    torch.set_num_threads(1)
    networks = {name: make() for name, make in SHAPES.items()}
    optimizers = {name: optimizer_of(network, 0.0) for name, network in networks.items()}
    least = dict.fromkeys(SHAPES, math.inf)
    for turn in range(rounds):
        batch = data.batch(turn)
        for name, network in networks.items():
            start = time.process_time()
            update(network, optimizers[name], batch)
            least[name] = min(least[name], time.process_time() - start)
    earlier = json.loads((data.out / "seconds.json").read_text()) if (data.out / "seconds.json").is_file() else {}
    least = {name: min(value, earlier.get(name, math.inf)) for name, value in least.items()}
    (data.out / "seconds.json").write_text(json.dumps(least))
    print(least)


def update(network: nn.Module, optimizer: torch.optim.Optimizer, batch: Tensor) -> float:
    """One training step; returns nats an event."""
    optimizer.zero_grad()
    loss = learn(network, batch)
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    return loss


def train(label: str, data: Data, steps: int) -> None:
    """Train SHAPE@RATE to a step."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    name, _, rate = label.partition("@")
    network = SHAPES[name]()
    optimizer = optimizer_of(network, float(rate))
    average = {k: x.detach().clone() for k, x in network.state_dict().items()}
    held_out = data.held_out()
    folder = data.out / label
    folder.mkdir(parents=True, exist_ok=True)
    state: dict[str, Any] = {"step": 0, "curve": [], "next": FIRST_POINT}
    if has_checkpoint(folder):
        state = load_checkpoint(folder, network, average, optimizer)
    saved = time.monotonic()
    while state["step"] < steps:
        for group in optimizer.param_groups:
            group["lr"] = float(rate) * min(1.0, (state["step"] + 1) / WARMUP)
        update(network, optimizer, data.batch(state["step"]))
        decay = min(0.99, state["step"] / (10 + state["step"]))
        for key, value in network.state_dict().items():
            average[key].lerp_(value, 1 - decay)
        state["step"] += 1
        if state["step"] == state["next"]:
            point = {"step": state["step"], "events": state["step"] * data.corpus.batch * data.corpus.events,
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


def test(label: str, data: Data) -> None:
    """Evaluate SHAPE@RATE as it is now on the test split."""
    torch.set_num_threads(1)
    name = label.partition("@")[0]
    network = SHAPES[name]()
    average = {k: x.detach().clone() for k, x in network.state_dict().items()}
    state = load_checkpoint(data.out / label, network, average, optimizer_of(network, 0.0))
    found = {"step": state["step"], **evaluate(averaged(name, average), data.test())}
    (data.out / label / "test.json").write_text(json.dumps(found))
    print(label, found)


def report(data: Data) -> None:
    """All curves, and the test NLL of the runs that were evaluated."""
    seconds = json.loads((data.out / "seconds.json").read_text())
    events = data.corpus.batch * data.corpus.events
    curves: dict[str, list[dict[str, Any]]] = {}
    for folder in sorted(data.out.glob("*@*")):
        with safe_open(folder / "checkpoint.safetensors", framework="pt") as file:
            state = json.loads(file.metadata()["state"])
        a_step = seconds[folder.name.partition("@")[0]]
        curves[folder.name] = [{"cpu_seconds": round(p["step"] * a_step, 1), **p} for p in state["curve"]]
    runs: dict[str, dict[str, Any]] = {}
    for name, make in SHAPES.items():
        labels = [label for label in curves if label.partition("@")[0] == name and curves[label]]
        # The rate that went furthest: those that were worse in short runs were not gone on with.
        label = max(labels, key=lambda one: (curves[one][-1]["step"], -curves[one][-1]["nll"]))
        network, steps = make(), curves[label][-1]["step"]
        count = sum(p.numel() for p in network.parameters())
        table = network.embedding.weight.numel() if isinstance(network, GPT2) else 0
        kept = data.out / label / "test.json"
        runs[name] = {"run": label, "about": ABOUT[name], "parameters": count, "table_share": round(table / count, 3),
                      "cpu_seconds_a_step": round(seconds[name], 3), "steps": steps, "events": steps * events,
                      "cpu_seconds": round(steps * seconds[name]),
                      "test": json.loads(kept.read_text()) if kept.is_file() else None}  # fmt: skip
        print(name, runs[name])
    write(data, runs, curves)


def write(data: Data, runs: dict[str, dict[str, Any]], curves: dict[str, list[dict[str, Any]]]) -> None:
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
            rows.append(beside(f"validation NLL an event, {words} ({at:,.0f})", pair[0], pair[1], name))
            rows.append(beside(f"the same, {words}, impossible ids masked", pair[0], pair[2], name))
        tested = (("nll", ""), ("masked", ", impossible ids masked")) if ours["test"] and peer["test"] else ()
        for part, words in tested:
            rows.append(beside(f"test NLL an event at the end{words}", ours["test"][part], peer["test"][part], name))
        speeds = [run["events"] / run["steps"] / run["cpu_seconds_a_step"] for run in (ours, peer)]
        rows.append(beside("events a CPU second in training", *speeds, name, "events/s"))
    name = f"gpt2_against_modern_{data.folder.name}"
    command = f"python benchmarks/gpt2_against_modern.py time, train, test, report {data.folder.name}"
    n = {
        "events_a_sequence": data.corpus.events,
        "sequences_a_step": data.corpus.batch,
        "test_sequences": data.corpus.test,
        "curve_sequences": data.corpus.curve,
    }
    write_result(name, n, rows, command=command, runs=runs, validation_curves=curves)


def along(curve: list[dict[str, float]], axis: str, at: float, part: str) -> float:
    """A part of the NLL at a place of a curve, between its points in a straight line over the axis' logarithm."""
    return float(np.interp(math.log(at), [math.log(p[axis]) for p in curve], [p[part] for p in curve]))


def beside(metric: str, ours: float, peer: float, name: str, unit: str = "nats") -> dict[str, Any]:
    """One row of the result."""
    return row(metric, ours, unit, peer, ABOUT[name], ours / peer)


def main() -> None:
    """Parse arguments, then measure, train or report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in ("time", "train", "test", "report"):
        one = commands.add_parser(command)
        one.add_argument("corpus", type=Path, help=f"folder named {' or '.join(CORPORA)}")
        one.add_argument("--out", type=Path, default=Path("runs/shapes"))
        if command in ("train", "test"):
            one.add_argument("label", metavar="SHAPE@RATE", help=f"shapes: {', '.join(SHAPES)}")
        if command == "train":
            one.add_argument("--steps", type=int, default=200)
    args = parser.parse_args()
    data = Data(args.corpus, args.out)
    if args.command == "train":
        train(args.label, data, args.steps)
    elif args.command == "test":
        test(args.label, data)
    elif args.command == "time":
        measure(data)
    else:
        report(data)


if __name__ == "__main__":
    main()
