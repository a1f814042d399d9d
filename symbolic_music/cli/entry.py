"""Run a command and say how it ended: 0 done, 2 the user's mistake in one line, 130 interrupted."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import NoReturn

import typer

from symbolic_music.cli.report import told_to_stderr
from symbolic_music.errors import SymbolicMusicError

# Usage errors come from a parser that typer carries inside; this is the base class of all of them.
_USAGE_ERRORS: tuple[type[Exception], ...] = tuple(
    c for c in typer.BadParameter.__mro__ if c.__name__ in ("UsageError", "ClickException")
)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line; leaves through SystemExit.

    Mistakes of the user (usage, files, names, ranges) give one line `error: ...` on stderr and exit code 2.
    Anything else unforeseen stays a traceback, with exit code 1.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        # Names of tracks and files may hold what the terminal's encoding does not.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = _interrupted()
    except SymbolicMusicError as error:
        code = _mistake(str(error))
    except _USAGE_ERRORS as error:
        code = _mistake(_usage(error))
    except BrokenPipeError:
        # Whoever read the output has gone, as `head` does; what is still to be written goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except OSError as error:
        # A file that cannot be read or written is for the user to mend; other errors of the system are not.
        if error.filename is None:
            raise
        code = _mistake(f"{error.filename}: {error.strerror}")
    sys.exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    from symbolic_music.cli.app import app

    command = typer.main.get_command(app)
    with told_to_stderr():
        code = command.main(
            args=None if arguments is None else list(arguments), prog_name="symbolic-music", standalone_mode=False
        )
    # Without its standalone mode the parser returns the code that it would have left with.
    if code == 130:
        return _interrupted()
    return code if isinstance(code, int) else 0


def _interrupted() -> int:
    print("error: interrupted", file=sys.stderr)  # noqa: T201
    return 130


def _mistake(text: str) -> int:
    print(f"error: {' '.join(text.split())}", file=sys.stderr)  # noqa: T201
    return 2


def _usage(error: Exception) -> str:
    """What was wrong with the command line, and where to read how it should be."""
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    text = text.rstrip(".")
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "symbolic-music"
    return f"{text[:1].lower()}{text[1:]}; see {command} --help"
