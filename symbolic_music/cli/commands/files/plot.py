"""Scores to pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.output.report import Json, check_output, out, out_json
from symbolic_music.errors import OptionError


def plot(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The picture: .png, .pdf or .svg.")],
    compare: Annotated[
        Path | None, typer.Option(help="The file that it was made from: notes that are not in it stand out.")
    ] = None,
    start: Annotated[float | None, typer.Option("--from", help="Shade a region from this second ...")] = None,
    end: Annotated[float | None, typer.Option("--to", help="... to this one.")] = None,
    title: Annotated[str | None, typer.Option(help="A line above; the file's name when omitted.")] = None,
    as_json: Json = False,
) -> None:
    """Draw a piano roll."""
    from symbolic_music import plotting
    from symbolic_music.io import read

    check_output(output, file, compare)
    if (start is None) != (end is None):
        raise OptionError("--from and --to go together")
    region = None if start is None or end is None else (start, end)
    score = read(file)
    generated = None if compare is None else plotting.absent_from(score, read(compare))
    plotting.save_piano_roll(score, output, generated, region, file.stem if title is None else title)
    marked = None if generated is None else int(generated.sum())
    if as_json:
        out_json({"notes": len(score), "generated": marked, "seconds": round(score.duration, 3), "out": str(output)})
    else:
        out(f"{output}: {len(score):,} notes" + ("" if marked is None else f", {marked:,} of them generated"))
