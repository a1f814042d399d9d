"""Output of verbs: results to stdout; progress to stderr, only on a terminal."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# Takes the part done, from 0 to 1, and what to say beside.
Progress = Callable[..., None]


# What a terminal obeys, what writes the line from right to left, and what is no character (a byte of a name that is not
# UTF-8): names of files may hold all of them.
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: str) -> str:
    """The text with "?" for each character that a terminal would obey or could not show."""
    return _OBEYED.sub("?", text)


def out(text: str = "") -> None:
    """A line of the result."""
    sys.stdout.write(plain(text) + "\n")


def out_json(result: Any) -> None:
    """The result as one JSON object."""
    sys.stdout.write(json.dumps(result) + "\n")


def show(*renderables: Any) -> None:
    """Rich tables on stdout; plain text, as wide as it needs, when stdout is not a terminal."""
    from rich.console import Console
    from rich.text import Text

    class Plain(Console):
        def render_str(self, text: str, **options: Any) -> Text:
            return super().render_str(plain(text), **options)

    terminal = sys.stdout.isatty()
    console = Plain(file=sys.stdout, highlight=False, markup=False, width=None if terminal else 160)
    console.print(*renderables, sep="\n")


@contextmanager
def working(what: str) -> Iterator[Progress]:
    """A progress bar while something is done."""
    if not sys.stderr.isatty():
        yield lambda part, beside="": None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[beside]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None, beside="")
        yield lambda part, beside="": progress.update(task, total=1.0, completed=part, beside=beside)


class _ToStderr(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """A line on stderr, whatever stderr is by then."""
        sys.stderr.write(plain(record.getMessage()) + "\n")


@contextmanager
def log_to_stderr() -> Iterator[None]:
    """Write log messages of the package, from level INFO, as plain lines to stderr."""
    logger, handler = logging.getLogger("symbolic_music"), _ToStderr()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
