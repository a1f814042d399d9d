"""Running edits: a thread draws notes and sends them as events; results go to the folder of the session."""

from __future__ import annotations

import json
import math
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import numpy as np

from symbolic_music import edits
from symbolic_music.errors import FileError, OptionError, SymbolicMusicError, UnknownNameError
from symbolic_music.evaluation.context import fit
from symbolic_music.generation import EditSession, Written, ranked
from symbolic_music.io.atomic import write_bytes
from symbolic_music.models import Model
from symbolic_music.score import Score
from symbolic_music.studio.session.model_edits import MOVING, EditRequest, writing_of
from symbolic_music.studio.session.sessions import Session, State
from symbolic_music.studio.session.stored_scores import Roster, keep, load

Event = tuple[str, dict[str, Any]]
# Notes are sent in batches at this interval.
_HANDFUL_SECONDS = 0.04


class Job:
    """A running edit. `events` grows while it runs; `status` is drawing, done, cancelled or failed."""

    def __init__(self, session: Session, number: int, wish: EditRequest) -> None:
        self.session, self.number, self.wish = session, number, wish
        self.seed = secrets.randbelow(1 << 31) if wish.seed is None else wish.seed
        self.events: list[Event] = []
        self.status = "drawing"
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def folder(self) -> Path:
        """The folder of its files."""
        return self.session.edits_folder / f"{self.number:04}"

    def start(self, model: Callable[[], Model[Any]]) -> None:
        """Begin to draw in a thread of its own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._record({"status": "drawing", "alternatives": []})
        self._thread = threading.Thread(target=self._run, args=(model,), daemon=True)
        self._thread.start()

    def follow(self) -> Iterator[Event]:
        """All events, those to come as they come, to the end."""
        place = 0
        while True:
            ended = self.status != "drawing"
            for event in self.events[place:]:
                place += 1
                yield event
            if ended and place == len(self.events):
                return
            time.sleep(_HANDFUL_SECONDS / 2)

    def cancel(self) -> None:
        """Stop drawing; what is drawn stays."""
        self._stop.set()

    def wait(self) -> None:
        """Until it has ended."""
        if self._thread is not None:
            self._thread.join()

    def _run(self, model: Callable[[], Model[Any]]) -> None:
        try:
            score = self.session.score(self.wish.state)
            self._tell("start", {"seed": self.seed, "verb": self.wish.verb, "alternatives": self.wish.alternatives})
            answering = model()
            writing = writing_of(self.wish, score, answering, self.seed)
            self._draw(writing, score)
            found = writing.results()
            status = "cancelled" if self._stop.is_set() else "done"
            listed = self._keep(found)
            name = answering.card.name
            self._record({"status": status, "model": name, "alternatives": listed})
            public = [{k: v for k, v in one.items() if k != "roster"} for one in listed]
            self._tell(status, {"model": name, "alternatives": public})
            self.status = status
        except SymbolicMusicError as error:
            self._fail(str(error))
        except Exception as error:
            # Whatever went wrong, the page must not wait for ever; the log has the rest.
            self._fail(f"{type(error).__name__}: {error}")
            raise

    def _draw(self, writing: EditSession, score: Score) -> None:
        # What comes before moves on by as much as is put in front of it: ticks of notes are those of the result.
        handful: list[list[int]] = []
        last = time.monotonic()
        for note in writing.stream():
            onset, end = (round(float(t)) for t in score.ticks([note.onset_seconds, note.offset_seconds]))
            handful.append([note.alternative, note.track, onset, max(1, end - onset), note.pitch, note.velocity])
            if time.monotonic() - last > _HANDFUL_SECONDS:
                self._tell("notes", {"notes": handful, "done": round(min(1.0, writing.done), 4)})
                handful, last = [], time.monotonic()
            if self._stop.is_set():
                break
        if handful:
            self._tell("notes", {"notes": handful, "done": round(min(1.0, writing.done), 4)})

    def _keep(self, found: list[Written]) -> list[dict[str, Any]]:
        """Write the alternatives and say what they are, the best fit first, the likeliest of equal ones."""
        listed: list[dict[str, Any]] = []
        for one in ranked(found):
            share, shares = self._fit(one)
            _, roster = keep(one.score, self.folder / f"alternative-{one.number}.mid")
            listed.append(
                {
                    "number": one.number,
                    "fit": share,
                    "shares": shares,
                    "notes": len(one.notes),
                    "log_likelihood": None if math.isnan(one.log_likelihood) else round(one.log_likelihood, 4),
                    "complete": one.complete,
                    "copies_original": one.copies_original,
                    "copy_of": one.copy_of,
                    "seconds": round(one.score.duration, 3),
                    "roster": roster.to_json(),
                }
            )
        listed.sort(key=lambda one: -1.0 if one["fit"] is None else one["fit"], reverse=True)
        return [{"rank": rank + 1, **one} for rank, one in enumerate(listed)]

    def _fit(self, one: Written) -> tuple[float | None, dict[str, float]]:
        """How what was written fits; see `fit`."""
        if not len(one.notes):
            return None, {}
        spans = self.wish.spans or [(int(one.notes["onset"].min()), int(one.notes["onset"].max()) + 1)]
        if self.wish.verb in ("continue", "intro"):
            spans = [(int(one.notes["onset"].min()), int(one.notes["onset"].max()) + 1)]
        tracks = tuple(np.unique(one.notes["track"]).tolist())
        return fit(one.score, min(first for first, _ in spans), max(last for _, last in spans), tracks, one.like)

    def _fail(self, message: str) -> None:
        self._record({"status": "failed", "message": message, "alternatives": []})
        self._tell("failed", {"message": message})
        self.status = "failed"

    def _tell(self, kind: str, content: dict[str, Any]) -> None:
        self.events.append((kind, content))

    def _record(self, content: dict[str, Any]) -> None:
        facts = {"number": self.number, "wish": self.wish.model_dump(), "seed": self.seed, **content}
        write_bytes(self.folder / "edit.json", json.dumps(facts, indent=1).encode())


class Jobs:
    """The edits of all sessions; one draws at a time in each."""

    def __init__(self) -> None:
        self._jobs: dict[tuple[str, int], Job] = {}
        self._lock = threading.Lock()

    def start(self, session: Session, wish: EditRequest, model: Callable[[], Model[Any]]) -> Job:
        """Begin an edit. OptionError while another one of this session is being drawn."""
        session.state(wish.state)
        with self._lock:
            if any(job.status == "drawing" for (owner, _), job in self._jobs.items() if owner == session.id):
                raise OptionError("another edit is being drawn: wait for it or cancel it")
            used = [int(path.name) for path in session.edits_folder.glob("[0-9]*") if path.name.isdecimal()]
            job = Job(session, 1 + max(used, default=0), wish)
            self._jobs[session.id, job.number] = job
        job.start(model)
        return job

    def get(self, session: Session, number: int) -> Job:
        """An edit of this run of the server; UnknownNameError where there is none."""
        job = self._jobs.get((session.id, number))
        if job is None:
            raise UnknownNameError(f"edit {number} is not under way")
        return job

    def find(self, session: Session, number: int) -> Job | None:
        """A job by its number; None if there is none."""
        return self._jobs.get((session.id, number))

    def close(self) -> None:
        """Stop whatever is being drawn."""
        for job in self._jobs.values():
            job.cancel()
        for job in self._jobs.values():
            job.wait()


def recorded(session: Session, number: int, drawing: bool = False) -> dict[str, Any]:
    """The contents of edit.json; "interrupted" if the server ended during the edit.

    Raises:
        UnknownNameError: for an edit that is not there.
    """
    try:
        facts: dict[str, Any] = json.loads(
            (session.edits_folder / f"{number:04}" / "edit.json").read_text(), parse_constant=_no_number
        )
        known = type(facts["status"]) is str and all(type(one["number"]) is int for one in facts["alternatives"])
        EditRequest.model_validate(facts["wish"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        known = False
    if not known:
        raise UnknownNameError(f"no edit {number} in this session")
    if facts["status"] == "drawing" and not drawing:
        facts["status"] = "interrupted"
    return facts


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def alternative(session: Session, number: int, which: int) -> Score:
    """The piece with an alternative of an edit."""
    for one in recorded(session, number)["alternatives"]:
        if one["number"] == which:
            path = session.edits_folder / f"{number:04}" / f"alternative-{which}.mid"
            return load(path, Roster.from_json(one.get("roster")))
    raise UnknownNameError(f"edit {number} has no alternative {which}")


def kept(session: Session, number: int, takes: list[tuple[int, int, int]]) -> State:
    """Make a state of alternatives of an edit: (alternative, first tick, last tick) of each stretch that is taken.

    Raises:
        OptionError: without takes, or for several of an edit that moves what is given.
        UnknownNameError: for an alternative that is not there.
    """
    facts = recorded(session, number)
    wish = EditRequest.model_validate(facts["wish"])
    numbers = list(dict.fromkeys(which for which, _, _ in takes))
    if not numbers:
        raise OptionError("nothing is taken: choose at least one alternative")
    label = f"{wish.verb}, {' + '.join(ascii_uppercase[which % 26] for which in numbers)}"
    whole = alternative(session, number, numbers[0])
    if len(takes) == 1:
        return session.add(whole, label, wish.state)
    if wish.verb in MOVING:
        raise OptionError(f"the bars of an {wish.verb} cannot be mixed: keep one of them")
    score = session.score(wish.state)
    for which, first, last in takes:
        other = alternative(session, number, which)
        changed = wish.tracks if wish.verb not in ("add-track", "accompany") else range(len(other.tracks))
        tracks = list(changed) or list(range(len(other.tracks)))
        score = edits.splice(score, other, [(first, last)], tracks)
    return session.add(score, label, wish.state)


def unfinished(session: Session) -> list[int]:
    """Numbers of the edits of a session, the newest first."""
    found = [int(path.name) for path in session.edits_folder.glob("[0-9]*") if path.name.isdecimal()]
    return sorted(found, reverse=True)


def check_number(text: str) -> int:
    """The number of an edit or a state from an address."""
    if not text.isdecimal() or len(text) > 9:
        raise FileError("no such number")
    return int(text)
