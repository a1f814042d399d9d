"""Options for regions and tracks, and parsers of regions, chords and ranges."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from symbolic_music.cli.options.help_page import OLDER
from symbolic_music.errors import OptionError

if TYPE_CHECKING:
    from symbolic_music.generation import Region
    from symbolic_music.score import Score

_NUMBER = r"(\d+(?:\.\d+)?)"
_BARS = re.compile(r"(\d+)(?:-(\d+))?")
_BEATS = re.compile(f"{_NUMBER}-{_NUMBER}")
_SECONDS = re.compile(f"{_NUMBER}s-{_NUMBER}s")

At = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PLACE", help="Where: bars:8-12 (both included), 30s-45s, or beats:16-32. Repeat it for more regions."
    ),
]


@dataclass(frozen=True, kw_only=True)
class RegionOptions:
    """Regions of time."""

    at: At = None
    bars: Annotated[str | None, typer.Option(help="As --at bars:, 8-12 or 8-12,20.", rich_help_panel=OLDER)] = None
    beats: Annotated[str | None, typer.Option(help="As --at beats:, 28-48.", rich_help_panel=OLDER)] = None
    start: Annotated[
        list[float] | None, typer.Option("--from", help="Seconds where a region begins.", rich_help_panel=OLDER)
    ] = None
    end: Annotated[list[float] | None, typer.Option("--to", help="Seconds where it ends.", rich_help_panel=OLDER)] = (
        None
    )

    def regions(self) -> list[Region]:
        """The regions that were named, in any spelling.

        Raises:
            OptionError: when the text is not a region.
            RegionError: when the region is impossible.
        """
        from symbolic_music.generation import Region

        starts, ends = self.start or [], self.end or []
        if len(starts) != len(ends):
            raise OptionError("--from and --to come in pairs")
        found = [region for text in self.at or [] for region in places(text)]
        found += [Region(start, end) for start, end in zip(starts, ends, strict=True)]
        if self.bars is not None:
            found += _regions(self.bars, "bars", f"--bars takes bars such as 8-12 or 8-12,20, not {self.bars!r}")
        if self.beats is not None:
            found += _regions(self.beats, "beats", f"--beats takes quarter notes such as 28-48, not {self.beats!r}")
        return found

    def needed(self) -> list[Region]:
        """The regions; OptionError when there are none."""
        found = self.regions()
        if not found:
            raise OptionError("name a region: --at bars:8-12, --at 30s-45s or --at beats:16-32")
        return found


@dataclass(frozen=True, kw_only=True)
class BarOptions:
    """One range of whole bars."""

    at: Annotated[
        list[str] | None, typer.Option(metavar="PLACE", help="Which bars: bars:8-12 (both included) or bars:8.")
    ] = None
    bars: Annotated[str | None, typer.Option(help="As --at bars:, 8-12 or 8.", rich_help_panel=OLDER)] = None

    def first_and_last(self) -> tuple[int, int]:
        """Both included.

        Raises:
            OptionError: unless one range of bars was named.
        """
        if self.bars is not None and self.at is None:
            return least_and_most(self.bars, "--bars")
        found = [region for text in self.at or [] for region in places(text)]
        if len(found) != 1 or found[0].unit != "bars" or self.bars is not None:
            raise OptionError("name one range of bars: --at bars:8-12")
        return int(found[0].start), int(found[0].end) - 1


def places(text: str, option: str = "--at") -> list[Region]:
    """Regions from the text of an option: bars:8-12,20, beats:16-32 or 30s-45s; a unit holds for what follows a comma.

    Raises:
        OptionError: when the text is not a region.
        RegionError: when the region is impossible.
    """
    unit, _, rest = text.rpartition(":")
    unit = {"bar": "bars", "beat": "beats", "": "seconds"}.get(unit.strip(), unit.strip())
    return _regions(rest, unit, f"{option} takes bars:8-12, beats:16-32 or 30s-45s, not {text!r}")


def _regions(text: str, unit: str, mistake: str) -> list[Region]:
    """Regions in one unit, separated by commas; OptionError with this message when one cannot be read."""
    from symbolic_music.generation import Region, bars

    found = []
    for part in text.split(","):
        pattern = {"bars": _BARS, "beats": _BEATS, "seconds": _SECONDS}.get(unit)
        place = None if pattern is None else pattern.fullmatch(part.strip())
        if place is None:
            raise OptionError(mistake)
        if unit == "bars":
            found.append(bars(int(place[1]), int(place[2] or place[1])))
        else:
            found.append(Region(float(place[1]), float(place[2]), "beats" if unit == "beats" else "seconds"))
    return found


@dataclass(frozen=True, kw_only=True)
class TrackOptions:
    """Tracks, by their numbers or by what they play."""

    tracks: Annotated[str | None, typer.Option(help="Tracks, as 1,3 or bass,drums; all by default.")] = None
    programs: Annotated[str | None, typer.Option(help="Tracks by program, as 0,33; 128 is drums.")] = None

    def chosen(self, score: Score) -> list[int] | None:
        """The tracks of a score; None when none were named.

        Raises:
            OptionError: when they cannot be read.
            RegionError: for a program that no track plays.
        """
        from symbolic_music.generation import select, tracks_of

        if self.tracks is not None and self.programs is not None:
            raise OptionError("--tracks and --programs exclude each other")
        if self.programs is not None:
            return tracks_of(score, numbers(self.programs, "--programs"))
        named = self.named()
        return None if named is None else select(score, named)

    def named(self) -> list[int | str] | None:
        """The numbers and names of --tracks; OptionError when they cannot be read."""
        return None if self.tracks is None else numbers_or_names(self.tracks, "--tracks")


def chords(text: str) -> tuple[tuple[float, str], ...]:
    """Bars and chords from a text such as 8:Dm,9:G7; OptionError when it is not one."""
    found = [re.fullmatch(rf"{_NUMBER}:(\S+)", part.strip()) for part in text.split(",")]
    if not all(found):
        raise OptionError(f"--chords takes a chart such as 'C | Am F | G7', or bars as in 8:Dm,9:G7, not {text!r}")
    return tuple((float(one[1]), one[2]) for one in found if one)


def least_and_most(text: str, option: str) -> tuple[int, int]:
    """Two numbers from a text such as 2-8, or 4 for both; OptionError names the option when it is neither."""
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    if found is None:
        raise OptionError(f"{option} takes a range such as 2-8, or one number, not {text!r}")
    return int(found[1]), int(found[2] or found[1])


def numbers_or_names(text: str, option: str) -> list[int | str]:
    """Tracks separated by commas; OptionError names the option when there is nothing between two of them."""
    named = [part.strip() for part in text.split(",")]
    if not all(named):
        raise OptionError(f"{option} takes numbers or names such as 1,3 or bass,drums, not {text!r}")
    return [int(part) if re.fullmatch(r"[-+]?\d+", part) else part for part in named]


def instrument_names(text: str | None) -> list[str]:
    """The instruments of --instruments, separated by commas; none where the option is not given."""
    return [] if text is None else [name.strip() for name in text.split(",")]


def numbers(text: str, option: str) -> list[int]:
    """Whole numbers separated by commas; OptionError names the option when they are not."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise OptionError(f"{option} takes numbers separated by commas, such as 0,33, not {text!r}") from None
