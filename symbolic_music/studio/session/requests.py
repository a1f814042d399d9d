"""Small requests of the page, as data."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from symbolic_music.errors import OptionError
from symbolic_music.studio.session.sessions import Session
from symbolic_music.theory import chord_classes


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Go(_Body):
    """Undo, redo, or go to a state."""

    to: Literal["undo", "redo"] | int

    def apply(self, session: Session) -> None:
        """Do it."""
        if self.to == "undo":
            session.undo()
        elif self.to == "redo":
            session.redo()
        else:
            session.go(self.to)


class Named(_Body):
    """A name for a state; empty for none."""

    state: int
    name: Annotated[str, Field(max_length=120)]


class Take(_Body):
    """A stretch in ticks, [first, last), of an alternative."""

    alternative: Annotated[int, Field(ge=0)]
    first: Annotated[int, Field(ge=0)]
    last: Annotated[int, Field(ge=0)]


class Kept(_Body):
    """The bars to keep from the alternatives of an edit; a single take keeps the whole alternative."""

    takes: Annotated[list[Take], Field(min_length=1, max_length=256)]


class Chords(_Body):
    """The chord lane: (bar, name) sorted by bar; None to estimate it again."""

    chords: Annotated[list[tuple[float, str]], Field(max_length=10_000)] | None

    def apply(self, session: Session) -> None:
        """Check the names and keep them."""
        for _, name in self.chords or []:
            chord_classes(name)
        with session.lock:
            session.record.chords = None if self.chords is None else sorted(self.chords)
            session.save()


class View(_Body):
    """The view of the page: zoom, the track in the editor, the model."""

    view: dict[str, Any]

    def apply(self, session: Session) -> None:
        """Keep it, unless it is large.

        Raises:
            OptionError: for a number that JSON has not.
        """
        if len(repr(self.view)) > 20_000:
            return
        try:
            json.dumps(self.view, allow_nan=False)
        except ValueError:
            raise OptionError("view: a number is not finite") from None
        with session.lock:
            session.record.view = self.view
            session.save()
