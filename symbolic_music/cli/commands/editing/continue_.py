"""Add bars after the end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.dataclass_options import grouped
from symbolic_music.cli.options.editing_verbs import WritingOptions
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.region_and_tracks import TrackOptions


@examples("song.mid --bars 8 -o longer.mid")
@grouped
def continue_(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    which: TrackOptions,
    options: WritingOptions,
    bars: Annotated[int, typer.Option("--bars", help="The number of bars.", min=1, max=256)] = 4,
) -> None:
    """Continue a piece by some bars; everything before them stays as it is."""
    beside = f" in {bars} bars after the end"
    options.edit(file, "continue", "continuing", beside, which=which, count_bars=bars)
