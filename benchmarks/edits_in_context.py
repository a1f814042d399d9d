"""How edits by models fit the pieces they stand in, beside the original, copies, retrieval and random bars.

python benchmarks/edits_in_context.py CORPORA MODEL… [--keep] [--best-of N] [--regions 100] [--seed 0]
    [--workers 1] [--report p.html]

CORPORA is the folder of lakh-subset and pop909, MODEL a bundled name or a folder. Each model writes the regions of
benchmarks/regions.json anew. Intervals (95 %) are bootstrapped over pieces; p is of a paired permutation test over
pieces. The result has every value of every region too. A report has the first six regions, unselected, as piano rolls
and sound: it shows songs, so keep it to yourself. With --keep the table also has the models that it had before, as they
wrote then, where regions and seed are the same.
"""

from __future__ import annotations

import json
import math
import os
import platform
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from arguments import parser_of
from result_file import RESULTS, commit, processor

from symbolic_music.errors import SymbolicMusicError
from symbolic_music.evaluation.context import Case, EditRegion, as_json, evaluate, load_cases, references, table
from symbolic_music.evaluation.context.table import Row
from symbolic_music.score import Score

HERE = Path(__file__).parent


class Writes:
    """Edits by a model as `infill` writes them: a `Write`."""

    def __init__(self, model: str, seed: int, best_of: int | None) -> None:
        import torch

        from symbolic_music.models import load_model

        torch.set_num_threads(1)
        self.model, self.seed, self.best_of = load_model(model), seed, best_of

    def __call__(self, score: Score, region: EditRegion) -> Score:
        from symbolic_music import generation
        from symbolic_music.generation import Region

        beats = [tick / score.ticks_per_quarter for tick in (region.first, region.last)]
        writing = generation.edit(
            score, [Region(*beats, "beats")], region.tracks, self.model, seed=self.seed, best_of=self.best_of
        )
        return writing.finish()[0].score


_WRITES: dict[str, Writes] = {}


def one(job: tuple[str, int, int | None, Case]) -> tuple[dict[str, float], float, str]:
    """Metrics of a region as a model writes it, the seconds that it took, and what went wrong, in a worker."""
    model, seed, best_of, case = job
    write = _WRITES.setdefault(model, Writes(model, seed, best_of)) if model not in _WRITES else _WRITES[model]
    began = time.perf_counter()
    try:
        found, told = evaluate([case], write)[0], ""
    except SymbolicMusicError as error:
        # What cannot be written stays empty.
        notes = case.score.notes[~case.region.mask(case.score.notes)]
        found, told = evaluate([case], lambda score, region: score.replace(notes=notes))[0], str(error)
    return found, time.perf_counter() - began, told


def by_model(
    model: str, cases: Sequence[Case], seed: int, workers: int, best_of: int | None
) -> tuple[list[dict[str, float]], float, list[str]]:
    """Metrics of all regions, seconds a region, and what went wrong."""
    jobs = [(model, seed, best_of, case) for case in cases]
    if workers == 1:
        found = [one(job) for job in jobs]
    else:
        with ProcessPoolExecutor(workers) as pool:
            found = list(pool.map(one, jobs))
    return [row for row, _, _ in found], sum(t for _, t, _ in found) / len(found), [e for _, _, e in found if e]


def shown(rows: Sequence[Row], systems: Sequence[str]) -> str:
    """The table as text: a mean and its interval a system; stars where p < .05 against copy."""
    wide = max(len(f"{row.kind} {row.metric.name}") for row in rows)
    lines = [" " * wide + "  better   " + "".join(f"{name[-20:]:>22}" for name in systems)]
    for row in rows:
        cells = []
        for name in systems:
            mean, p = row.means[name], row.p.get((name, "copy"), 1.0)
            star = "*" if p < 0.05 else " "
            cells.append(f"{mean.value:.2f} [{mean.low:.2f}, {mean.high:.2f}]{star}".rjust(22))
        lines.append(f"{row.kind + ' ' + row.metric.name:<{wide}}  {row.metric.better:<9}" + "".join(cells))
    return "\n".join(lines)


