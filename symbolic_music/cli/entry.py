"""Run a command and set the exit code: 0 done, 2 a user's mistake in one line, 130 interrupted, 143 terminated."""

from __future__ import annotations

import atexit
import errno
import gc
import os
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from types import FrameType
from typing import NoReturn

import typer

from symbolic_music.cli.output.console import log_to_stderr, plain
from symbolic_music.cli.output.pages import COMMAND
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
    # Importing torch makes half a million objects that stay: looking through them again and again takes 0.4 s.
    gc.set_threshold(200_000, 20, 20)
    _open_standard_streams()
    if isinstance(sys.stdout, TextIOWrapper):
        # Names of tracks and files may hold what the terminal's encoding does not.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with _ended_by_signals():
            code = _run(arguments)
            sys.stdout.flush()
    except KeyboardInterrupt:
        code = _interrupted()
    except SymbolicMusicError as error:
        code = _mistake(str(error))
    except _USAGE_ERRORS as error:
        code = _mistake(_usage(error))
    except MemoryError:
        code = _mistake("not enough memory for this")
    except OSError as error:
        code = _system_error(error)
    except SystemExit as end:
        # The parser and rich leave so when a pipe is closed; nothing else leaves with 1.
        code = _unread() if end.code == 1 else end.code  # type: ignore[assignment]
    if code == 0 and "TORCHELASTIC_RUN_ID" in os.environ:
        _leave_torchrun()
    sys.exit(code)


def _leave_torchrun() -> NoReturn:
    """End a process of torchrun that has done its work.

    Threads of torch.distributed can outlast the interpreter, and the process then aborts: torchrun would end the others
    and report a failure of a run that is complete.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)


def _open_standard_streams() -> None:
    """Open those of the descriptors 0 to 2 that the caller closed, so that no file of ours gets their numbers."""
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    if sys.stdout is None:
        # Only to be read: to write a result into it is an error, as it is for other programs.
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """While this lasts, SIGTERM and a hang-up unwind the program, so that no unfinished file stays behind.

    A signal that is ignored, as under nohup, stays so.
    """

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # a second one must not stop the cleaning up
        raise SystemExit(128 + number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {}
    with suppress(ValueError):  # not in the main thread: whoever runs us handles signals
        before = {n: signal.signal(n, end) for n in numbers if signal.getsignal(n) is signal.SIG_DFL}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _system_error(error: OSError) -> int:
    """A file or stream that cannot be read or written is for the user to mend."""
    if error.filename is not None:
        return _mistake(f"{error.filename}: {error.strerror}")
    code = _unread()
    return code if error.errno == errno.EPIPE else _mistake(f"cannot write to standard output: {error.strerror}")


def _unread() -> int:
    """Whoever read the output has gone, as `head` does; nothing is said, 128 + SIGPIPE says it."""
    # What is still to be written goes nowhere: it would fail again when Python ends.
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


def _say(text: str) -> None:
    with suppress(OSError):  # the exit code says it too
        print(f"error: {plain(text)}", file=sys.stderr, flush=True)  # noqa: T201


def _run(arguments: Sequence[str] | None) -> int:
    # Threads that wait for each other sleep: where another program uses the cores too, those that spin take two to
    # three times the processor time. OpenMP reads it when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from symbolic_music.cli.app import app

    command = typer.main.get_command(app)
    COMMAND.set(shlex.join(["symbolic-music", *(sys.argv[1:] if arguments is None else arguments)]))
    with log_to_stderr():
        code = command.main(
            args=None if arguments is None else list(arguments), prog_name="symbolic-music", standalone_mode=False
        )
    # Without its standalone mode the parser returns the code that it would have left with.
    if code == 130:
        return _interrupted()
    return code if isinstance(code, int) else 0


def _interrupted() -> int:
    _say("interrupted")
    return 130


def _mistake(text: str) -> int:
    _say(" ".join(text.split()))
    return 2


def _usage(error: Exception) -> str:
    """The mistake in a command line, with a pointer to the help."""
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    text = text.rstrip(".")
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "symbolic-music"
    return f"{text[:1].lower()}{text[1:]}; see {command} --help"
