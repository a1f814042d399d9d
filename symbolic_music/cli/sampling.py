"""Options that all verbs which generate share."""

from __future__ import annotations

from typing import Annotated

import typer

ModelName = Annotated[
    str | None, typer.Option("--model", "-m", help="A bundled model's name or a model folder; see models.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Temperature = Annotated[float, typer.Option(help="Below 1 safer, above 1 bolder.")]
TopP = Annotated[float, typer.Option(help="Sample from the most likely ids that make up this part.")]
TopK = Annotated[int, typer.Option(help="Sample from this many most likely ids; 0 for all.")]
MinP = Annotated[float, typer.Option(help="Leave out ids less likely than this part of the likeliest.")]
