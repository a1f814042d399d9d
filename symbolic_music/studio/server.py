"""Start the studio: a server on this machine, and its address with the token."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from symbolic_music.errors import OptionError
from symbolic_music.io.folder_lock import held
from symbolic_music.studio.access_control import MOST_UPLOAD_BYTES, Guard
from symbolic_music.studio.app import application
from symbolic_music.studio.session.models import Models
from symbolic_music.studio.session.sessions import Session, Sessions
from symbolic_music.studio.session.shared_state import Context

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True)
class Studio:
    """A studio that is ready to be served.

    Args:
        app: the guarded application.
        context: sessions, models, edits under way.
        host, port: where it listens.
        token: that its address carries.
    """

    app: ASGIApp
    context: Context
    host: str
    port: int
    token: str

    def address(self, session: Session | None = None) -> str:
        """The address of the page."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host
        shown = f"[{host}]" if ":" in host else host
        where = "" if session is None else f"&session={session.id}"
        return f"http://{shown}:{self.port}/?token={self.token}{where}"


def studio(
    folder: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    model: str | None = None,
    device: str = "auto",
    token: str | None = None,
    hosts: tuple[str, ...] = (),
) -> Studio:
    """A studio over a folder of sessions.

    Args:
        folder: of sessions; made when missing.
        host: address to listen on; loopback by default.
        port: 0 for any that is free.
        model: name or folder of the model that is used unless the page says otherwise.
        device: auto, cpu, cuda or mps.
        token: drawn at random when None.
        hosts: further names under which the server may be called, where it listens beyond loopback.
    """
    port = port or free_port(host)
    context = Context(Sessions(folder), Models(model, device))
    token = secrets.token_urlsafe(18) if token is None else token
    names = {*_LOOPBACK, *hosts, *(() if host in ("0.0.0.0", "::") else (host,))}
    allowed = frozenset(f"{name}:{port}".lower() for name in names)
    return Studio(Guard(application(context), token, allowed, MOST_UPLOAD_BYTES), context, host, port, token)


def alone(made: Studio) -> AbstractContextManager[None]:
    """No other process serves these sessions meanwhile; OptionError where one does: each would undo the other's edits.

    Examples:
        >>> made = sm.studio.studio(Path("sessions"), token="secret")
        >>> with sm.studio.alone(made):
        ...     made.port > 0
        True
    """
    folder = made.context.sessions.folder
    return held(folder, OptionError(
        f"another studio keeps its sessions in {folder}: use that one, or name another folder with --sessions"
    ))  # fmt: skip


def serve(made: Studio, ready: Callable[[], None] | None = None) -> None:
    """Serve until interrupted; `ready` is called when requests are answered."""
    server = _Server(_config(made), ready)
    try:
        server.run()
    finally:
        made.context.jobs.close()


def _config(made: Studio) -> uvicorn.Config:
    return uvicorn.Config(
        made.app, host=made.host, port=made.port, log_level="warning", access_log=False, timeout_graceful_shutdown=2,
        lifespan="off", ws="none",
    )  # fmt: skip


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        await super().startup(sockets)
        if self.started and self._ready is not None:
            self._ready()


def free_port(host: str) -> int:
    """A port that nothing listens on.

    Raises:
        OptionError: when the host is none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((host, 0))
            return int(probe.getsockname()[1])
    except OSError as error:
        raise OptionError(f"cannot listen on {host}: {error.strerror or error}") from None


@contextmanager
def background(made: Studio) -> Iterator[None]:
    """Serve from a thread while the block runs: in a notebook, and in tests."""
    ready = threading.Event()
    server = _Server(_config(made), ready.set)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        if not ready.wait(60):
            raise OptionError(f"the server does not answer on port {made.port}")
        yield
    finally:
        server.should_exit = True
        thread.join(10)
        made.context.jobs.close()
