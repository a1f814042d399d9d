"""Open the piano roll in the browser."""

from __future__ import annotations

import webbrowser
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symbolic_music.cli.options.common import Device
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.output.console import out

if TYPE_CHECKING:
    from symbolic_music.studio import Studio

_server = partial(typer.Option, rich_help_panel="Server")


@examples("song.mid")
def studio(
    file: Annotated[Path | None, typer.Argument(help="A MIDI or notation file; the start page without one.")] = None,
    port: Annotated[int, _server(help="The port; 0 for any free one.", min=0, max=65535)] = 0,
    host: Annotated[str, _server(help="The address to listen on. Every address needs the token.")] = ("127.0.0.1"),
    sessions: Annotated[
        Path | None, typer.Option(help="The folder of the sessions.", show_default="~/symbolic-music-studio")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="The name or folder of a model; see `models`.")
    ] = None,
    device: Device = "auto",
    new: Annotated[bool, typer.Option("--new", help="Begin a new session even if the file has one.")] = False,
    no_browser: Annotated[bool, _server("--no-browser", help="Print the address, open no browser.")] = False,
    osc: Annotated[int | None, _server(help="A UDP port for OSC.", min=1, max=65535)] = None,
) -> None:
    """Open the studio in the browser: select bars and tracks, request alternatives, listen, keep one.

    A file that has a session opens in its last state. Ctrl-C ends the studio; sessions stay on disk.
    """
    from symbolic_music.io.files import check_readable
    from symbolic_music.studio import alone, studio

    data = None
    if file is not None:
        check_readable(file)
        data = file.read_bytes()
    made = studio(Path.home() / "symbolic-music-studio" if sessions is None else sessions, host, port, model, device)
    with alone(made):
        _serve(made, file, data, new, no_browser, host, osc)


def _serve(
    made: Studio, file: Path | None, data: bytes | None, new: bool, no_browser: bool, host: str, osc: int | None
) -> None:
    from symbolic_music.studio import serve

    session = None
    if file is not None and data is not None:
        session = None if new else made.context.sessions.latest_of(data)
        session = session or made.context.sessions.create(data, file.name)
    address = made.address(session)

    def ready() -> None:
        out(f"The studio is at {address}")
        out(f"Sessions are kept in {made.context.sessions.folder}. Ctrl-C ends it.")
        if not no_browser:
            webbrowser.open(address)

    if osc is None:
        serve(made, ready)
        return
    from symbolic_music.studio.osc import listening

    with listening(made.context, host, osc):
        serve(made, ready)
