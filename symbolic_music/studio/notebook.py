"""The piano roll in a notebook (anywidget): select bars and tracks, run an edit, keep the result, `widget.score`."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

from symbolic_music.errors import MissingExtraError, SymbolicMusicError
from symbolic_music.generation import Written, ranked
from symbolic_music.models import Model, load_model
from symbolic_music.score import Score
from symbolic_music.studio.score_json import described
from symbolic_music.studio.session.hand_edits import Changes
from symbolic_music.studio.session.model_edits import EditRequest, writing_of

# The page's own modules, each after those that it needs.
MODULES = (
    "dom", "theme", "timeline", "piece", "icons", "roll_layouts", "roll_paint", "roll_tiles", "roll_lanes_pointer",
    "roll_notes_pointer", "piano_roll", "widget",
)  # fmt: skip
_IMPORT = re.compile(r"^import\s.*?;\n", re.MULTILINE | re.DOTALL)


def module() -> str:
    """The page's modules as one: a notebook cannot fetch them one by one."""
    folder = resources.files("symbolic_music") / "studio" / "static"
    parts = []
    for name in MODULES:
        text = _IMPORT.sub("", (folder / f"{name}.js").read_text())
        parts.append(re.sub(r"^export (?!default)", "", text, flags=re.MULTILINE))
    return "\n".join(parts)


def style() -> str:
    """Colours of the page, for the widget alone."""
    folder = resources.files("symbolic_music") / "studio" / "static"
    colours = (folder / "theme.css").read_text().split("\n* {")[0]
    return colours.replace(":root", ".sm-roll") + (folder / "widget.css").read_text()


def widget(score: Score, model: Model[Any] | str | None = None, height: int = 420) -> Any:
    """A piano roll to be shown in a notebook.

    Drag over bars and tracks, press Rewrite, and choose among the alternatives; edit notes by hand below. What is
    kept is the widget's `score`; `undo()` takes the last step back.

    Args:
        score: the piece.
        model: that writes; the bundled one of any tracks when None.
        height: pixels.

    Raises:
        MissingExtraError: without anywidget.
    """
    try:
        import anywidget
        import traitlets
    except ImportError:
        raise MissingExtraError("anywidget", "notebook") from None

    class RollWidget(anywidget.AnyWidget):
        """The piano roll of `widget`."""

        _esm = module()
        _css = style()
        piece = traitlets.Dict().tag(sync=True)
        selection = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
        height = traitlets.Int(420).tag(sync=True)

        def __init__(self, score: Score, **traits: Any) -> None:
            super().__init__(piece=described(score), **traits)
            self._states, self._found = [score], list[Written]()
            self.on_msg(self._told)

        @property
        def score(self) -> Score:
            """The piece as it is now."""
            return self._states[-1]

        @property
        def alternatives(self) -> list[Score]:
            """The latest results, the likeliest first."""
            return [one.score for one in self._found]

        def ask(self, verb: str = "rewrite", alternatives: int = 3, **more: Any) -> list[Score]:
            """Ask for alternatives of the selection, shown while they are drawn; see `model_edits.EditRequest`."""
            chosen = self.selection
            asked = {"verb": verb, "state": 1, "alternatives": alternatives, **more}
            if chosen and verb not in ("continue", "intro", "accompany"):
                asked.setdefault("spans", [(chosen["first"], chosen["last"])])
            if chosen and verb != "add-track":
                asked.setdefault("tracks", chosen["tracks"])
            wish = EditRequest.model_validate(asked)
            loaded = (
                model
                if isinstance(model, Model)
                else load_model(model or ("multitrack" if verb == "sparser" else "song"))
            )
            writing = writing_of(wish, self.score, loaded, wish.seed or 0)
            self.send({"kind": "begin", "alternatives": alternatives})
            for note in writing.stream():
                onset, end = (round(float(t)) for t in self.score.ticks([note.onset_seconds, note.offset_seconds]))
                fields = {"track": note.track, "onset": onset, "duration": max(1, end - onset), "pitch": note.pitch}
                self.send({"kind": "note", "alternative": note.alternative, "velocity": note.velocity, **fields})
            self._found = ranked(writing.results())
            self.send({"kind": "done", "order": [one.number for one in self._found]})
            return self.alternatives

        def keep(self, place: int = 0) -> Score:
            """Take an alternative: 0 is the likeliest."""
            self._go(self._found[place].score)
            return self.score

        def undo(self) -> Score:
            """Take the last step back."""
            if len(self._states) > 1:
                self._states.pop()
                self.piece = described(self.score)
            return self.score

        def _go(self, score: Score) -> None:
            self._states.append(score)
            self._found = []
            self.piece = described(score)

        def _told(self, _: Any, content: dict[str, Any], buffers: Any) -> None:
            try:
                if content["kind"] == "ask":
                    self.ask(content["verb"], int(content["alternatives"]))
                elif content["kind"] == "keep":
                    numbers = [one.number for one in self._found]
                    self.keep(numbers.index(int(content["alternative"])))
                elif content["kind"] == "undo":
                    self.undo()
                elif content["kind"] == "change":
                    self._go(Changes.model_validate({"state": 1, "changes": content["changes"]}).apply(self.score))
            except (SymbolicMusicError, ValueError, KeyError) as error:
                self.send({"kind": "error", "message": " ".join(str(error).split())[:400]})

    return RollWidget(score, height=height)
