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
    similarity: Annotated[
        bool, typer.Option("--similarity", help="Instead of the roll: how alike each two bars are.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Draw a piano roll, or how alike the bars are."""
    from symbolic_music import plotting
    from symbolic_music.io import read

    check_output(output, file, compare)
    if (start is None) != (end is None):
        raise OptionError("--from and --to go together")
    if similarity:
        if compare is not None or start is not None:
            raise OptionError("--similarity draws all bars of one piece: leave --compare, --from and --to out")
        _draw_similarity(file, output, title, as_json)
        return
    region = None if start is None or end is None else (start, end)
    score = read(file)
    generated = None if compare is None else plotting.absent_from(score, read(compare))
    plotting.save_piano_roll(score, output, generated, region, file.stem if title is None else title)
    marked = None if generated is None else int(generated.sum())
    if as_json:
        out_json({"notes": len(score), "generated": marked, "seconds": round(score.duration, 3), "out": str(output)})
    else:
        out(f"{output}: {len(score):,} notes" + ("" if marked is None else f", {marked:,} of them generated"))


def _draw_similarity(file: Path, output: Path, title: str | None, as_json: bool) -> None:
    from symbolic_music.evaluation.features.structure import self_similarity
    from symbolic_music.io import read
    from symbolic_music.plotting import self_similarity_figure
    from symbolic_music.plotting.style import check_picture, save

    check_picture(output)
    score = read(file)
    similar = self_similarity(score)
    numbers = score.numbers()
    first = int(numbers[0]) if len(numbers) else 1
    save(self_similarity_figure(similar, file.stem if title is None else title, first), output)
    if as_json:
        out_json({"bars": len(similar), "seconds": round(score.duration, 3), "out": str(output)})
    else:
        out(f"{output}: {len(similar):,} bars")
