"""A region of a piece, written anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symbolic_music.cli.report import Json, Seed, check_score_output, numbers, out, out_json, working
from symbolic_music.cli.sampling import Device, MinP, ModelName, Temperature, TopK, TopP
from symbolic_music.errors import OptionError, RegionError

if TYPE_CHECKING:
    from symbolic_music.score import Score


def infill(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    start: Annotated[float, typer.Option("--from", help="Seconds where the region begins.")],
    end: Annotated[float, typer.Option("--to", help="Seconds where it ends.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The MIDI file to write.")],
    tracks: Annotated[str | None, typer.Option(help="Tracks to rewrite, as 1,3; all when omitted.")] = None,
    programs: Annotated[
        str | None, typer.Option(help="Instead of tracks: the programs to rewrite, as 0,33; 128 is drums.")
    ] = None,
    model: ModelName = None,
    temperature: Temperature = 1.0,
    top_p: TopP = 0.95,
    top_k: TopK = 0,
    min_p: MinP = 0.0,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Rewrite a region of some tracks; everything else stays as it is."""
    if tracks is not None and programs is not None:
        raise OptionError("--tracks and --programs exclude each other")
    check_score_output(output, file)

    from symbolic_music import generation, models
    from symbolic_music.io import read

    score = read(file)
    chosen = None if tracks is None else numbers(tracks, "--tracks")
    if programs is not None:
        chosen = tracks_of(score, numbers(programs, "--programs"))
    network = models.load_model(model, device=device)
    with working(f"rewriting {start:g} s to {end:g} s") as progress:
        result = generation.infill(
            score, start, end, chosen, network, generation.Sampling(temperature, top_p, top_k, min_p), seed, progress
        )
    result.write(output)
    written = notes_in(result, start, end, chosen)
    if as_json:
        out_json({"notes_written": written, "seconds": round(result.duration, 3), "seed": seed, "out": str(output)})
    else:
        out(f"{output}: {written:,} notes written from {start:g} s to {end:g} s")


def tracks_of(score: Score, programs: list[int]) -> list[int]:
    """Tracks that play one of these programs, 128 for drums; RegionError for a program that no track plays."""
    played = [128 if track.is_drum else track.program for track in score.tracks]
    for program in programs:
        if program not in played:
            raise RegionError(f"no track plays program {program}: this score has {sorted(set(played))}")
    return [i for i, program in enumerate(played) if program in programs]


def notes_in(score: Score, start: float, end: float, tracks: list[int] | None) -> int:
    """How many notes begin in a region."""
    import numpy as np

    onsets = score.onset_seconds
    inside = (onsets >= start) & (onsets < end)
    if tracks is not None:
        inside &= np.isin(score.notes["track"], tracks)
    return int(inside.sum())
