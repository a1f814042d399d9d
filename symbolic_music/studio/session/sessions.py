"""A session is a folder: every state of the piece as a MIDI file, and session.json with their tree.

A state is written before it is announced, so after a crash the folder has the last state. States form a tree:
undo goes to the parent, and what was undone stays reachable.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import threading
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from symbolic_music import io
from symbolic_music.errors import FileError, OptionError, UnknownNameError
from symbolic_music.io.atomic import write_bytes
from symbolic_music.score import Score, Track
from symbolic_music.studio.session.stored_scores import Roster, keep, load

FORMAT = 1
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,80}")
_SUFFIXES = {".mid", ".midi", ".kar", ".smf", ".rmi", ".musicxml", ".xml", ".mxl", ".abc", ".krn", ".mei"}
# Scores that stay in memory.
_REMEMBERED = 6
_LONGEST_NAME = 120


@dataclass
class State:
    """A state of the piece.

    Args:
        number: from 1; its file is states/NUMBER.mid.
        parent: the state it was made from; None for the first.
        label: what was done.
        name: given by the user.
        made: when, in UTC, ISO 8601.
        roster: see `stored_scores.Roster`.
    """

    number: int
    parent: int | None
    label: str
    name: str
    made: str
    roster: dict[str, Any]


@dataclass
class Record:
    """The contents of session.json."""

    name: str
    source: str
    sha256: str
    current: int
    states: list[State] = field(default_factory=list)
    chords: list[tuple[float, str]] | None = None
    view: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT


class Session:
    """A piece under edit. Its methods are thread-safe."""

    def __init__(self, folder: Path, record: Record) -> None:
        self.folder, self.record = folder, record
        self.lock = threading.RLock()
        self._scores: OrderedDict[int, Score] = OrderedDict()

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def states_folder(self) -> Path:
        """The folder of the states."""
        return self.folder / "states"

    @property
    def edits_folder(self) -> Path:
        """The folder of the alternatives of edits."""
        return self.folder / "edits"

    @property
    def exports_folder(self) -> Path:
        """The folder of rendered files to send."""
        return self.folder / "exports"

    def score(self, number: int | None = None) -> Score:
        """The piece in a state, the current one when None.

        Raises:
            UnknownNameError: for a state that is not there.
        """
        with self.lock:
            state = self.state(number)
            if state.number not in self._scores:
                self._scores[state.number] = load(self._file(state.number), Roster.from_json(state.roster))
            self._scores.move_to_end(state.number)
            while len(self._scores) > _REMEMBERED:
                self._scores.popitem(last=False)
            return self._scores[state.number]

    def state(self, number: int | None = None) -> State:
        """A state by its number; UnknownNameError where there is none."""
        wanted = self.record.current if number is None else number
        for state in self.record.states:
            if state.number == wanted:
                return state
        raise UnknownNameError(f"no state {wanted} in this session")

    def add(self, score: Score, label: str, parent: int | None = None) -> State:
        """A new state, written to disk, as the current one; made from `parent`, the current one when None."""
        with self.lock:
            number = 1 + max((state.number for state in self.record.states), default=0)
            before = self.record.current if parent is None else parent
            kept, roster = keep(score, self._file(number))
            state = State(number, before or None, label, "", _now(), roster.to_json())
            self.record.states.append(state)
            self.record.current = number
            self._scores[number] = kept
            self.save()
            return state

    def add_original(self, data: bytes, suffix: str) -> State:
        """The first state from the bytes of a file; a MIDI file is kept byte for byte."""
        original = self.folder / f"original{suffix}"
        write_bytes(original, data)
        score = io.read(original)
        if not score.tracks:
            score = score.replace(tracks=(Track("Piano", 0),))
        if suffix not in (".mid", ".midi", ".kar", ".smf", ".rmi"):
            return self.add(score, "opened")
        write_bytes(self._file(1), data)
        roster = Roster.of(score)
        state = State(1, None, "opened", "", _now(), roster.to_json())
        self.record.states.append(state)
        self.record.current = 1
        self._scores[1] = score
        self.save()
        return state

    def go(self, number: int) -> State:
        """Make a state the current one."""
        with self.lock:
            state = self.state(number)
            self.record.current = state.number
            self.save()
            return state

    def undo(self) -> State:
        """Go to the parent; the first state stays where it is."""
        with self.lock:
            return self.go(self.state().parent or self.record.current)

    def redo(self) -> State:
        """Go to the newest state made from this one; where there is none, stay."""
        with self.lock:
            made = [state.number for state in self.record.states if state.parent == self.record.current]
            return self.go(max(made, default=self.record.current))

    def rename_state(self, number: int, name: str) -> State:
        """Give a state a name."""
        with self.lock:
            state = self.state(number)
            state.name = name[:_LONGEST_NAME]
            self.save()
            return state

    def save(self) -> None:
        """Write session.json, whole or not at all."""
        with self.lock:
            write_bytes(self.folder / "session.json", json.dumps(asdict(self.record), indent=1).encode())

    def described(self) -> dict[str, Any]:
        """The description for the page, without the rosters."""
        with self.lock:
            states = [{k: v for k, v in asdict(state).items() if k != "roster"} for state in self.record.states]
            return {
                "id": self.id,
                "name": self.record.name,
                "source": self.record.source,
                "current": self.record.current,
                "states": states,
                "chords": self.record.chords,
                "view": self.record.view,
            }

    def _file(self, number: int) -> Path:
        return self.states_folder / f"{number:04}.mid"


class Sessions:
    """All sessions of a folder."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"cannot make folder {folder}: {error.strerror}") from None
        self.folder = folder
        self._open: dict[str, Session] = {}
        self._lock = threading.Lock()

    def create(self, data: bytes, filename: str) -> Session:
        """A new session from the bytes of a MIDI or notation file.

        Raises:
            OptionError: for a suffix that is none of theirs.
            FileError: when it cannot be read.
        """
        shown = _shown(filename)
        suffix = Path(shown).suffix.lower()
        if suffix not in _SUFFIXES:
            raise OptionError(f"cannot open {suffix or 'a file without suffix'}: give MIDI, MusicXML, ABC, kern or MEI")
        folder = self._new_folder(Path(shown).stem)
        record = Record(shown, shown, hashlib.sha256(data).hexdigest(), 0)
        session = Session(folder, record)
        try:
            session.add_original(data, suffix)
        except FileError as error:
            _remove(folder)
            raise FileError(str(error).replace(str(folder / f"original{suffix}"), shown)) from None
        except Exception:
            _remove(folder)
            raise
        self._open[session.id] = session
        return session

    def create_from(self, score: Score, name: str) -> Session:
        """A new session from a score."""
        folder = self._new_folder(name)
        session = Session(folder, Record(name, name, "", 0))
        session.add(score, "opened")
        self._open[session.id] = session
        return session

    def get(self, identity: str) -> Session:
        """A session by its folder's name.

        Raises:
            UnknownNameError: where there is none, or the name is none that a session can have.
            FileError: when session.json cannot be read.
        """
        if not _ID.fullmatch(identity):
            raise UnknownNameError("no such session")
        with self._lock:
            if identity not in self._open:
                folder = self.folder / identity
                if not (folder / "session.json").is_file():
                    raise UnknownNameError("no such session")
                self._open[identity] = Session(folder, _record(folder / "session.json"))
            return self._open[identity]

    def latest_of(self, data: bytes) -> Session | None:
        """The newest session that was opened from these bytes; None where there is none."""
        digest = hashlib.sha256(data).hexdigest()
        return next((self.get(one["id"]) for one in self.listed() if one["sha256"] == digest), None)

    def listed(self) -> list[dict[str, Any]]:
        """All sessions, the one that was last changed first; folders that hold none are passed over."""
        found = []
        for path in self.folder.glob("*/session.json"):
            try:
                record = _record(path)
            except FileError:
                continue
            found.append(
                {
                    "id": path.parent.name,
                    "name": record.name,
                    "states": len(record.states),
                    "sha256": record.sha256,
                    "changed": path.stat().st_mtime,
                }
            )
        return sorted(found, key=lambda one: -one["changed"])

    def _new_folder(self, stem: str) -> Path:
        slug = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:40] or "piece"
        folder = self.folder / f"{slug}-{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        for inner in ("states", "edits", "exports"):
            (folder / inner).mkdir(parents=True)
        return folder


