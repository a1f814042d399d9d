"""Options that many verbs share."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same result.", min=0)]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.", rich_help_panel="Model and device")]
AllowEmpty = Annotated[bool, typer.Option("--allow-empty", help="Allow a file without notes.")]
Offline = Annotated[bool, typer.Option("--offline", help="Do not use the network.", rich_help_panel="Model and device")]
