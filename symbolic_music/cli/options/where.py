"""Options that say where in a piece something is done, and texts that name places, chords and ranges."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from symbolic_music.cli.output.report import numbers
from symbolic_music.errors import OptionError

if TYPE_CHECKING:
    from symbolic_music.generation import Region
    from symbolic_music.score import Score

_NUMBER = r"(\d+(?:\.\d+)?)"


@dataclass(frozen=True, kw_only=True)
class RegionOptions:
    """Regions of time."""

    start: Annotated[
        list[float] | None, typer.Option("--from", help="Seconds where the region begins; again for more regions.")
    ] = None
    end: Annotated[list[float] | None, typer.Option("--to", help="Seconds where it ends.")] = None
    bars: Annotated[
        str | None,
        typer.Option(help="Instead: bars as the page numbers them, else from 1, the last included: 8-12 or 8-12,20."),
    ] = None
    beats: Annotated[
        str | None, typer.Option(help="Instead: quarter notes, counted from 0, the last not included, as 28-48.")
    ] = None

    def regions(self) -> list[Region]:
        """What was named, in any of the three ways.

        Raises:
            OptionError: when it cannot be read.
            RegionError: for a region that cannot be.
        """
        from symbolic_music.generation import Region, bars

        starts, ends = self.start or [], self.end or []
        if len(starts) != len(ends):
            raise OptionError("--from and --to come in pairs")
        found = [Region(start, end) for start, end in zip(starts, ends, strict=True)]
        for part in self.bars.split(",") if self.bars is not None else []:
            bar = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
            if bar is None:
                raise OptionError(f"--bars takes bars such as 8-12 or 8-12,20, not {self.bars!r}")
            found.append(bars(int(bar[1]), int(bar[2] or bar[1])))
        for part in self.beats.split(",") if self.beats is not None else []:
            beat = re.fullmatch(f"{_NUMBER}-{_NUMBER}", part.strip())
            if beat is None:
                raise OptionError(f"--beats takes quarter notes such as 28-48, not {self.beats!r}")
            found.append(Region(float(beat[1]), float(beat[2]), "beats"))
        return found

    def needed(self) -> list[Region]:
        """The same; OptionError when nothing was named."""
        found = self.regions()
        if not found:
            raise OptionError("name a region: --from 8 --to 12 in seconds, --bars 8-12 or --beats 28-48")
        return found


@dataclass(frozen=True, kw_only=True)
class TrackOptions:
    """Tracks, by their numbers or by what they play."""

    tracks: Annotated[
        str | None,
        typer.Option(help="Tracks to rewrite, as 1,3 or bass,drums; all when omitted."),
    ] = None
    programs: Annotated[
        str | None, typer.Option(help="Instead of tracks: the programs to rewrite, as 0,33; 128 is drums.")
    ] = None

    def chosen(self, score: Score) -> list[int] | None:
        """The tracks of a score; None where none were named.

        Raises:
            OptionError: when they cannot be read.
            RegionError: for a program that no track plays.
        """
        from symbolic_music.generation import select, tracks_of

        if self.tracks is not None and self.programs is not None:
            raise OptionError("--tracks and --programs exclude each other")
        if self.programs is not None:
            return tracks_of(score, numbers(self.programs, "--programs"))
        if self.tracks is None:
            return None
        named = [part.strip() for part in self.tracks.split(",")]
        if not all(named):
            raise OptionError(f"--tracks takes numbers or names such as 1,3 or bass,drums, not {self.tracks!r}")
        return select(score, [int(part) if re.fullmatch(r"[-+]?\d+", part) else part for part in named])


def chords(text: str) -> tuple[tuple[float, str], ...]:
    """Bars and chords from a text such as 8:Dm,9:G7; OptionError when it is none."""
    found = [re.fullmatch(rf"{_NUMBER}:(\S+)", part.strip()) for part in text.split(",")]
    if not all(found):
        raise OptionError(f"--chords takes bars and chords such as 8:Dm,9:G7, not {text!r}")
    return tuple((float(one[1]), one[2]) for one in found if one)


def least_and_most(text: str, option: str) -> tuple[int, int]:
    """Two numbers from a text such as 2-8, or 4 for both; OptionError names the option when it is neither."""
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    if found is None:
        raise OptionError(f"{option} takes a range such as 2-8, or one number, not {text!r}")
    return int(found[1]), int(found[2] or found[1])
