"""A table and curves of training runs: what was trained, how long, and how likely the music of a split is to it.

python benchmarks/experiments.py NAME RUN... [--store STORE] [--split test]

Writes results/experiment_NAME.json and docs/images/experiment_NAME.png. Each RUN is a folder that `train` left; without
a store its own validations are all there is.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from arguments import arguments
from matplotlib.figure import Figure
from result_file import row, write_result

import symbolic_music as sm
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.evaluation.store_likelihood import evaluate
from symbolic_music.plotting.loss_curves import read_log

ROOT = Path(__file__).parent.parent


def validations(run: Path) -> list[dict[str, str]]:
    """Of a run, by its log."""
    return [row for row in read_log(run / "log.csv") if row["split"] == "valid"]


def rows_of(run: Path, store: NoteStore | None, split: str) -> list[dict[str, Any]]:
    """Figures of a run."""
    model, log = sm.load_model(str(run / "best"), device="cpu"), validations(run)
    figures = {
        "parameters (M)": sum(p.numel() for p in model.network.parameters()) / 1e6,
        "steps": int(log[-1]["step"]),
        "hours": round(float(log[-1]["seconds"]) / 3600, 2),
        "nats a token, validation": min(float(row["nats_per_token"]) for row in log),
    }
    if store is not None:
        found = evaluate(model, store, split)
        figures |= {
            f"nats a token, {split}": found.per_token,
            f"bits a note, {split}": found.per_note / math.log(2),
            f"bits a second, {split}": found.bits_per_second,
        }
    return [row(f"{run.name}: {what}", value) for what, value in figures.items()]


def curves(runs: list[Path], image: Path) -> None:
    """Validation losses over the hours."""
    figure = Figure(figsize=(6.5, 3.2), facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    for run in runs:
        points = [(float(row["seconds"]) / 3600, float(row["nats_per_token"])) for row in validations(run)]
        axes.plot(*zip(*points, strict=True), "o-", ms=3, label=run.name)
    axes.set_xlabel("hours")
    axes.set_ylabel("validation, nats a token")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(image, dpi=110)


def main() -> None:
    asked = arguments("name", ("runs+", Path), store=Path, split="test")
    runs, store = asked.runs, None if asked.store is None else NoteStore(asked.store)
    rows = [row for run in runs for row in rows_of(run, store, asked.split)]
    n = None if store is None else len(store.splits[asked.split])
    write_result(f"experiment_{asked.name}", n, rows, "1 thread a run")
    curves(runs, ROOT / f"docs/images/experiment_{asked.name}.png")


if __name__ == "__main__":
    main()
