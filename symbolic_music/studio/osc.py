"""OSC access to the studio: a small address space over UDP. See docs/studio-tools.md."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from symbolic_music.errors import MissingExtraError, OptionError, SymbolicMusicError
from symbolic_music.generation.regions import bars
from symbolic_music.studio.session.jobs import Job, kept
from symbolic_music.studio.session.model_edits import EditRequest
from symbolic_music.studio.session.sessions import Session
from symbolic_music.studio.session.shared_state import Context

Reply = Callable[[str, list[Any]], None]


class Commands:
    """The handlers of all addresses, with the current session, selection and settings.

    Args:
        context: sessions, models and edits.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session: Session | None = None
        self._spans: list[tuple[int, int]] = []
        self._tracks: list[int] = []
        self._settings: dict[str, Any] = {}
        self._job: Job | None = None

    @property
    def session(self) -> Session:
        """The session in use: the one last changed, unless another was chosen."""
        if self._session is None:
            listed = self._context.sessions.listed()
            if not listed:
                raise OptionError("there is no session yet: open a piece in the page")
            self._session = self._context.sessions.get(listed[0]["id"])
        return self._session

    def do(self, address: str, values: list[Any], reply: Reply) -> None:
        """Answer a message; what is wrong comes back as /studio/error."""
        verbs: dict[str, Callable[[list[Any], Reply], None]] = {
            "sessions": self._sessions,
            "session": self._choose,
            "select": self._select,
            "set": self._set,
            "ask": self._ask,
            "cancel": lambda values, reply: self._job.cancel() if self._job else None,
            "keep": self._keep,
            "undo": lambda values, reply: reply("/studio/state", [self.session.undo().number]),
            "redo": lambda values, reply: reply("/studio/state", [self.session.redo().number]),
        }
        name = address.removeprefix("/studio/")
        try:
            if name not in verbs:
                raise OptionError(f"no address {address}: there are {', '.join(f'/studio/{verb}' for verb in verbs)}")
            verbs[name](values, reply)
        except SymbolicMusicError as error:
            reply("/studio/error", [str(error)])
        except (ValueError, TypeError, IndexError) as error:
            reply("/studio/error", [f"{address}: {' '.join(str(error).split())[:300]}"])

    def _sessions(self, values: list[Any], reply: Reply) -> None:
        for one in self._context.sessions.listed():
            reply("/studio/sessions", [one["id"], one["name"]])

    def _choose(self, values: list[Any], reply: Reply) -> None:
        self._session = self._context.sessions.get(str(values[0]))
        self._spans, self._tracks = [], []
        reply("/studio/state", [self._session.record.current])

    def _select(self, values: list[Any], reply: Reply) -> None:
        """First bar, last bar, tracks."""
        self._spans = [bars(int(values[0]), int(values[1])).span(self.session.score())]
        self._tracks = [int(track) for track in values[2:]]
        reply("/studio/selected", [*self._spans[0], *self._tracks])

    def _set(self, values: list[Any], reply: Reply) -> None:
        """A field of `model_edits.EditRequest` and its value: temperature 0.9."""
        name = str(values[0])
        if name in ("verb", "state", "spans", "tracks", "limits") or name not in EditRequest.model_fields:
            raise OptionError(f"no setting {name!r}")
        self._settings[name] = values[1]

    def _ask(self, values: list[Any], reply: Reply) -> None:
        """A verb, and how many alternatives."""
        count = int(values[1]) if len(values) > 1 else 4
        asked = {"verb": str(values[0]), "state": self.session.record.current, "spans": self._spans,
                 "tracks": self._tracks, "alternatives": count, **self._settings}  # fmt: skip
        wish = EditRequest.model_validate(asked)
        session = self.session
        job = self._context.jobs.start(session, wish, lambda: self._context.models.answering(wish.verb, wish.model))
        self._job = job
        reply("/studio/edit", [job.number])
        threading.Thread(target=self._tell, args=(job, session.score(wish.state).ticks_per_quarter, reply)).start()

    def _tell(self, job: Job, quarter: int, reply: Reply) -> None:
        """Notes as they come: edit, alternative, track, onset and duration in quarters, pitch, velocity."""
        for kind, content in job.follow():
            if kind == "notes":
                for alternative, track, onset, duration, pitch, velocity in content["notes"]:
                    place = [float(onset / quarter), float(duration / quarter)]
                    reply("/studio/note", [job.number, alternative, track, *place, pitch, velocity])
            elif kind == "failed":
                reply("/studio/error", [content["message"]])
            elif kind in ("done", "cancelled"):
                reply(f"/studio/{kind}", [job.number, *(one["number"] for one in content["alternatives"])])

    def _keep(self, values: list[Any], reply: Reply) -> None:
        if self._job is None:
            raise OptionError("no edit has been requested")
        span = self._spans[0] if self._spans else (0, 1 << 28)
        state = kept(self._job.session, self._job.number, [(int(values[0]), *span)])
        reply("/studio/state", [state.number])


@contextmanager
def listening(context: Context, host: str, port: int) -> Iterator[int]:
    """Answer OSC on a UDP port while the block runs; gives the port (one that is free for 0).

    Raises:
        OptionError: when the port is taken.
        MissingExtraError: without python-osc.
    """
    try:
        from pythonosc.dispatcher import Dispatcher
        from pythonosc.osc_message_builder import OscMessageBuilder
        from pythonosc.osc_server import ThreadingOSCUDPServer
    except ImportError:
        raise MissingExtraError("python-osc", "osc") from None
    commands = Commands(context)

    def answer(client: tuple[str, int], address: str, *values: Any) -> None:
        commands.do(address, list(values), lambda path, content: reply(client, path, content))

    def reply(client: tuple[str, int], path: str, content: list[Any]) -> None:
        message = OscMessageBuilder(path)
        for value in content:
            message.add_arg(value)
        server.socket.sendto(message.build().dgram, client)

    dispatcher = Dispatcher()
    dispatcher.set_default_handler(answer, needs_reply_address=True)
    try:
        server = ThreadingOSCUDPServer((host, port), dispatcher)
    except OSError as error:
        raise OptionError(f"cannot listen for OSC on {host}:{port}: {error.strerror or error}") from None
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