def _record(path: Path) -> Record:
    try:
        stored = json.loads(path.read_text(), parse_constant=_no_number)
        if stored["format"] != FORMAT:
            raise FileError(f"{path} has format {stored['format']}, not {FORMAT}")
        states = [_state(state) for state in stored["states"]]
        chords = stored["chords"]
        return Record(
            name=str(stored["name"]),
            source=str(stored["source"]),
            sha256=str(stored["sha256"]),
            current=int(stored["current"]),
            states=states,
            chords=None if chords is None else [(float(bar), str(name)) for bar, name in chords],
            view=dict(stored["view"]),
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise FileError(f"cannot read {path}: {error}") from None


def _state(stored: dict[str, Any]) -> State:
    """A state from JSON; TypeError or ValueError where something in it is of another kind."""
    state = State(**stored)
    if type(state.number) is not int or not 0 < state.number < 10**9 or type(state.parent) not in (int, type(None)):
        raise ValueError("a state has no number")
    if not all(isinstance(text, str) for text in (state.label, state.name, state.made)):
        raise ValueError(f"state {state.number} has no label, name or date")
    try:
        Roster.from_json(state.roster)
    except FileError as error:
        raise ValueError(str(error)) from None
    return state


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _shown(filename: str) -> str:
    """The last part of a file's name without what cannot be seen, not too long."""
    last = filename.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable())[-_LONGEST_NAME:].strip()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
