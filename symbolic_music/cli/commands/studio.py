"""The piano roll in the browser."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.output.report import out


def studio(
    file: Annotated[Path | None, typer.Argument(help="A MIDI or notation file; without one, the start page.")] = None,
    port: Annotated[int, typer.Option(help="Where it listens; 0 for any free port.", min=0, max=65535)] = 0,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this machine's own need the token too.")
    ] = ("127.0.0.1"),
    sessions: Annotated[
        Path | None, typer.Option(help="Folder of the sessions.", show_default="~/symbolic-music-studio")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="A bundled model's name or a model folder; see models.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    new: Annotated[bool, typer.Option("--new", help="A new session, also for a file that was opened before.")] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
    osc: Annotated[int | None, typer.Option(help="Listen for OSC on this UDP port too.", min=1, max=65535)] = None,
) -> None:
    """Open the studio in the browser: select bars and tracks, ask for alternatives, hear them, keep one.

    A file that was opened before opens where it was left. Ctrl-C ends the studio; sessions stay.
    """
    from symbolic_music.io.files import check_readable
    from symbolic_music.studio import serve, studio

    data = None
    if file is not None:
        check_readable(file)
        data = file.read_bytes()
    made = studio(Path.home() / "symbolic-music-studio" if sessions is None else sessions, host, port, model, device)
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
