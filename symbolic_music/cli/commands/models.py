"""What models and voices come with the package."""

from __future__ import annotations

from symbolic_music.cli.output.report import Json, out_json, show


def models(as_json: Json = False) -> None:
    """List the bundled models and voices with size, licence and training data."""
    from dataclasses import asdict

    from symbolic_music.models import Card, list_models
    from symbolic_music.synthesis.midi_ddsp.voices import load_voices

    cards = [*list_models(), Card(**load_voices().card)]
    if as_json:
        out_json([asdict(card) for card in cards])
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("name", "parameters", "licence", "data", "what it does"):
        table.add_column(title, justify="right" if title == "parameters" else "left", overflow="fold")
    for card in cards:
        told = (card.name, f"{card.parameters:,}", card.licence, card.data, card.description)
        table.add_row(*map(Text, told))
    show(table)
