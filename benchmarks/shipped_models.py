"""All shipped models beside held-out music, copies and baselines: how likely, how near, how new. One row a model.

python benchmarks/shipped_models.py STORES [MODEL…] [--pieces 16] [--written 30] [--seconds 20] [--corpora CORPORA]
    [--report page.html]

STORES is the folder of the note stores lakh, maestro and chorales (`symbolic-music prepare`). Each model is measured
with the test split of the store of its training data: nats a note beside unigram, Markov and copying on as many
pieces; and pieces that it writes from nothing, beside as many stretches of held-out pieces (people), their shuffled
notes and random notes: Fréchet distance of `features-96` to other held-out stretches, and passages that stand in the
training pieces too. Models that are not named keep the rows that they have; where
none is named, those are measured that have none. With CORPORA, the folder of lakh-subset and pop909, the edits of the
models of lakh are measured again too (benchmarks/edits_in_context.py), and the tables of the docs are written anew. The
report has the table of edits as well.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from arguments import arguments
from result_file import RESULTS, commit, write_result

from symbolic_music import generation
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.evaluation import distances, likelihood_baselines, store_likelihood
from symbolic_music.evaluation.excerpts import excerpt
from symbolic_music.evaluation.originality import open_index, originality
from symbolic_music.evaluation.report import Media, Report, Section, Table, as_json, page
from symbolic_music.plotting.confidence_intervals import interval_figure
from symbolic_music.plotting.figures import figure_bytes
from symbolic_music.score import Score, note_table
from symbolic_music.transforms import clip

STORE_OF = {"song": "lakh", "multitrack": "lakh", "piano": "maestro", "chorales": "chorales"}
# Kinds of pieces beside a model's.
PEOPLE, SHUFFLED, RANDOM = "people", "shuffled", "random"


def stretches(store: NoteStore, split: str, count: int, seconds: float, rng: np.random.Generator) -> list[Score]:
    """Stretches of pieces of a split, from a note on, each of another piece where there are as many."""
    indices, found = rng.permutation(store.splits[split]).tolist(), list[Score]()
    for index in indices * (1 + count // len(indices)):
        score = store.music(index)
        latest = score.onset_seconds[score.onset_seconds <= max(0.0, score.duration - seconds)]
        part = clip(score, begin := float(rng.choice(latest)) if len(latest) else 0.0, begin + seconds)
        if len(part):
            found.append(part)
        if len(found) == count:
            break
    return found


def shuffled(score: Score, rng: np.random.Generator) -> Score:
    """The same onsets, other pitches and lengths: those of each track among themselves in another order."""
    notes = score.notes.copy()
    for track in np.unique(notes["track"]):
        mine = np.flatnonzero(notes["track"] == track)
        for name in ("pitch", "duration", "velocity"):
            notes[name][mine] = rng.permutation(notes[name][mine])
    return score.replace(notes=notes)


def random_notes(score: Score, rng: np.random.Generator) -> Score:
    """As many notes anywhere."""
    last = max(2, score.end)
    onsets = np.sort(rng.integers(0, last, len(score)))
    rows = [(int(t), int(rng.integers(1, last // 4 + 2)), int(rng.integers(128))) for t in onsets]
    return Score(score.ticks_per_quarter, notes=note_table(rows), tempos=score.tempos)


def of_pieces(scores: Sequence[Score], reference: Sequence[Score], index: Any) -> dict[str, Any]:
    """How near a set of pieces is to a reference, and what it shares with the training pieces."""
    kept = [score for score in scores if len(score)]
    one, other = (np.stack([distances.embed(score) for score in own]) for own in (kept, reference))
    shared = [originality(score, index) for score in kept]
    infinite = distances.frechet_infinite(one, other).value if len(one) >= 25 else None
    return {
        "written": len(kept),
        "empty": len(scores) - len(kept),
        "notes a piece": float(np.mean([len(score) for score in kept])),
        "Fréchet distance": distances.frechet(one, other),
        "extrapolated": infinite,
        "discrepancy": distances.discrepancy(one, other),
        "p": distances.discrepancy_p(one, other, 200),
        "longest passage": float(np.median([found.longest for found in shared])),
        "longest passage, 95 %": float(np.quantile([found.longest for found in shared], 0.95)),
        "share in passages": float(np.mean([found.share for found in shared])),
    }


def measured(name: str, store: NoteStore, asked: argparse.Namespace) -> dict[str, Any]:
    """All figures of a model, and of what stands beside it."""
    import torch

    from symbolic_music.models import load_model

    torch.set_num_threads(1)
    began, model = time.perf_counter(), load_model(name)
    found = store_likelihood.evaluate(model, store, "test", 4, most=asked.pieces)
    likely = {"notes": found.notes, "nats a note": found.per_note, "bits a second": found.bits_per_second}
    for base, one in likelihood_baselines.of_store(store, "test", pieces=100, most=asked.pieces).items():
        likely[f"{base}, nats a note"] = one.per_note
    evaluated = time.perf_counter()
    rng = np.random.default_rng(asked.seed)
    held_out = stretches(store, "test", 2 * asked.written, asked.seconds, rng)
    people, reference = held_out[: len(held_out) // 2], held_out[len(held_out) // 2 :]
    written = [generation.generate(None, asked.seconds, model, seed=asked.seed + i) for i in range(asked.written)]
    index = open_index(store, "train")
    sets = {
        name: written,
        PEOPLE: people,
        SHUFFLED: [shuffled(score, rng) for score in people],
        RANDOM: [random_notes(score, rng) for score in people],
    }
    figures = {kind: of_pieces(own, reference, index) for kind, own in sets.items()}
    took = {"evaluate": evaluated - began, "write and measure": time.perf_counter() - evaluated}
    return {
        "store": store.path.name,
        "commit": commit(),
        "seconds": {k: round(v, 1) for k, v in took.items()},
        "likelihood": plain(likely),
        "pieces": {kind: plain(own) for kind, own in figures.items()},
    }


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """To four decimals."""
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in values.items()}


def rows_of(models: dict[str, dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of the tables of likelihood and of written pieces."""
    likely, written = [], []
    for name, one in models.items():
        title = f"{name} ({one['store']})"
        likely += [{"metric": f"{title}: {figure}", "ours": value} for figure, value in one["likelihood"].items()]
        for kind, figures in one["pieces"].items():
            subject = title if kind == name else f"{kind}, {one['store']}"
            if kind == name or not any(row["metric"].startswith(f"{subject}: ") for row in written):
                shown = {k: v for k, v in figures.items() if v is not None and k not in ("written", "empty")}
                written += [{"metric": f"{subject}: {figure}", "ours": value} for figure, value in shown.items()]
    return likely, written


