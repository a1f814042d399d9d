"""Limits on new notes, as options."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from symbolic_music.cli.options.help_page import LIMITS
from symbolic_music.cli.options.region_and_tracks import chords, least_and_most, numbers, places
from symbolic_music.errors import OptionError

if TYPE_CHECKING:
    from symbolic_music.generation import Limits, Region

_limit = partial(typer.Option, rich_help_panel=LIMITS)


@dataclass(frozen=True, kw_only=True)
class LimitOptions:
    """Which limits new notes obey, and whose style they follow."""

    lowest: Annotated[str | None, _limit(help="The lowest pitch, as C3 or 48; C4 is middle C.")] = None
    highest: Annotated[str | None, _limit(help="The highest pitch.")] = None
    scale: Annotated[str | None, _limit(help="A scale, as 'D minor'.")] = None
    pitch_classes: Annotated[str | None, _limit(help="Pitch classes, as 0,4,7; 0 is C.")] = None
    chords: Annotated[
        str | None,
        _limit(
            help="Chords bar by bar, repeated, as 'C | Am F | G7'; or from these bars on, as 8:Dm,9.5:G7; - is none."
        ),
    ] = None
    passing_notes: Annotated[
        bool, _limit("--passing-notes", help="Allow passing notes between the notes of the chords.")
    ] = False
    polyphony: Annotated[int | None, _limit(help="At most this many notes sound at once.", min=1)] = None
    notes_per_bar: Annotated[str | None, _limit(help="Notes in a bar, as 2-8 or 4.")] = None
    notes_at_once: Annotated[str | None, _limit(help="Notes that begin together, as 1-3 or 4.")] = None
    no_repeats: Annotated[bool, _limit("--no-repeats", help="No instrument repeats its last pitch.")] = False
    grid: Annotated[float | None, _limit(help="Grid of their onsets, in quarter notes: 0.25 is a sixteenth.")] = None
    end_on: Annotated[float | None, _limit(help="The bar in which the new notes end; 12.5 is its middle.")] = None
    given_pitches: Annotated[str | None, _limit(help="These pitches in this order, as C4,E4,67, in a free rhythm.")] = (
        None
    )
    free: Annotated[bool, _limit("--free", help="Do not follow the habits of the track elsewhere.")] = False
    like: Annotated[str | None, _limit(metavar="PLACE", help="Follow the style of these bars, as bars:4-8.")] = None

    def limits(self) -> Limits:
        """The limits on the new notes."""
        from symbolic_music.generation import Limits
        from symbolic_music.theory import pitch_number

        timed = self.chords is not None and ":" in self.chords
        melody = [] if self.given_pitches is None else self.given_pitches.split(",")
        return Limits(
            lowest=0 if self.lowest is None else pitch_number(self.lowest),
            highest=127 if self.highest is None else pitch_number(self.highest),
            scale=self.scale,
            pitch_classes=() if self.pitch_classes is None else tuple(numbers(self.pitch_classes, "--pitch-classes")),
            chords=() if self.chords is None or not timed else chords(self.chords),
            chart=None if timed else self.chords,
            passing_notes=self.passing_notes,
            polyphony=self.polyphony,
            notes_per_bar=None if self.notes_per_bar is None else least_and_most(self.notes_per_bar, "--notes-per-bar"),
            notes_at_once=None if self.notes_at_once is None else least_and_most(self.notes_at_once, "--notes-at-once"),
            no_repeats=self.no_repeats,
            grid=self.grid,
            end_on=self.end_on,
            given_pitches=tuple(pitch_number(name.strip()) for name in melody),
            free=self.free,
        )

    def reference(self) -> Region | None:
        """The bars whose style is followed."""
        found = [] if self.like is None else places(self.like, "--like")
        if len(found) > 1:
            raise OptionError("--like takes one region, as bars:4-8")
        return found[0] if found else None
