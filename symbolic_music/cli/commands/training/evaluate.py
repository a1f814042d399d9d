"""Evaluate the likelihood of a corpus under a model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symbolic_music.cli.options.common import Device, Json
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.output.console import out_json, show, working

if TYPE_CHECKING:
    from symbolic_music.corpora.store.store import Piece
    from symbolic_music.evaluation.likelihood import Likelihood


@examples("runs/first/best maestro.store --split test")
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
    as_json: Json = False,
) -> None:
    """Compute the negative log-likelihood of a split of a store: nats a token and a note, bits a second."""
    from symbolic_music.corpora.store.store import NoteStore
    from symbolic_music.evaluation import likelihood_baselines, stores
    from symbolic_music.evaluation.likelihood import Likelihood
    from symbolic_music.models import load_model

    opened, loaded, pieces = NoteStore(store), load_model(model, device), dict[int, Likelihood]()
    with working(f"evaluating {loaded.card.name}") as progress:
        found = stores.evaluate(loaded, opened, split, batch, progress, pieces, stride, most)
    facts: dict[str, Any] = {
        "model": loaded.card.name,
        "tokenizer": loaded.tokenizer.name,
        "preset": loaded.tokenizer.preset,
        "vocabulary": sum(loaded.tokenizer.vocabulary.sizes),
        "store": str(store),
        "split": split,
        "stride": stride,
        "pieces": len(stores.chosen_pieces(opened, split, most)),
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
    show(table)


def _row(piece: Piece, found: Likelihood) -> dict[str, Any]:
    rates = {"nll_per_token": found.per_token, "nll_per_note": found.per_note, "bits_per_second": found.bits_per_second}
    return {
        "source": piece.source,
        **{name: None if math.isnan(rate) else rate for name, rate in rates.items()},
        "tokens": found.tokens,
        "notes": found.notes,
        "seconds": found.seconds,
    }
