"""Evaluate the likelihood of a corpus under a model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symbolic_music.cli.options.common import Device, Json, Seed
from symbolic_music.cli.options.edits_in_context import Edits, edited
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.output.console import out, out_json, show, working
from symbolic_music.cli.output.pages import facts_of, write_page
from symbolic_music.cli.output.paths import check_page

if TYPE_CHECKING:
    from symbolic_music.corpora.store.manifest import Piece
    from symbolic_music.evaluation.likelihood import Likelihood
    from symbolic_music.evaluation.report import Report


@examples("runs/first/best maestro.store --split test", "song mine.store --edits 12 --report page.html")
def evaluate(
    model: Annotated[str, typer.Argument(help="The name or folder of a model.")],
    store: Annotated[Path, typer.Argument(help="A note store written by `prepare`.")],
    split: Annotated[str, typer.Option(help="The split to evaluate.")] = "test",
    device: Device = "auto",
    batch: Annotated[int, typer.Option(help="Sequences in a batch.", min=1)] = 8,
    stride: Annotated[
        int | None,
        typer.Option(help="Ids between the beginnings of chunks; shared ids are given. The chunk length by default."),
    ] = None,
    most: Annotated[
        int | None, typer.Option("--pieces", help="Evaluate at most this many pieces, evenly spaced.", min=1)
    ] = None,
    with_baselines: Annotated[
        bool,
        typer.Option(
            "--baselines", help="Also evaluate unigram, Markov and copy baselines, fitted on the training split."
        ),
    ] = False,
    edits: Annotated[
        int | None,
        typer.Option(
            help="Also edit this many regions of four bars, and measure how they fit their pieces, beside the "
            "original, a copy of the bars before, retrieval and random bars.",
            min=1,
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Also write an HTML page with plots and the first edits, and its JSON.")
    ] = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Compute the negative log-likelihood of a split of a store: nats a token and a note, bits a second."""
    check_page(report)
    from symbolic_music.corpora.store.store import NoteStore
    from symbolic_music.evaluation import likelihood_baselines, store_likelihood
    from symbolic_music.evaluation.likelihood import Likelihood
    from symbolic_music.models import load_model

    opened, loaded, pieces = NoteStore(store), load_model(model, device), dict[int, Likelihood]()
    with working(f"evaluating {loaded.card.name}") as progress:
        found = store_likelihood.evaluate(loaded, opened, split, batch, progress, pieces, stride, most)
    facts: dict[str, Any] = {
        "model": loaded.card.name,
        "tokenizer": loaded.tokenizer.name,
        "preset": loaded.tokenizer.preset,
        "vocabulary": sum(loaded.tokenizer.vocabulary.sizes),
        "store": str(store),
        "split": split,
        "stride": stride,
        "pieces": len(store_likelihood.chosen_pieces(opened, split, most)),
        "nll_per_token": found.per_token,
        "nll_per_note": found.per_note,
        "bits_per_second": found.bits_per_second,
        "tokens": found.tokens,
        "notes": found.notes,
        "seconds": found.seconds,
        "perplexities": found.perplexities,
    }
    beside: dict[str, Likelihood] = {}
    if with_baselines:
        with working("baselines") as progress:
            beside = dict(likelihood_baselines.of_store(opened, split, progress=progress, most=most))
        facts["baselines"] = {
            name: {"nll_per_note": one.per_note, "bits_per_second": one.bits_per_second} for name, one in beside.items()
        }
    written: Edits | None = None
    if edits is not None:
        with working(f"editing {edits} regions") as progress:
            written = edited(loaded, opened, split, edits, seed, progress)
        facts["edits"] = written.as_json()
    if report is not None:
        with working("writing the report"):
            write_page(_report(facts, beside, written), report)
        facts["report"] = str(report)
    if as_json:
        out_json({**facts, "per_piece": [_row(opened.piece(index), one) for index, one in sorted(pieces.items())]})
        return
    from rich.table import Table

    ids = f"{facts['vocabulary']:,} ids of {loaded.tokenizer.name} ({loaded.tokenizer.preset})"
    table = Table("", "", title=f"{loaded.card.name} on {split} of {store}: {ids}", show_header=False)
    table.add_row("nats a token", f"{found.per_token:.4f}")
    table.add_row("nats a note", f"{found.per_note:.4f}")
    table.add_row("bits a second", f"{found.bits_per_second:.2f}")
    for name, one in beside.items():
        line = f"{one.per_note:.4f} nats a note, {one.bits_per_second:.2f} bits a second"
        table.add_row(f"{name}, in twelfths of a quarter", line)
    for name, value in found.perplexities.items():
        table.add_row(f"perplexity, {name}", f"{value:.3f}")
    table.add_row("tokens, notes, seconds", f"{found.tokens:,}, {found.notes:,}, {found.seconds:,.0f}")
    show(table, *(_tables(written) if written is not None else ()))
    if written is not None and written.errors:
        out(f"{len(written.errors)} of {len(written.cases)} regions could not be written: {written.errors[0]}")
    if report is not None:
        out(f"{report}: the same with plots and the first edits")


def _tables(written: Edits) -> list[Any]:
    """The metrics of all who wrote: a mean, and a star where it differs from the copy of the bars before."""
    from rich.table import Table

    tables = []
    for kind in dict.fromkeys(row.kind for row in written.rows):
        own = [row for row in written.rows if row.kind == kind]
        regions = sum(case.is_drums == (kind == "drums") for case in written.cases)
        title = f"{regions} {kind} regions; *: p < .05 against copy"
        table = Table("metric", "better", *written.writes, title=title)
        for row in own:
            cells = []
            for name in written.writes:
                mean, p = row.means[name], row.p.get((name, "copy"), math.nan)
                cells.append(f"{mean.value:.2f}{'*' if p < 0.05 else ''}" if mean.n else "–")
            table.add_row(row.metric.name, row.metric.better, *cells)
        tables.append(table)
    return tables


def _report(facts: dict[str, Any], beside: dict[str, Likelihood], written: Edits | None) -> Report:
    """The page: likelihoods, then edits in context as tables, plots, rolls and sound."""
    from symbolic_music.evaluation.context.report import context_report
    from symbolic_music.evaluation.report import Report, Section, Table

    shown = ("model", "tokenizer", "preset", "store", "split", "stride", "pieces")
    about = facts_of(**{name: facts[name] for name in shown})
    rows = [[facts["model"], facts["nll_per_note"], facts["bits_per_second"]]]
    rows += [[name, one.per_note, one.bits_per_second] for name, one in beside.items()]
    text = f"{facts['pieces']:,} pieces, {facts['notes']:,} notes; baselines are in twelfths of a quarter."
    sections = [Section("Likelihood", text, [Table(["", "nats a note", "bits a second"], rows)])]
    if written is not None:
        about |= {"regions": len(written.cases), "seed": written.seed}
        sections += context_report(written.rows, written.cases, written.writes, {}, shown=4).sections
    return Report(f"{facts['model']} on {facts['split']} of {facts['store']}", about, sections)


def _row(piece: Piece, found: Likelihood) -> dict[str, Any]:
    rates = {"nll_per_token": found.per_token, "nll_per_note": found.per_note, "bits_per_second": found.bits_per_second}
    return {
        "source": piece.source,
        **{name: None if math.isnan(rate) else rate for name, rate in rates.items()},
        "tokens": found.tokens,
        "notes": found.notes,
        "seconds": found.seconds,
    }
