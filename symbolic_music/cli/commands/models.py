"""The list of models and voices."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from symbolic_music.cli.options.common import Json
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.output.console import out, out_json, show


@examples("", "--all")
def models(
    all_models: Annotated[bool, typer.Option("--all", help="Include public models on the Hugging Face hub.")] = False,
    as_json: Json = False,
) -> None:
    """List models and voices with their size, licence and training data."""
    from symbolic_music.bundled import DISTRIBUTION, not_installed
    from symbolic_music.models import Card, list_models
    from symbolic_music.synthesis.midi_ddsp.voices import load_voices

    cards = [*list_models(), Card.of_record(load_voices().card)]
    if as_json:
        out_json([*(card.record() for card in cards), *(_public() if all_models else ())])
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("name", "parameters", "licence", "data", "what it does"):
        table.add_column(title, justify="right" if title == "parameters" else "left", overflow="fold")
    for card in cards:
        row = (card.name, f"{card.parameters:,}", card.license, card.data, card.description)
        table.add_row(*map(Text, row))
    show(table)
    if missing := not_installed():
        out(f"{', '.join(missing)}: in another package; run: pip install {DISTRIBUTION}")
    if not all_models:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("name", "family", "parameters", "licence", "can", "on the hub", "here"):
        table.add_column(title, justify="right" if title == "parameters" else "left", overflow="fold")
    for one in _public():
        size = f"{one['parameters'] / 1e6:,.0f} M" if one["parameters"] else "?"
        here, can = "yes" if one["on_disk"] else "no", ", ".join(one["can"])
        facts = (one["name"], one["family"], size, one["licence"], can, one["repository"], here)
        table.add_row(*map(Text, facts))
    show(table)


def _public() -> list[dict[str, Any]]:
    from dataclasses import asdict

    from symbolic_music.models.checkpoints.catalogue import CATALOGUE
    from symbolic_music.models.checkpoints.public import on_disk

    rows = [{**asdict(one), "can": list(one.can), "on_disk": on_disk(one)} for one in CATALOGUE]
    return [{"licence" if key == "license" else key: value for key, value in row.items()} for row in rows]
