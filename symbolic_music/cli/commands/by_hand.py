"""Verbs that change a score without a model: transpose, quantise, humanise, copy and delete bars."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.groups import grouped
from symbolic_music.cli.options.score_only import OutputOptions, bar_range, rows_of
from symbolic_music.cli.options.where import RegionOptions, TrackOptions
from symbolic_music.cli.output.report import Seed

File = Annotated[Path, typer.Argument(help="A MIDI or notation file.")]


@grouped
def transpose(
    file: File,
    semitones: Annotated[int, typer.Option(help="Up, or down where negative.", min=-127, max=127)],
    where: RegionOptions,
    which: TrackOptions,
    options: OutputOptions,
) -> None:
    """Move notes by semitones, all or those of regions of some tracks; drums stay, and keys go along with all."""
    from symbolic_music import edits, transforms

    score = options.read(file)
    if not where.regions() and which.chosen(score) is None:
        options.write(score, transforms.transpose(score, semitones), f"transposed by {semitones}")
        return
    rows = rows_of(score, where, which)
    options.write(score, edits.transpose_notes(score, rows, semitones), f"{len(rows):,} notes by {semitones}")


@grouped
def quantise(
    file: File,
    where: RegionOptions,
    which: TrackOptions,
    options: OutputOptions,
    grid: Annotated[float, typer.Option(help="Quarter notes between the lines: 0.25 is a sixteenth.")] = 0.25,
    strength: Annotated[float, typer.Option(help="How far, 0 to 1.")] = 1.0,
    ends: Annotated[bool, typer.Option("--ends", help="Ends of notes too.")] = False,
) -> None:
    """Draw onsets to a grid, of all notes or of those in regions of some tracks."""
    from symbolic_music import edits

    score = options.read(file)
    rows = rows_of(score, where, which)
    options.write(score, edits.quantise(score, grid, strength, rows, ends), f"{len(rows):,} notes quantised")


@grouped
def humanise(
    file: File,
    where: RegionOptions,
    which: TrackOptions,
    options: OutputOptions,
    seconds: Annotated[float, typer.Option(help="Standard deviation of the onsets.")] = 0.01,
    velocity: Annotated[int, typer.Option(help="Standard deviation of the velocities.")] = 6,
    seed: Seed = 0,
) -> None:
    """Put onsets and velocities a little off, of all notes or of those in regions of some tracks."""
    from symbolic_music import edits

    score = options.read(file)
    rows = rows_of(score, where, which)
    options.write(score, edits.humanise(score, seconds, velocity, seed, rows), f"{len(rows):,} notes humanised")


@grouped
def copy_bars(
    file: File,
    bars: Annotated[str, typer.Option(help="Bars, counted from 1, the last included, as 8-12 or 8.")],
    options: OutputOptions,
    before: Annotated[int | None, typer.Option(help="Bar to put them in front of; else they are repeated.")] = None,
    times: Annotated[int, typer.Option(help="How often.")] = 1,
) -> None:
    """Copy bars of all tracks; what follows moves on."""
    from symbolic_music import edits

    score = options.read(file)
    first, last = bar_range(bars, "--bars")
    options.write(score, edits.copy_bars(score, first, last, before, times), f"bars {first} to {last} copied")


@grouped
def delete_bars(
    file: File,
    bars: Annotated[str, typer.Option(help="Bars, counted from 1, the last included, as 8-12 or 8.")],
    options: OutputOptions,
) -> None:
    """Delete bars of all tracks; what follows moves up."""
    from symbolic_music import edits

    score = options.read(file)
    first, last = bar_range(bars, "--bars")
    options.write(score, edits.delete_bars(score, first, last), f"bars {first} to {last} deleted")