def plain(rows: Sequence[dict[str, float]]) -> dict[str, list[float | None]]:
    """Values by metric; None for nan."""
    return {name: [None if math.isnan(row[name]) else round(row[name], 4) for row in rows] for name in rows[0]}


def kept_values(
    path: Path, cases: Sequence[Case], seed: int
) -> tuple[dict[str, list[dict[str, float]]], dict[str, Any]]:
    """Values of the models of an earlier result, and what it says of them; SystemExit when it is of other regions."""
    before = json.loads(path.read_text())
    # How tracks are numbered is the reader's, and may have changed.
    places = [[case.piece, case.region.first, case.region.last] for case in cases]
    if ([region[:3] for region in before["regions"]], before["seed"]) != (places, seed):
        raise SystemExit(f"{path.name} is of other regions or another seed: run it without --keep")
    found = {}
    for name in before["models"]:
        values = before["values"][name]
        found[name] = [
            {key: math.nan if row is None else row for key, row in zip(values, one, strict=True)}
            for one in zip(*values.values(), strict=True)
        ]
    facts = {name: {"commit": before["commit"], **told} for name, told in before["models"].items()}
    return found, facts


def main() -> None:
    parser = parser_of(
        ("corpora", Path), "models*", regions=100, seed=0, workers=1, name="edits-in-context", report=Path, keep=False
    )
    parser.add_argument("--best-of", type=int, help="candidates of a region; by default the model's own number")
    parser.add_argument("--document", type=Path, default=HERE / "regions.json")
    asked = parser.parse_args()
    cases = load_cases(asked.document, asked.corpora, asked.regions)
    results: dict[str, list[dict[str, float]]] = {}
    facts: dict[str, Any] = {}
    for model in asked.models:
        name = Path(model).name
        results[name], seconds, errors = by_model(model, cases, asked.seed, asked.workers, asked.best_of)
        facts[name] = {"seconds_a_region": round(seconds, 3), "errors": errors, "commit": commit()}
        print(f"{name}: {seconds:.2f} s a region" + "".join(f"\n  error: {error}" for error in errors))
    if asked.keep:
        kept, told = kept_values(RESULTS / f"{asked.name}.json", cases, asked.seed)
        results, facts = {**kept, **results}, {**told, **facts}
    baselines = references(cases, asked.seed)
    results |= {name: evaluate(cases, write) for name, write in baselines.items()}
    rows = table(cases, results, list(baselines))
    print(shown(rows, list(results)))
    document = {
        "name": asked.name,
        "command": f"python benchmarks/edits_in_context.py CORPORA {' '.join(facts)} --regions {len(cases)}",
        "commit": commit(),
        "machine": f"{processor()}, {os.cpu_count()} cores, {asked.workers} used, {platform.system()}",
        "n": len(cases),
        "seed": asked.seed,
        "split": "test",
        "models": facts,
        "rows": as_json(rows),
        "regions": [[case.piece, case.region.first, case.region.last, *case.region.tracks] for case in cases],
        "values": {name: plain(found) for name, found in results.items()},
    }
    text = json.dumps(document, indent=None, separators=(",", ":")).replace('{"metric"', '\n{"metric"')
    (RESULTS / f"{asked.name}.json").write_text(text + "\n")
    if asked.report is not None:
        from symbolic_music.evaluation.context.report import context_report
        from symbolic_music.evaluation.report import page

        told = {name: document[name] for name in ("n", "seed", "split", "command", "commit", "machine")}
        writes = {Path(model).name: Writes(model, asked.seed, asked.best_of) for model in asked.models}
        report = context_report(rows, cases, {**writes, **baselines}, told)
        asked.report.write_text(page(report), encoding="utf-8")


if __name__ == "__main__":
    main()
