"""A table and curves of training runs: what was trained, how long, and how likely the music of a split is to it.

python benchmarks/experiments.py NAME RUN... --store STORE [--split test] [--machine WHAT] [--command HOW]

Writes results/experiment_NAME.json and docs/images/experiment_NAME.png. Each RUN is a folder that `train` left, or
BEFORE+RUN when it began from another run: their steps and hours are added.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import subprocess
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

import symbolic_music as sm
from symbolic_music.corpora.store import NoteStore
from symbolic_music.evaluation.stores import evaluate

ROOT = Path(__file__).parent.parent


def logged(run: Path) -> list[dict[str, str]]:
    """Validations of a run."""
    with (run / "log.csv").open() as file:
        return [row for row in csv.DictReader(file) if row["split"] == "valid"]


def row_of(name: str, parts: list[Path], store: NoteStore, split: str) -> list[dict[str, Any]]:
    """Figures of a run, which the last part ends."""
    config = json.loads((parts[-1] / "config.json").read_text())
    last = [logged(part)[-1] for part in parts]
    model = sm.load_model(str(parts[-1] / "best"), device="cpu")
    found = evaluate(model, store, split)
    figures = {
        "parameters (M)": sum(p.numel() for p in model.network.parameters()) / 1e6,
        "steps": sum(int(row["step"]) for row in last),
        "hours": round(sum(float(row["seconds"]) for row in last) / 3600, 2),
        "nats a token, validation": min(float(row["nats_per_token"]) for row in logged(parts[-1])),
        f"nats a token, {split}": found.per_token,
        f"bits a note, {split}": found.per_note / 0.693147,
        f"bits a second, {split}": found.bits_per_second,
    }
    print(name, config["seed"], figures, flush=True)
    return [
        {"metric": f"{name}: {what}", "ours": round(float(value), 4), "unit": ""} for what, value in figures.items()
    ]


def curves(runs: dict[str, list[Path]], image: Path) -> None:
    """Validation losses over the hours."""
    figure = Figure(figsize=(6.5, 3.2), facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    for name, parts in runs.items():
        before, hours, losses = 0.0, list[float](), list[float]()
        for part in parts:
            rows = logged(part)
            hours += [before + float(row["seconds"]) / 3600 for row in rows]
            losses += [float(row["nats_per_token"]) for row in rows]
            before = hours[-1]
        axes.plot(hours, losses, "o-", ms=3, label=name)
    axes.set_xlabel("hours")
    axes.set_ylabel("validation, nats a token")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(image, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument("--machine", default=f"{platform.machine()}, {platform.system()}, 1 thread a run")
    asked = parser.parse_args()
    runs = {Path(run).name: [Path(part) for part in run.split("+")] for run in asked.runs}
    store = NoteStore(asked.store)
    rows = [row for name, parts in runs.items() for row in row_of(name, parts, store, asked.split)]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    shown = " ".join("+".join(part.name for part in parts) for parts in runs.values())
    result = {
        "name": f"experiment_{asked.name}",
        "command": f"python benchmarks/experiments.py {asked.name} {shown} --store {asked.store.name}",
        "commit": commit,
        "machine": asked.machine,
        "n": len(store.splits[asked.split]),
        "rows": rows,
    }
    path = ROOT / f"benchmarks/results/experiment_{asked.name}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    curves(runs, ROOT / f"docs/images/experiment_{asked.name}.png")


if __name__ == "__main__":
    main()