def write_results(models: dict[str, dict[str, Any]], asked: argparse.Namespace) -> dict[str, Any]:
    """Both files of results; what they say of how they came about."""
    more: dict[str, Any] = {
        "command": "python benchmarks/shipped_models.py STORES",
        "seed": asked.seed,
        "split": "test",
    }
    n = {"pieces": asked.pieces, "written": asked.written, "seconds": asked.seconds}
    likely, written = rows_of(models)
    write_result("shipped_likelihood", n, likely, **more)
    result = write_result("shipped_pieces", n, written, **more, models=models)
    return {name: value for name, value in result.items() if name not in ("name", "rows", "models")}


def report_of(models: dict[str, dict[str, Any]], facts: dict[str, Any], shown: int = 0) -> Report:
    """Likelihood, edits in context, written pieces; with `shown` of each model as rolls and sound, and plots."""
    likely = Table(
        ["model", *next(iter(models.values()))["likelihood"]],
        [[f"{name} ({one['store']})", *one["likelihood"].values()] for name, one in models.items()],
    )
    edits = json.loads((RESULTS / "edits-in-context.json").read_text())
    cells: dict[str, dict[str, str]] = {}
    panels: dict[str, dict[str, tuple[float, float, float]]] = {}
    for row in edits["rows"]:
        metric, _, system = row["metric"].partition(": ")
        if row["ours"] is not None:
            p = row["p"].get("copy")
            told = f" (p {p:.3f})" if p is not None else ""
            cells.setdefault(metric, {})[system] = f"{row['ours']:.2f} [{row['low']:.2f}, {row['high']:.2f}]{told}"
            panels.setdefault(metric, {})[system] = (row["ours"], row["low"], row["high"])
    systems = list(dict.fromkeys(system for found in cells.values() for system in found))
    context: list[Table | Media] = [
        Table(
            ["metric", *systems], [[metric, *(found.get(s, "–") for s in systems)] for metric, found in cells.items()]
        )
    ]
    if shown:
        context.append(Media(figure_bytes(interval_figure(panels), dpi=70), ".png", "means and 95 % intervals"))
    sections = [
        Section(
            "Likelihood", "Held-out pieces, nats a note and bits a second; the baselines count 100 pieces.", [likely]
        ),
        Section(
            "Edits in context",
            f"{edits['n']} regions, seed {edits['seed']}, split {edits['split']}, {edits['command']}; p against the "
            "copy of the bars before.",
            context,
        ),
    ]
    for name, one in models.items():
        columns = list(next(iter(one["pieces"].values())))
        table = Table(
            ["of", *columns],
            [[k, *(v[c] if v[c] is not None else "–" for c in columns)] for k, v in one["pieces"].items()],
        )
        parts: list[Table | Media] = [table]
        for seed in range(facts["seed"], facts["seed"] + shown):
            score = generation.generate(None, facts["n"]["seconds"], name, seed=seed)
            parts += excerpt(score, f"{name}, seed {seed}, unselected")
        sections.append(Section(f"Written by {name}", f"From nothing, beside the test split of {one['store']}.", parts))
    return Report("The shipped models", facts, sections)


def main() -> None:
    asked = arguments(
        ("stores", Path), "models*", pieces=16, written=30, seconds=20.0, seed=0, corpora=Path, report=Path
    )
    known = RESULTS / "shipped_pieces.json"
    models = json.loads(known.read_text())["models"] if known.is_file() else {}
    facts = write_results(models, asked)
    names = asked.models or [one for one in STORE_OF if one not in models]
    for name in names:
        models[name] = measured(name, NoteStore(asked.stores / STORE_OF[name]), asked)
        models = {one: models[one] for one in STORE_OF if one in models}
        facts = write_results(models, asked)
        print(f"{name}: {json.dumps(models[name], ensure_ascii=False)}", flush=True)
    if asked.corpora is not None:
        here, writers = Path(__file__).parent, [name for name in names if STORE_OF[name] == "lakh"]
        edits = [sys.executable, here / "edits_in_context.py", asked.corpora, *writers, "--keep"]
        for command in ([edits] if writers else []) + [[sys.executable, here / "tables.py"]]:
            subprocess.run(command, check=True)
    data = as_json(report_of(models, facts))
    (RESULTS / "shipped_report.json").write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    if asked.report is not None:
        asked.report.write_text(page(report_of(models, facts, shown=2)), encoding="utf-8")


if __name__ == "__main__":
    main()
