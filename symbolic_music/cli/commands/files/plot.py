"""Plot a score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symbolic_music.cli.options.common import Json
from symbolic_music.cli.options.dataclass_options import grouped
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.region_and_tracks import RegionOptions, places
from symbolic_music.cli.output.console import out, out_json
from symbolic_music.cli.output.paths import check_output
from symbolic_music.errors import OptionError

if TYPE_CHECKING:
    from symbolic_music.generation import Region
    from symbolic_music.score import Score


@examples(
    "song.mid -o song.png",
    "new.mid --compare song.mid --at bars:8-12 -o new.png",
    "new.mid --show bars:7-14 -o part.png",
)
@grouped
def plot(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The picture: .png, .pdf or .svg.")],
    where: RegionOptions,
    compare: Annotated[Path | None, typer.Option(help="Another file: highlight the notes that are not in it.")] = None,
    show: Annotated[
        str | None, typer.Option(metavar="PLACE", help="The part to draw, as --at; the whole piece by default.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="The title; the file's name by default.")] = None,
    similarity: Annotated[
        bool, typer.Option("--similarity", help="Plot the self-similarity of the bars instead of the roll.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Draw a piano roll, with a region shaded if one is named, or the self-similarity of the bars."""
    from symbolic_music import plotting
    from symbolic_music.io import read

    check_output(output, file, compare)
    regions = where.regions()
    if similarity:
        if compare is not None or regions or show is not None:
            raise OptionError("--similarity plots all bars of one piece: leave --compare, --show and the region out")
        _draw_similarity(file, output, title, as_json)
        return
    if len(regions) > 1:
        raise OptionError("a picture shades one region: name one")
    parts = [] if show is None else places(show, "--show")
    if len(parts) > 1:
        raise OptionError("a picture shows one part: name one")
    score = read(file)
    region = _seconds(score, regions[0]) if regions else None
    shown = _seconds(score, parts[0]) if parts else None
    generated = None if compare is None else plotting.absent_from(score, read(compare))
    plotting.save_piano_roll(score, output, generated, region, file.stem if title is None else title, shown)
    marked = None if generated is None else int(generated.sum())
    if as_json:
        out_json({"notes": len(score), "generated": marked, "seconds": round(score.duration, 3), "out": str(output)})
    else:
        out(f"{output}: {len(score):,} notes" + ("" if marked is None else f", {marked:,} of them not in {compare}"))


def _draw_similarity(file: Path, output: Path, title: str | None, as_json: bool) -> None:
    from symbolic_music.evaluation.features.structure import self_similarity
    from symbolic_music.io import read
    from symbolic_music.plotting import self_similarity_figure
    from symbolic_music.plotting.figures import check_picture, save

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


def _seconds(score: Score, region: Region) -> tuple[float, float]:
    """Where a region begins and ends, in seconds."""
    if region.unit == "seconds":
        return region.start, region.end
    start, end = score.seconds(region.span(score))
    return float(start), float(end)
