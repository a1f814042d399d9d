"""Rewrite all but some tracks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from symbolic_music.cli.options.dataclass_options import grouped
from symbolic_music.cli.options.editing_verbs import WritingOptions
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.region_and_tracks import instrument_names, numbers_or_names


@examples(
    "melody.mid --keep-tracks 0 -o four-voices.mid",
    "melody.mid --keep-tracks 0 --instruments piano,bass,drums -o band.mid",
)
@grouped
def accompany(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    keep_tracks: Annotated[str, typer.Option(help="Tracks to keep, as 0,2 or melody; all others are rewritten.")],
    options: WritingOptions,
    instruments: Annotated[
        str | None, typer.Option(help="Instruments to add, as piano,bass,drums or 0,33,128, each in its own track.")
    ] = None,
    side: Annotated[
        Literal["below", "above"] | None, typer.Option(help="Write the new notes below or above the kept tracks.")
    ] = None,
) -> None:
    """Keep some tracks and rewrite all others as their accompaniment."""
    kept = numbers_or_names(keep_tracks, "--keep-tracks")
    added = instrument_names(instruments)
    beside = f" to accompany track{'s' * (len(kept) > 1)} {', '.join(map(str, kept))}"
    options.edit(file, "accompany", "writing the other parts", beside, which=kept, side=side, instruments=added)
