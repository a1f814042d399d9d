"""What models come with the package."""

from __future__ import annotations

from symbolic_music.cli.report import Json, out, out_json, show


def models(as_json: Json = False) -> None:
    """List the bundled models with size, licence and training data."""
    from dataclasses import asdict

    from symbolic_music.models import bundled

    cards = bundled()
    if as_json:
        out_json([asdict(card) for card in cards])
        return
    if not cards:
        out("no model is bundled; train one and name its folder")
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("name", "parameters", "licence", "data"):
        table.add_column(title, justify="right" if title == "parameters" else "left", overflow="fold")
    for card in cards:
        table.add_row(Text(card.name), f"{card.parameters:,}", Text(card.licence), Text(card.data))
    show(table)
