"""Reports of verbs: an HTML page, and the same as JSON beside it."""

from __future__ import annotations

import json
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symbolic_music.evaluation.report import Report

# The command line that runs.
COMMAND: ContextVar[str] = ContextVar("COMMAND", default="symbolic-music")


def facts_of(**facts: Any) -> dict[str, Any]:
    """How the figures of a report came about: what is given, the command and the version of the library."""
    from symbolic_music.version import __version__

    return {**facts, "command": COMMAND.get(), "symbolic_music": __version__}


def write_page(report: Report, page: Path) -> None:
    """The page, and the same as JSON under its name with .json."""
    from symbolic_music.evaluation.report import as_json
    from symbolic_music.evaluation.report import page as html
    from symbolic_music.io.atomic import write_bytes

    # Names of files may be no text: bytes that are not UTF-8 are question marks.
    write_bytes(page, html(report).encode(errors="replace"))
    data = json.dumps(as_json(report), indent=1, ensure_ascii=False) + "\n"
    write_bytes(page.with_suffix(".json"), data.encode(errors="replace"))
