"""Transpose notes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.dataclass_options import grouped
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.region_and_tracks import RegionOptions, TrackOptions
from symbolic_music.cli.options.transforming_verbs import OutputOptions, rows_of


@examples("song.mid --semitones -2 -o new.mid", "song.mid --semitones 12 --at bars:8-12 --tracks 1 -o new.mid")
@grouped
def transpose(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    semitones: Annotated[int, typer.Option(help="Semitones up; negative for down.", min=-127, max=127)],
    where: RegionOptions,
    which: TrackOptions,
    options: OutputOptions,
) -> None:
    """Transpose notes: all of them, with the keys, or those in regions of some tracks. Drums stay."""
    from symbolic_music import edits, transforms
    from symbolic_music.general_midi import DRUM_CHANNEL

    score = options.read(file)
    if not where.regions() and which.chosen(score) is None:
        options.write(score, transforms.transpose(score, semitones), f"transposed by {semitones}")
        return
    rows = rows_of(score, where, which)
    rows = rows[score.notes["channel"][rows] != DRUM_CHANNEL]
    options.write(score, edits.transpose_notes(score, rows, semitones), f"{len(rows):,} notes by {semitones}")
