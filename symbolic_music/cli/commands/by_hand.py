"""Verbs that change a score without a model: transpose, quantise, humanise, copy and delete bars."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.groups import grouped
from symbolic_music.cli.options.score_only import OutputOptions, rows_of
from symbolic_music.cli.options.where import BarOptions, RegionOptions, TrackOptions
from symbolic_music.cli.output.report import Seed

File = Annotated[Path, typer.Argument(help="A MIDI or notation file.")]


@grouped
def transpose(
    file: File,
    semitones: Annotated[int, typer.Option(help="Semitones up; negative for down.", min=-127, max=127)],
    where: RegionOptions,
    which: TrackOptions,
    options: OutputOptions,
) -> None:
    """Transpose notes: all of them, with the keys, or those in regions of some tracks. Drums stay."""
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
    grid: Annotated[float, typer.Option(help="Quarter notes between grid lines: 0.25 is a sixteenth.")] = 0.25,
    strength: Annotated[float, typer.Option(help="How far to move each note, 0 to 1.")] = 1.0,
    ends: Annotated[bool, typer.Option("--ends", help="Move the ends of notes as well.")] = False,
) -> None:
    """Move onsets towards a grid, of all notes or of those in regions of some tracks."""
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
    seconds: Annotated[float, typer.Option(help="Standard deviation of the onsets, in seconds.")] = 0.01,
    velocity: Annotated[int, typer.Option(help="Standard deviation of the velocities.")] = 6,
    seed: Seed = 0,
) -> None:
    """Vary onsets and velocities at random, of all notes or of those in regions of some tracks."""
    from symbolic_music import edits

    score = options.read(file)
    rows = rows_of(score, where, which)
    options.write(score, edits.humanise(score, seconds, velocity, seed, rows), f"{len(rows):,} notes humanised")


@grouped
def copy_bars(
    file: File,
    which: BarOptions,
    options: OutputOptions,
    before: Annotated[
        int | None, typer.Option(help="Insert the copy before this bar; by default, directly after the original.")
    ] = None,
    times: Annotated[int, typer.Option(help="Number of copies.")] = 1,
) -> None:
    """Copy bars of all tracks; later bars move back."""
    from symbolic_music import edits

    score = options.read(file)
    first, last = which.first_and_last()
    options.write(score, edits.copy_bars(score, first, last, before, times), f"bars {first} to {last} copied")


@grouped
def delete_bars(
    file: File,
    which: BarOptions,
    options: OutputOptions,
) -> None:
    """Delete bars of all tracks; later bars close the gap."""
    from symbolic_music import edits

    score = options.read(file)
    first, last = which.first_and_last()
    options.write(score, edits.delete_bars(score, first, last), f"bars {first} to {last} deleted")
