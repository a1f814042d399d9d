"""Give a performance bars."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.dataclass_options import grouped
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.transforming_verbs import OutputOptions


@examples("take.mid -o barred.mid")
@grouped
def find_beats(
    file: Annotated[Path, typer.Argument(help="A MIDI file that was played freely.")],
    options: OutputOptions,
    meter: Annotated[int | None, typer.Option(help="Beats in a bar; by default 3 or 4, whichever fits better.")] = None,
) -> None:
    """Find the beats and downbeats of a performance, and write it with bars; it sounds the same."""
    from symbolic_music.transcription import track_beats, with_bars

    score = options.read(file)
    beats = track_beats(score, meter)
    found = f"{len(beats.times):,} beats in bars of {beats.meter}"
    options.write(score, with_bars(score, beats), found)
