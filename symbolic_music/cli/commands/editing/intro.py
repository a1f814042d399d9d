"""Add bars before the beginning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.dataclass_options import grouped
from symbolic_music.cli.options.editing_verbs import WritingOptions
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.region_and_tracks import TrackOptions


@examples("song.mid --bars 4 -o longer.mid")
@grouped
def intro(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    which: TrackOptions,
    options: WritingOptions,
    bars: Annotated[int, typer.Option("--bars", help="The number of bars.", min=1, max=256)] = 4,
) -> None:
    """Write an introduction of some bars; the piece moves back by as many."""
    beside = f" in {bars} bars before the beginning"
    options.edit(file, "intro", "writing an intro", beside, which=which, count_bars=bars)
